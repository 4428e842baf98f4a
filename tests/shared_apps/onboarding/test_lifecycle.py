"""Suspending, resuming, giving up, keeping after all."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from celery import shared_task
from django.db import connection, transaction

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, SignIn
from shared_apps.archives.models import Archive
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role, system_actor
from shared_apps.jobs.services.running import do_create_job
from shared_apps.onboarding.errors import GraceTooLong, NotConfirmed, WaiverNeeded
from shared_apps.onboarding.models import Offboarding
from shared_apps.onboarding.selectors.offboarding import ids_to_offboard
from shared_apps.onboarding.services.lifecycle import (
    delete_organization,
    keep_organization,
    resume_organization,
    suspend_organization,
)
from shared_apps.onboarding.services.offboarding import continue_offboarding
from tenants.context import in_public
from tenants.enums import OrganizationState, Suspension
from tenants.errors import IllegalMove
from tenants.models import Organization
from tenants.task_base import OrganizationTask, TaskWithoutOrganization
from tests.support.client import Caller
from tests.support.subscriptions import make_subscription

SYSTEM = system_actor("test")


@shared_task(name="test.write_nothing", base=OrganizationTask)
def write_nothing() -> None:
    """Stand for a task that works in a tenant."""


@pytest.fixture
def capture(django_capture_on_commit_callbacks: Any) -> Any:
    """Run what is due after the commit: the registry's news."""
    return partial(django_capture_on_commit_callbacks, execute=True)


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


@pytest.mark.feature("TEN-07")
def test_read_only_lets_people_sign_in_and_read_and_nothing_else(
    acme: Organization, member: Callable[..., Any], sign_in: Callable[..., Caller], capture: Any
) -> None:
    person = member(acme, Role.ADMIN, password="correct-horse-battery")
    EmailAddress.objects.create(user=person.user, email=person.user.email, verified=True, primary=True)
    admin = sign_in(acme, person)
    with capture():
        suspend_organization(
            actor=SYSTEM, organization_id=acme.id, reason="unpaid", mode=Suspension.READ_ONLY
        )
    assert admin.get("/api/v1/members").status_code == 200
    for method, path in (
        ("post", "/api/v1/invitations"),
        ("patch", "/api/v1/organization"),
        ("delete", f"/api/v1/members/{person.id}"),
        ("put", "/api/v1/organization/support-entry"),
        ("post", "/api/v1/auth/tokens"),
        ("post", "/api/v1/auth/sign-in/x"),
    ):
        refused = getattr(admin, method)(path, {})
        assert (refused.status_code, refused.json()["code"]) == (403, "organization_read_only"), path
        assert refused.json()["facts"] == {"reason": "unpaid"}
    anonymous = Caller("acme.palaestra.test")
    words = {"email": person.user.email, "password": "correct-horse-battery"}
    pair = anonymous.post("/api/v1/auth/sign-in", words)
    assert pair.status_code == 200
    fresh = anonymous.post("/api/v1/auth/refresh", {"refresh_token": pair.json()["refresh_token"]})
    assert fresh.status_code == 200
    reader = Caller("acme.palaestra.test", fresh.json()["access_token"])
    assert reader.get("/api/v1/members").status_code == 200
    assert reader.post("/api/v1/auth/sign-out").status_code == 204


@pytest.mark.feature("TEN-08")
def test_read_only_lets_admins_export_what_is_theirs(
    acme: Organization, globex: Organization, sign_in: Callable[..., Caller], capture: Any
) -> None:
    admin, learner = sign_in(acme, Role.ADMIN), sign_in(acme, Role.LEARNER)
    with capture():
        suspend_organization(
            actor=SYSTEM, organization_id=acme.id, reason="unpaid", mode=Suspension.READ_ONLY
        )
    assert learner.post("/api/v1/archives", {}).json()["code"] == "forbidden"
    asked = admin.post("/api/v1/archives", {"reason": "we leave"})
    assert (asked.status_code, asked.json()["state"]) == (202, "building")
    assert admin.get(f"/api/v1/archives/{asked.json()['id']}").status_code == 200
    # That path alone, and on the own host alone.
    for path in ("/api/v1/archives/", f"/api/v1/archives/{asked.json()['id']}", "/api/v1/archives/x"):
        assert admin.post(path, {}).json()["code"] == "organization_read_only", path
    assert Caller("globex.palaestra.test", admin.token).post("/api/v1/archives", {}).status_code == 401
    assert list(Archive.objects.values_list("organization__slug", "requested_by_id")) == [
        ("acme", Membership.objects.get(organization=acme, role=Role.ADMIN).user_id)
    ]
    # Closed is closed.
    with capture():
        suspend_organization(actor=SYSTEM, organization_id=acme.id, reason="unpaid", mode=Suspension.FULL)
    assert admin.post("/api/v1/archives", {}).json()["code"] == "organization_suspended"


