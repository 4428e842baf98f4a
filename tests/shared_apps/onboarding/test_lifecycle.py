"""Suspending, resuming, deleting."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction

from billing.models import Subscription
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, SignIn
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role, system_actor
from shared_apps.jobs.models import Job
from shared_apps.jobs.services.running import do_create_job
from shared_apps.jobs.services.sweeping import restart_lost_jobs
from shared_apps.onboarding.errors import NotConfirmed
from shared_apps.onboarding.services.lifecycle import (
    complete_deletion,
    delete_organization,
    resume_organization,
    suspend_organization,
)
from shared_apps.onboarding.services.provisioning import provision_organization
from shared_apps.onboarding.tasks import resume_provisioning
from shared_apps.onboarding.types import NewOrganization
from tenants.context import in_organization, in_public
from tenants.enums import OrganizationState, SchemaState
from tenants.errors import IllegalMove, NameNotAvailable
from tenants.models import Organization, TenantSchema
from tests.shared_apps.onboarding.test_provisioning import empty_the_pool, killed_at
from tests.support.client import Caller
from tests.support.seed import make_member
from tests.support.subscriptions import make_subscription

SYSTEM = system_actor("test")


@pytest.mark.feature("TEN-07")
def test_suspend_and_resume_return_to_the_state_before(
    acme: Organization, sign_in: Callable[..., Caller], django_capture_on_commit_callbacks: Any
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    acme.state = OrganizationState.PAST_DUE
    acme.save_fields("state")
    with django_capture_on_commit_callbacks(execute=True):
        suspend_organization(actor=SYSTEM, organization_id=acme.id, reason="unpaid since May")
    refused = admin.get("/api/v1/seats/summary")
    assert (refused.status_code, refused.json()["code"]) == (403, "organization_suspended")
    assert refused.json()["facts"] == {"reason": "unpaid since May"}
    with pytest.raises(IllegalMove):
        suspend_organization(actor=SYSTEM, organization_id=acme.id, reason="again")
    with django_capture_on_commit_callbacks(execute=True):
        resumed = resume_organization(actor=SYSTEM, organization_id=acme.id)
    assert resumed.state == OrganizationState.PAST_DUE
    assert admin.get("/api/v1/seats/summary").status_code == 200
    with pytest.raises(IllegalMove):
        resume_organization(actor=SYSTEM, organization_id=acme.id)
    actions = AuditEvent.objects.filter(organization_id=acme.id).order_by("id")
    assert list(actions.values_list("action", flat=True)) == ["organizations.suspend", "organizations.resume"]


def test_a_deletion_must_be_confirmed_by_name(acme: Organization) -> None:
    with pytest.raises(NotConfirmed):
        delete_organization(actor=SYSTEM, organization_id=acme.id, confirm="globex")
    acme.refresh_from_db()
    assert acme.state == OrganizationState.TRIAL


def test_a_deletion_ends_the_organizations_jobs_and_no_other(
    acme: Organization, globex: Organization
) -> None:
    made = {}
    for organization in (acme, globex):
        with transaction.atomic():
            made[organization.slug] = do_create_job(
                "test.work", organization_id=organization.id, arguments={}, created_by=SYSTEM
            )
    delete_organization(actor=SYSTEM, organization_id=acme.id, confirm="acme")
    ended, other = (Job.objects.get(pk=made[slug].id) for slug in ("acme", "globex"))
    assert (ended.state, ended.error_code) == ("failed", "organization_gone")
    assert other.state == "queued"
    with clock.frozen_at(clock.now() + timedelta(minutes=5)):
        assert restart_lost_jobs() == 1


def make_initech() -> Organization:
    """Return an organization with member and file, whose schema and role were made in this very database."""
    empty_the_pool()
    made = provision_organization(
        actor=SYSTEM,
        request=NewOrganization(name="Initech", slug="initech", owner_email="owner@initech.example"),
    )
    make_member(made, email="owner@initech.example", role=Role.OWNER)
    make_subscription(made, 3)
    with in_organization(made):
        default_storage.save("course/a.txt", ContentFile(b"text"))
    return made


def left_of(organization: Organization) -> tuple[int, int, bool]:
    """Return how many schemas and roles of its name there are, and whether its folder is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname = %s", [organization.schema_name])
        schemas = cursor.fetchone()[0]
        cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname = %s", [organization.schema_name])
        roles = cursor.fetchone()[0]
    return schemas, roles, (Path(settings.MEDIA_ROOT) / organization.id.hex).exists()


@pytest.mark.feature("TEN-07")
@pytest.mark.slow
@pytest.mark.parametrize(
    "place",
    ["never", "before the schema is dropped", "before the files are removed", "before the name is released"],
)
def test_deletion_leaves_nothing_wherever_it_is_killed(place: str, committed: None) -> None:
    made = make_initech()
    person = Membership.objects.get(organization=made)
    sign_in = SignIn.objects.create(user=person.user, organization=made, membership=person)
    assert left_of(made) == (1, 1, True)

    delete_organization(actor=SYSTEM, organization_id=made.id, confirm="initech", reason="contract ended")
    assert Caller("initech.palaestra.test").get("/api/v1/x").json()["code"] == "host_not_found"
    person.refresh_from_db()
    sign_in.refresh_from_db()
    assert person.status == MembershipStatus.REMOVED
    assert sign_in.revoked_at is not None
    assert Subscription.objects.get(organization=made).status == "canceled"

    if place != "never":
        killed_at(place, str(made.id))
        made.refresh_from_db()
        assert made.state == OrganizationState.DELETING
    resume_provisioning()
    complete_deletion(organization_id=made.id)

    made.refresh_from_db()
    assert made.state == OrganizationState.DELETED
    assert left_of(made) == (0, 0, False)
    assert TenantSchema.objects.get(id=made.id).state == SchemaState.DROPPED
    assert AuditEvent.objects.filter(action="organizations.deleted", organization_id=made.id).count() == 1
    assert Organization.objects.get(slug="acme").state == OrganizationState.TRIAL


@pytest.mark.feature("TEN-07")
def test_a_released_name_rests_and_then_is_free_and_gets_another_schema(committed: None) -> None:
    gone = make_initech()
    delete_organization(actor=SYSTEM, organization_id=gone.id, confirm="initech")
    complete_deletion(organization_id=gone.id)
    again = NewOrganization(name="New", slug="initech", owner_email="x@new.example")
    lookalike = NewOrganization(name="New", slug="ln-itech", owner_email="x@new.example")
    for resting in (again, lookalike):
        with pytest.raises(NameNotAvailable):
            provision_organization(actor=SYSTEM, request=resting)
    after = clock.now() + settings.RELEASED_NAME_QUARANTINE + timedelta(minutes=1)
    with clock.frozen_at(after), in_public():
        made = provision_organization(actor=SYSTEM, request=again)
    assert made.slug == "initech"
    assert made.schema_name != gone.schema_name
