"""Tasks run in the organization their message names, or not at all."""

import uuid
from typing import Any

import pytest
from celery import shared_task

from tenants.context import current_organization, current_organization_or_none
from tenants.enums import OrganizationState
from tenants.models import Organization
from tenants.scope import current_scope
from tenants.task_base import OrganizationTask, PlatformTask, TaskWithoutOrganization, UnplacedTask

ran: list[Any] = []


@shared_task(name="test.in_organization", base=OrganizationTask)
def in_one(value: int) -> None:
    ran.append((current_organization().slug, current_scope.get().schema_name, value))


@shared_task(name="test.on_platform", base=PlatformTask)
def on_platform() -> None:
    ran.append((current_organization_or_none(), current_scope.get().schema_name))


@shared_task(name="test.unplaced", base=UnplacedTask)
def unplaced() -> None:
    ran.append("ran")


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


@pytest.mark.feature("OPS-02")
def test_the_body_runs_in_the_organization_of_the_message(acme: Organization) -> None:
    before = current_scope.get()
    in_one(value=7, organization_id=str(acme.id))
    assert ran == [("acme", acme.schema_name, 7)]
    assert current_scope.get() is before


@pytest.mark.leak(2, 3)
@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("nothing", {}),
        ("none", {"organization_id": None}),
        ("no uuid", {"organization_id": "public"}),
        ("a schema's name", {"organization_id": "t_abc"}),
        ("unknown", {"organization_id": str(uuid.UUID(int=7))}),
    ],
)
def test_without_a_known_organization_the_body_does_not_run(
    label: str, message: dict[str, Any], acme: Organization
) -> None:
    with pytest.raises(TaskWithoutOrganization):
        in_one(value=7, **message)
    assert ran == []


@pytest.mark.leak(2)
@pytest.mark.parametrize(
    "state",
    [
        OrganizationState.PROVISIONING,
        OrganizationState.SUSPENDED,
        OrganizationState.DELETING,
        OrganizationState.DELETED,
    ],
)
def test_a_closed_organizations_task_does_not_run(state: OrganizationState, acme: Organization) -> None:
    acme.state = state
    acme.save_fields("state")
    with pytest.raises(TaskWithoutOrganization):
        in_one(value=7, organization_id=str(acme.id))
    assert ran == []


def test_a_platform_task_stands_in_public_alone(shared: None) -> None:
    on_platform()
    assert ran == [(None, "public")]


@pytest.mark.leak(3)
def test_a_task_that_chose_no_place_is_refused(shared: None) -> None:
    with pytest.raises(TypeError, match="must set base"):
        unplaced()
    assert ran == []