def test_the_mode_of_a_suspension_changes_without_forgetting_the_state_before(
    acme: Organization, sign_in: Callable[..., Caller], capture: Any
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    acme.state = OrganizationState.PAST_DUE
    acme.save_fields("state")
    seen = []
    for mode in (Suspension.READ_ONLY, Suspension.FULL, Suspension.READ_ONLY):
        with capture():
            suspend_organization(actor=SYSTEM, organization_id=acme.id, reason="unpaid", mode=mode)
        seen.append(admin.get("/api/v1/members").status_code)
    assert seen == [200, 403, 200]
    with pytest.raises(IllegalMove):
        suspend_organization(actor=SYSTEM, organization_id=acme.id, reason="again", mode=Suspension.READ_ONLY)
    with capture():
        resumed = resume_organization(actor=SYSTEM, organization_id=acme.id)
    assert (resumed.state, resumed.suspension) == (OrganizationState.PAST_DUE, "")
    assert admin.patch("/api/v1/organization", {"name": "Acme AG"}).status_code == 200


def test_tasks_that_work_in_a_tenant_wait_while_it_is_read_only(acme: Organization) -> None:
    suspend_organization(actor=SYSTEM, organization_id=acme.id, reason="unpaid", mode=Suspension.READ_ONLY)
    with pytest.raises(TaskWithoutOrganization):
        write_nothing(organization_id=str(acme.id))


def test_a_deletion_must_be_confirmed_by_name_and_bounded(acme: Organization) -> None:
    with pytest.raises(NotConfirmed):
        delete_organization(actor=SYSTEM, organization_id=acme.id, confirm="globex")
    for days in (-1, 366):
        with pytest.raises(GraceTooLong):
            delete_organization(actor=SYSTEM, organization_id=acme.id, confirm="acme", grace_days=days)
    with pytest.raises(WaiverNeeded):
        delete_organization(actor=SYSTEM, organization_id=acme.id, confirm="acme", grace_days=0)
    acme.refresh_from_db()
    assert acme.state == OrganizationState.TRIAL
    assert Offboarding.objects.count() == 0


@pytest.mark.feature("TEN-08")
def test_a_closing_organization_shuts_its_people_out_and_loses_nothing(
    acme: Organization, globex: Organization, sign_in: Callable[..., Caller], capture: Any
) -> None:
    admin, neighbour = sign_in(acme, Role.ADMIN), sign_in(globex, Role.ADMIN)
    subscription = make_subscription(acme, 3)
    with transaction.atomic():
        job = do_create_job("test.work", organization_id=acme.id, arguments={}, created_by=SYSTEM)
    with capture():
        closing = delete_organization(
            actor=SYSTEM, organization_id=acme.id, confirm="acme", reason="contract ended", grace_days=10
        )
    assert closing.state == OrganizationState.CLOSING
    refused = admin.get("/api/v1/members")
    assert (refused.status_code, refused.json()["code"]) == (403, "organization_closing")
    assert closing.delete_after is not None
    assert refused.json()["facts"] == {"delete_after": closing.delete_after.isoformat()}
    assert neighbour.get("/api/v1/members").status_code == 200
    # Nothing is undone that keeping would have to make again.
    assert not Membership.objects.filter(organization=acme, status=MembershipStatus.REMOVED).exists()
    assert not SignIn.objects.filter(organization=acme, revoked_at__isnull=False).exists()
    subscription.refresh_from_db()
    job.refresh_from_db()
    assert (subscription.status, job.state) == ("active", "queued")
    with pytest.raises(IllegalMove):
        delete_organization(actor=SYSTEM, organization_id=acme.id, confirm="acme")
    # Its export was asked for at once, and is kept beyond the grace.
    archive = Archive.objects.get(organization=acme)
    assert timedelta(days=39) < timedelta(seconds=archive.keep_seconds) <= timedelta(days=40)
    with clock.frozen_at(clock.now() + timedelta(days=9)):
        assert ids_to_offboard() == []
        assert continue_offboarding(organization_id=acme.id) is False
    acme.refresh_from_db()
    assert acme.state == OrganizationState.CLOSING


@pytest.mark.feature("TEN-08")
@pytest.mark.parametrize("before", ["trial", "past_due", "suspended full", "suspended read_only"])
def test_keeping_it_brings_back_what_it_was(
    before: str, acme: Organization, sign_in: Callable[..., Caller], capture: Any
) -> None:
    admin = sign_in(acme, Role.ADMIN)
    state, _, mode = before.partition(" ")
    if mode:
        suspend_organization(actor=SYSTEM, organization_id=acme.id, reason="unpaid", mode=Suspension(mode))
    else:
        acme.state = state
        acme.save_fields("state")
    with capture():
        forgotten = admin.get("/api/v1/members")
    with capture():
        delete_organization(actor=SYSTEM, organization_id=acme.id, confirm="acme", reason="by mistake")
    with capture():
        kept = keep_organization(actor=SYSTEM, organization_id=acme.id)
    assert (kept.state, kept.suspension, kept.delete_after) == (state, mode, None)
    assert kept.state_reason == ("unpaid" if mode else "")
    assert admin.get("/api/v1/members").status_code == forgotten.status_code
    if mode:
        resumed = resume_organization(actor=SYSTEM, organization_id=acme.id)
        assert resumed.state == OrganizationState.TRIAL
    with pytest.raises(IllegalMove):
        keep_organization(actor=SYSTEM, organization_id=acme.id)
    actions = AuditEvent.objects.filter(organization_id=acme.id).values_list("action", flat=True)
    assert {"organizations.delete", "organizations.keep"} <= set(actions)
    # It can be given up again: the first decision is closed.
    delete_organization(actor=SYSTEM, organization_id=acme.id, confirm="acme")
    assert Offboarding.objects.filter(organization_id=acme.id, kept_at=None).count() == 1


def test_of_two_who_delete_at_once_one_is_told(committed: None) -> None:
    acme = Organization.objects.get(slug="acme")

    def act() -> str:
        try:
            with in_public():
                return delete_organization(actor=SYSTEM, organization_id=acme.id, confirm="acme").state
        except IllegalMove as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        said = sorted(future.result() for future in [threads.submit(act) for _ in range(4)])
    assert said == ["closing", *["illegal_state_change"] * 3]
    assert Offboarding.objects.filter(organization_id=acme.id).count() == 1
