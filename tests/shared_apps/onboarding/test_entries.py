"""Operators look in: with a reason, for a while, reading only, on record; and only where owners let them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared_apps.accounts.models import RefreshToken, SignIn, User
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role
from shared_apps.onboarding.models import SupportEntry
from shared_apps.onboarding.services.entries import enter_organization
from tenants.models import Organization
from tests.api.isolation import call, path_ids
from tests.api.matrix import ANYONE, TENANT
from tests.support.client import Caller, body_of, platform_caller
from tests.support.operations import operations_of
from tests.support.world import build_world

# They ask every operation, or every reason: minutes where the machine is slow.
pytestmark = pytest.mark.slow

REASON = {"reason": "ticket 4711: the list of members is empty"}


@pytest.fixture
def staff(shared: None) -> User:
    return User.objects.create_user("ops@palaestra.example", is_staff=True)


@pytest.fixture
def operator(staff: User) -> Caller:
    return platform_caller(staff)


def enter(operator: Caller, organization: Organization) -> dict[str, Any]:
    answer = operator.post(f"/api/v1/organizations/{organization.id}/entries", REASON)
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


def visitor(entry: dict[str, Any], host: str = "") -> Caller:
    return Caller(host or entry["host"], entry["token"])


@pytest.mark.feature("AUD-01")
def test_an_entry_reads_what_an_admin_reads_and_both_logs_say_so(
    acme: Organization, operator: Caller, staff: User, sign_in: Callable[..., Caller]
) -> None:
    entry = enter(operator, acme)
    assert entry["host"] == "acme.palaestra.test"
    seen = visitor(entry).get("/api/v1/members")
    assert seen.status_code == 200
    assert "owner@acme.example" in seen.content.decode()
    # The same event, in the platform's log and in the organization's.
    wanted = "/api/v1/audit-events?action=organizations.enter"
    theirs = sign_in(acme, Role.ADMIN).get(wanted).json()["results"]
    ours = operator.get(f"{wanted}&organization_id={acme.id}").json()["results"]
    assert [event["id"] for event in theirs] == [event["id"] for event in ours] == [theirs[0]["id"]]
    assert (theirs[0]["actor_kind"], theirs[0]["actor_label"]) == ("operator", staff.email)
    assert theirs[0]["changes"]["reason"] == REASON["reason"]
    assert not RefreshToken.objects.filter(sign_in__user=staff, sign_in__organization=acme).exists()
    listed = operator.get(f"/api/v1/organizations/{acme.id}/entries").json()["results"]
    assert [(row["operator_label"], row["reason"], "token" in row) for row in listed] == [
        (staff.email, REASON["reason"], False)
    ]


@pytest.mark.feature("AUD-01")
def test_no_operation_breaks_and_no_write_passes(acme: Organization, operator: Caller) -> None:
    world = build_world(acme, "ALPHAMARK")
    client = visitor(enter(operator, acme))
    wrong = []
    for operation in operations_of("tenant"):
        ids = path_ids(operation, world)
        if operation.method == "get":
            url = operation.path
            for name, value in ids.items():
                url = url.replace("{" + name + "}", str(value))
            answer = client.get(url)
            body_of(answer)  # what is streamed breaks, if it does, while it is read
            if answer.status_code >= 500:
                wrong.append(f"{operation.id}: {answer.status_code}")
        elif TENANT[operation.id] is not ANYONE:
            answer = call(client, operation, world)
            if answer.status_code != 403:
                wrong.append(f"{operation.id}: {answer.status_code}")
    assert wrong == []
    assert SignIn.objects.filter(organization=acme, revoked_at__isnull=False).count() == 0


def test_a_write_that_was_tried_is_on_record_as_the_operators(
    acme: Organization, operator: Caller, staff: User
) -> None:
    refused = visitor(enter(operator, acme)).patch("/api/v1/organization", {"name": "Mine"})
    assert (refused.status_code, refused.json()["code"]) == (403, "token_scope")
    event = AuditEvent.objects.get(organization_id=acme.id, outcome="refused")
    assert (event.actor_kind, event.actor_id, event.actor_label) == ("operator", staff.id, staff.email)
    acme.refresh_from_db()
    assert acme.name == "Acme"


def test_every_request_of_an_entry_logs_who_it_is(
    acme: Organization, operator: Caller, staff: User, caplog: pytest.LogCaptureFixture
) -> None:
    entry = enter(operator, acme)
    sign_in_id = SupportEntry.objects.get(pk=entry["id"]).sign_in_id
    with caplog.at_level("INFO", "palaestra.request"):
        visitor(entry).get("/api/v1/members")
    said: Any = caplog.records[-1].msg
    assert (said["operator"], said["support_entry"]) == (staff.email, str(sign_in_id))
    assert (said["caller"], said["status"]) == (str(staff.id), 200)


@pytest.mark.feature("AUD-01")
def test_the_token_is_for_one_host_and_a_quarter_of_an_hour(
    acme: Organization, globex: Organization, operator: Caller, staff: User
) -> None:
    entry = enter(operator, acme)
    for host in ("globex.palaestra.test", "app.palaestra.test"):
        path = "/api/v1/organizations" if host.startswith("app") else "/api/v1/members"
        assert visitor(entry, host).get(path).status_code == 401, host
    # The token's library reads the machine's clock, so the entry is made in the past.
    actor = Actor(kind=ActorKind.OPERATOR, user_id=staff.id, label=staff.email)
    for ago, status in ((timedelta(minutes=14), 200), (timedelta(minutes=15, seconds=1), 401)):
        with clock.frozen_at(clock.now() - ago):
            made = enter_organization(actor=actor, organization_id=acme.id, reason="x")
        assert Caller(made.host, made.token).get("/api/v1/members").status_code == status


def test_an_entry_ends_early_and_with_the_operators_rights(
    acme: Organization, globex: Organization, operator: Caller, staff: User
) -> None:
    entry = enter(operator, acme)
    address = f"/api/v1/organizations/{acme.id}/entries/{entry['id']}/end"
    assert operator.post(address.replace(str(acme.id), str(globex.id))).status_code == 404
    ended = operator.post(address)
    assert (ended.status_code, ended.json()["ended_by"]) == (200, staff.email)
    assert operator.post(address).json()["ended_at"] == ended.json()["ended_at"]
    assert visitor(entry).get("/api/v1/members").status_code == 401
    assert AuditEvent.objects.filter(action="organizations.end_entry").count() == 1
    second = enter(operator, acme)
    User.objects.filter(pk=staff.pk).update(is_staff=False)
    assert visitor(second).get("/api/v1/members").status_code == 401


@pytest.mark.feature("AUD-01")
def test_owners_forbid_entries_and_those_there_are_end(
    acme: Organization, operator: Caller, sign_in: Callable[..., Caller]
) -> None:
    entry = enter(operator, acme)
    owner, admin = sign_in(acme, Role.OWNER), sign_in(acme, Role.ADMIN)
    switch = "/api/v1/organization/support-entry"
    assert admin.put(switch, {"allowed": False}).status_code == 403
    assert visitor(entry).put(switch, {"allowed": False}).status_code == 403
    assert owner.put(switch, {"allowed": False}).json()["support_entry"] is False
    assert visitor(entry).get("/api/v1/members").status_code == 401
    refused = operator.post(f"/api/v1/organizations/{acme.id}/entries", REASON)
    assert (refused.status_code, refused.json()["code"]) == (403, "support_entry_forbidden")
    assert SupportEntry.objects.filter(ended_at=None).count() == 0
    # An operator's edit of other settings does not open it again.
    operator.patch(f"/api/v1/organizations/{acme.id}", {"settings": {"seat_self_claim": True}})
    assert operator.post(f"/api/v1/organizations/{acme.id}/entries", REASON).status_code == 403
    assert owner.put(switch, {"allowed": True}).json()["support_entry"] is True
    assert enter(operator, acme)["token"]


def test_nobody_but_operators_enters_and_only_open_organizations(
    acme: Organization, operator: Caller, sign_in: Callable[..., Caller]
) -> None:
    address = f"/api/v1/organizations/{acme.id}/entries"
    person = platform_caller(User.objects.create_user("person@acme.example"))
    assert person.post(address, REASON).status_code == 403
    assert operator.post(address, {}).status_code == 400
    operator.post(f"/api/v1/organizations/{acme.id}/suspend", {"reason": "unpaid"})
    assert operator.post(address, REASON).status_code == 409
