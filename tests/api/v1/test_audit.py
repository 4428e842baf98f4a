"""The audit log over HTTP: an organization's for its admins, everything for operators, changed by nobody."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEvent
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role, system_actor
from tenants.context import in_organization
from tenants.models import Organization
from tests.conftest import MemberMaker
from tests.support.client import Caller, platform_caller

SignIns = Callable[..., Caller]
PATH = "/api/v1/audit-events"


def _record(organization: Organization | None, action: str, actor: Actor | None = None) -> None:
    with transaction.atomic():
        do_record(
            actor=actor or system_actor("test"),
            action=action,
            organization_id=organization.id if organization else None,
            target_kind="thing",
            target_id="7",
        )


def _actions(caller: Caller, query: str = "") -> list[str]:
    answer = caller.get(f"{PATH}{query}")
    assert answer.status_code == 200, answer.json()
    return [row["action"] for row in answer.json()["results"]]


@pytest.mark.feature("AUD-01")
def test_an_organization_sees_its_own_log_and_the_operators_in_it(
    acme: Organization, globex: Organization, sign_in: SignIns, operator: Caller
) -> None:
    staff = Actor(kind=ActorKind.OPERATOR, label="ops@palaestra.example")
    _record(acme, "ours.act")
    _record(globex, "theirs.act")
    _record(None, "platform.act")
    _record(acme, "operator.entered", staff)
    admin = sign_in(acme, Role.ADMIN)
    assert _actions(admin) == ["operator.entered", "ours.act"]
    assert _actions(admin, f"?organization_id={globex.id}") == []
    assert _actions(operator) == ["operator.entered", "platform.act", "theirs.act", "ours.act"]
    assert _actions(operator, f"?organization_id={acme.id}") == ["operator.entered", "ours.act"]


@pytest.mark.feature("AUD-01")
def test_the_log_is_for_admins_and_operators(
    acme: Organization, sign_in: SignIns, anonymous: Callable[[Organization], Caller]
) -> None:
    for role in (Role.LEARNER, Role.INSTRUCTOR, Role.MANAGER, Role.BILLING_ADMIN):
        assert sign_in(acme, role).get(PATH).status_code == 403
    assert anonymous(acme).get(PATH).status_code == 401
    assert platform_caller(User.objects.create_user("nobody@palaestra.example")).get(PATH).status_code == 403


@pytest.mark.feature("ANA-04")
def test_the_log_filters_by_who_what_and_when(
    acme: Organization, member: MemberMaker, sign_in: SignIns, django_assert_max_num_queries: Any
) -> None:
    now = clock.now()
    someone = member(acme)
    actor = Actor(kind=ActorKind.MEMBER, user_id=someone.user_id, label="ann", address="192.0.2.7")
    for hours, action in ((3, "members.edit"), (2, "members.remove"), (1, "courses.publish")):
        with clock.frozen_at(now - timedelta(hours=hours)):
            _record(acme, action, actor if action == "members.remove" else None)
    admin = sign_in(acme, Role.ADMIN)
    assert _actions(admin, "?action=members.edit") == ["members.edit"]
    assert _actions(admin, "?action=members.") == ["members.remove", "members.edit"]
    assert _actions(admin, f"?actor_id={someone.user_id}") == ["members.remove"]
    since, until = now - timedelta(hours=2), now - timedelta(hours=1)
    stamp = "%Y-%m-%dT%H:%M:%S.%fZ"
    assert _actions(admin, f"?since={since.strftime(stamp)}&until={until.strftime(stamp)}") == [
        "members.remove"
    ]
    assert admin.get(f"{PATH}?since=yesterday").status_code == 400
    assert admin.get(f"{PATH}?limit=1").json()["next"] is not None
    with django_assert_max_num_queries(2):
        row = admin.get(f"{PATH}?action=members.remove").json()["results"][0]
    assert (row["actor_label"], row["address"], row["target_kind"], row["target_id"]) == (
        "ann",
        "192.0.2.7",
        "thing",
        "7",
    )


@pytest.mark.feature("ANA-04")
def test_a_refused_write_of_an_admin_is_in_the_log_a_read_or_a_learners_is_not(
    acme: Organization, member: MemberMaker, sign_in: SignIns
) -> None:
    admin, other = member(acme, Role.ADMIN), member(acme, Role.ADMIN)
    sign_in(acme, admin).post(f"/api/v1/members/{other.id}/suspend")
    sign_in(acme, Role.LEARNER).post(f"/api/v1/members/{other.id}/suspend")
    sign_in(acme, Role.LEARNER).get(PATH)
    [event] = AuditEvent.objects.filter(outcome="refused")
    assert (event.action, event.actor_id, event.organization_id) == (
        "members.manage_admins",
        admin.user_id,
        acme.id,
    )
    assert event.changes == {"code": "forbidden"}


@pytest.mark.feature("ANA-04")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE public.audit_auditevent SET action = 'nothing'",
        "DELETE FROM public.audit_auditevent",
        "TRUNCATE public.audit_auditevent",
    ],
)
def test_the_log_is_append_only_for_the_database_itself(acme: Organization, statement: str) -> None:
    _record(acme, "some.act")

    def run() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    with pytest.raises(DatabaseError):
        run()  # as the role that owns the tables
    with in_organization(acme), pytest.raises(DatabaseError):
        run()  # as the tenant's
    assert AuditEvent.objects.filter(action="some.act").count() == 1


def test_behind_a_proxy_the_callers_own_address_is_recorded(
    acme: Organization, sign_in: Callable[..., Caller], settings: Any
) -> None:
    """X-Forwarded-For counts as far as our own proxies wrote it; what the caller put before that does not."""
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    answer = sign_in(acme, Role.OWNER).patch(
        "/api/v1/organization", {"name": "Acme & Sons"}, HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.7"
    )
    assert answer.status_code == 200, answer.content
    event = AuditEvent.objects.filter(target_kind="organization").latest("id")
    assert event.address == "198.51.100.7"
