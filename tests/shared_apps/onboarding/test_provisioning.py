"""Organizations come into being whole, once, and whatever gets killed on the way."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from shared_apps.accounts.models import Invitation
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import system_actor
from shared_apps.onboarding.errors import CreationKeyReused, UnknownTimezone
from shared_apps.onboarding.services.provisioning import provision_organization
from shared_apps.onboarding.tasks import resume_provisioning
from shared_apps.onboarding.types import NewOrganization
from shared_apps.outbox.models import OutboxMessage
from tenant_apps.people.models import Member
from tenants.context import in_organization, in_public
from tenants.enums import OrganizationState, SchemaState
from tenants.errors import NameNotAvailable
from tenants.models import Domain, Organization, TenantSchema
from tenants.services.template import dump_schema
from tests.support.client import Caller
from tests.support.server import server_environment

SYSTEM = system_actor("test")


def wish(slug: str = "initech", **change: Any) -> NewOrganization:
    return NewOrganization(
        **{"name": "Initech", "slug": slug, "owner_email": "Owner@initech.example", **change}
    )


def empty_the_pool() -> None:
    TenantSchema.objects.filter(state=SchemaState.READY).update(state=SchemaState.CLAIMED)


@pytest.mark.feature("TEN-07")
def test_a_ready_schema_makes_the_organization_open_at_once(shared: None) -> None:
    made = provision_organization(actor=SYSTEM, request=wish())
    assert made.state == OrganizationState.TRIAL
    schema = TenantSchema.objects.get(id=made.id)
    assert (schema.state, schema.schema_name) == (SchemaState.CLAIMED, made.schema_name)
    assert list(Domain.objects.filter(tenant=made).values_list("domain", "is_primary")) == [
        ("initech.palaestra.test", True)
    ]
    assert Invitation.objects.get(organization=made).email == "owner@initech.example"
    assert OutboxMessage.objects.filter(organization_id=made.id, topic="mail.send").count() == 1
    assert AuditEvent.objects.get(organization_id=made.id).action == "organizations.create"
    assert Caller("initech.palaestra.test").get("/api/v1/nothing").json()["code"] == "not_found"
    with in_organization(made):
        assert Member.objects.count() == 0


def test_an_empty_pool_builds_inline(committed: None) -> None:
    empty_the_pool()
    made = provision_organization(actor=SYSTEM, request=wish())
    assert made.state == OrganizationState.TRIAL
    assert TenantSchema.objects.get(id=made.id).state == SchemaState.CLAIMED
    with in_organization(made):
        assert Member.objects.count() == 0


def test_the_same_key_answers_the_same_organization(shared: None) -> None:
    first = provision_organization(actor=SYSTEM, request=wish(), creation_key="k1")
    again = provision_organization(actor=SYSTEM, request=wish(), creation_key="k1")
    assert again.id == first.id
    assert Invitation.objects.filter(organization=first).count() == 1
    with pytest.raises(CreationKeyReused):
        provision_organization(actor=SYSTEM, request=wish(name="Other"), creation_key="k1")


def test_an_unknown_time_zone_makes_nothing(shared: None) -> None:
    with pytest.raises(UnknownTimezone):
        provision_organization(actor=SYSTEM, request=wish(timezone="Mars/Olympus"))
    assert not Organization.objects.filter(slug="initech").exists()


def _in_threads(works: list[Any]) -> list[Any]:
    def run(work: Any) -> Any:
        try:
            with in_public():
                return work()
        except NameNotAvailable as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


@pytest.mark.feature("TEN-07")
def test_one_wish_sent_five_times_at_once_is_one_organization(committed: None) -> None:
    made = _in_threads([lambda: provision_organization(actor=SYSTEM, request=wish(), creation_key="k")] * 5)
    assert len({organization.id for organization in made}) == 1
    assert Organization.objects.filter(slug="initech").count() == 1


def test_one_name_wished_by_five_at_once_goes_to_one(committed: None) -> None:
    made = _in_threads(
        [
            lambda number=number: provision_organization(
                actor=SYSTEM, request=wish(), creation_key=f"k{number}"
            )
            for number in range(5)
        ]
    )
    assert sum(isinstance(result, Organization) for result in made) == 1
    assert sum(isinstance(result, NameNotAvailable) for result in made) == 4
    # The losers' claims rolled back: their schemas are free again.
    assert TenantSchema.objects.filter(state=SchemaState.READY).count() == 5


def killed_at(place: str, target: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.shared_apps.onboarding.killed", place, target],
        cwd=settings.BASE_DIR,
        env={**os.environ, **server_environment()},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]


@pytest.mark.feature("TEN-07")
@pytest.mark.slow
@pytest.mark.parametrize(
    "place", ["after the first commit", "in the middle of the DDL", "before the organization opens"]
)
def test_killed_while_provisioning_it_serves_nothing_and_is_finished_later(
    place: str, committed: None
) -> None:
    empty_the_pool()
    killed_at(place, "initech")

    made = Organization.objects.get(slug="initech")
    assert made.state == OrganizationState.PROVISIONING
    meanwhile = Caller("initech.palaestra.test").get("/api/v1/nothing")
    assert (meanwhile.status_code, meanwhile.json()["code"]) == (503, "organization_provisioning")
    assert meanwhile["Retry-After"] == "5"

    resume_provisioning()
    resume_provisioning()

    made.refresh_from_db()
    assert made.state == OrganizationState.TRIAL
    assert Caller("initech.palaestra.test").get("/api/v1/nothing").json()["code"] == "not_found"
    other = Organization.objects.get(slug="acme")
    assert dump_schema(made.schema_name) == dump_schema(other.schema_name)
    assert list(TenantSchema.objects.exclude(state=SchemaState.CLAIMED)) == []
    again = provision_organization(actor=SYSTEM, request=wish(), creation_key="the-one-wish")
    assert again.id == made.id
    assert AuditEvent.objects.filter(action="organizations.open").count() == 1
    assert Invitation.objects.filter(organization=made).count() == 1
