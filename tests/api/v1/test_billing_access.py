"""An organization that can only be read, or is closed, by its subscription: one gate before all of it."""

import json
import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
import stripe
from django.conf import settings

from billing.enums import AccessLevel
from billing.models import BillingAccount, Subscription
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenants.models import Organization
from tenants.selectors.hosts import forget_cached_hosts
from tests.api.matrix import ANYONE, TENANT
from tests.billing.conftest import Account, account_of, deliver_all, server
from tests.billing.test_access import invoiced, moved, subscribed
from tests.support.client import Caller, body_of
from tests.support.measures import statements
from tests.support.operations import Operation, operations_of

# They ask every operation, or every reason: minutes where the machine is slow.
pytestmark = pytest.mark.slow

__all__ = ["account_of", "server"]  # fixtures of billing's tests
SignIn = Callable[..., Caller]
COURSE = {"slug": "fire-safety", "title": "Fire safety", "language": "en"}
GATE = {"subscription_read_only", "subscription_closed", "organization_read_only", "organization_closed"}


def brought_to(organization: Organization, status: str) -> Subscription:
    """Subscribe the organization, paid for, and bring it to the status."""
    row = subscribed(organization)
    invoiced(row)
    moved(row, status)
    forget_cached_hosts()  # as every process does after the commit
    return row


def call(client: Caller, operation: Operation) -> Any:
    """Call with unknown ids and an empty body: the gate stands before both."""
    url = operation.url(lambda _: uuid.UUID(int=7))
    if operation.method in {"get", "delete"}:
        return getattr(client, operation.method)(url)
    if operation.content_type.startswith("multipart/"):
        return client.post(url, {}, format="multipart")
    return getattr(client, operation.method)(url, {}, format="json")


def code_of(response: Any) -> str:
    """Return the gate's code of an answer, empty for every other one. A streamed one is read to its end: what
    breaks behind the gate breaks while it is read."""
    body = body_of(response)
    document = json.loads(body) if response.get("Content-Type", "").endswith("json") else {}
    code = document.get("code", "") if isinstance(document, dict) else ""
    return code if code in GATE else ""


def expected(operation: Operation, level: AccessLevel, *, settles: bool, signed_in: bool) -> str:
    """Return the code the gate must answer with, empty where it must let through."""
    path = operation.url(lambda _: uuid.UUID(int=7))
    is_read = operation.method == "get"
    open_paths = settings.CLOSED_READS if is_read else settings.UNSETTLED_WRITES
    if any(re.fullmatch(pattern, path) for pattern in open_paths):
        return ""
    if is_read and (level is AccessLevel.READ_ONLY or settles or not signed_in):
        return ""
    if level is AccessLevel.READ_ONLY:
        return "subscription_read_only" if settles else "organization_read_only"
    return "subscription_closed" if settles else "organization_closed"


@pytest.mark.feature("SUB-05")
@pytest.mark.parametrize(("status", "level"), [("unpaid", "read_only"), ("canceled", "closed")])
@pytest.mark.parametrize("role", [*Role, None])
def test_every_operation_stands_behind_the_gate(
    role: Role | None,
    status: str,
    level: str,
    acme: Organization,
    sign_in: SignIn,
    anonymous: Callable[[Organization], Caller],
) -> None:
    brought_to(acme, status)
    settles = role in {Role.OWNER, Role.ADMIN, Role.BILLING_ADMIN}
    wrong = []
    for operation in operations_of("tenant"):
        allowed = TENANT.get(operation.id, frozenset())  # the permission matrix misses it
        if role not in allowed and (role is not None or allowed != ANYONE):
            continue  # refused by its policy, as ever; or a door for people who are not signed in
        client = sign_in(acme, role) if role else anonymous(acme)
        wanted = expected(operation, AccessLevel(level), settles=settles, signed_in=role is not None)
        response = call(client, operation)
        number = 402 if wanted.startswith("subscription_") else 403
        if code_of(response) != wanted or (wanted and response.status_code != number):
            wrong.append(f"{operation.id}: {response.status_code} {code_of(response)!r}, not {wanted!r}")
    assert wrong == []


def test_those_who_can_settle_it_hear_what_to_do_and_where(acme: Organization, sign_in: SignIn) -> None:
    row = brought_to(acme, "unpaid")
    invoiced(row, "open")
    answer = sign_in(acme, Role.ADMIN).post("/api/v1/courses", COURSE)
    document = answer.json()
    assert (answer.status_code, document["code"]) == (402, "subscription_read_only")
    assert row.grace_until is not None
    assert document["facts"] == {
        "reason": "unpaid",
        "since": row.grace_until.isoformat(),
        "what_to_do": ["pay_invoice", "update_payment_method"],
        "pay_url": "https://pay.example/in_7",
        "see": "/api/v1/billing/access",
    }
    answer = sign_in(acme, Role.INSTRUCTOR).post("/api/v1/courses", COURSE)
    assert (answer.status_code, answer.json()["code"]) == (403, "organization_read_only")
    assert "facts" not in answer.json()


@pytest.mark.feature("BIL-03")
def test_the_gate_falls_by_the_clock_without_a_job(acme: Organization, sign_in: SignIn) -> None:
    begun = clock.now()
    brought_to(acme, "past_due")
    ends = begun + timedelta(days=7, seconds=1)
    for at, slug, status in ((ends - timedelta(minutes=1), "last", 201), (ends, "late", 402)):
        with clock.frozen_at(at):
            answer = sign_in(acme, Role.ADMIN).post("/api/v1/courses", {**COURSE, "slug": slug})
        assert answer.status_code == status
    with clock.frozen_at(ends):
        assert sign_in(acme, Role.LEARNER).get("/api/v1/my-courses").status_code == 200


def test_a_refusal_is_not_remembered_for_the_repeat_after_paying(acme: Organization, sign_in: SignIn) -> None:
    row = brought_to(acme, "unpaid")
    admin = sign_in(acme, Role.ADMIN)

    def post() -> int:
        answer = admin.post("/api/v1/courses", COURSE, HTTP_IDEMPOTENCY_KEY="course-of-monday")
        return int(answer.status_code)

    assert post() == 402
    moved(row, "active")
    forget_cached_hosts()
    assert post() == 201


def test_the_gate_asks_the_database_nothing(acme: Organization, sign_in: SignIn) -> None:
    admin = sign_in(acme, Role.ADMIN)
    admin.get("/api/v1/courses")
    with statements() as free:
        admin.get("/api/v1/courses")
    brought_to(acme, "unpaid")
    admin.get("/api/v1/courses")
    with statements() as held:
        assert admin.get("/api/v1/courses").status_code == 200
    assert len(held) == len(free)


def test_one_organization_closed_leaves_the_other_open(
    acme: Organization, globex: Organization, sign_in: SignIn
) -> None:
    brought_to(acme, "canceled")
    assert sign_in(acme, Role.LEARNER).get("/api/v1/my-courses").status_code == 403
    assert sign_in(globex, Role.LEARNER).get("/api/v1/my-courses").status_code == 200


@pytest.mark.parametrize(
    ("status", "level", "to_admin", "to_learner"),
    [
        ("active", "full", "", ""),
        (
            "paused",
            "read_only",
            "Everybody can only read until what is open is settled.",
            "Your organization can only be read for now. Nothing is lost.",
        ),
        (
            "canceled",
            "closed",
            "The subscription is over. You can read, export and subscribe again.",
            "Your organization is closed for now. Nothing is lost.",
        ),
    ],
)
def test_everybody_may_ask_what_works_and_only_some_why(
    acme: Organization, sign_in: SignIn, status: str, level: str, to_admin: str, to_learner: str
) -> None:
    brought_to(acme, status)
    told = sign_in(acme, Role.BILLING_ADMIN).get("/api/v1/billing/access").json()
    assert (told["level"], told["message"], told["billing_page"]) == (level, to_admin, "/billing")
    assert told["reason"] == status
    assert sign_in(acme, Role.LEARNER).get("/api/v1/billing/access").json() == {
        "level": level,
        "message": to_learner,
        "since": None,
        "until": None,
        "reason": "",
        "what_to_do": [],
        "pay_url": "",
        "billing_page": "",
        "seats_kept_until": None,
    }


# --- Over the counterpart of the gateway -------------------------------------------------------


@pytest.fixture
def account(account_of: Callable[[Organization], Account], acme: Organization) -> Account:
    return account_of(acme)


def asked(sign_in: SignIn, acme: Organization, slug: str) -> tuple[int, int, int]:
    """Return how an admin's write, an admin's read and a learner's read are answered now."""
    forget_cached_hosts()
    admin = sign_in(acme, Role.ADMIN)
    wrote = admin.post("/api/v1/courses", {**COURSE, "slug": slug}).status_code
    read = admin.get("/api/v1/courses").status_code
    return wrote, read, sign_in(acme, Role.LEARNER).get("/api/v1/my-courses").status_code


@pytest.mark.feature("BIL-03", "SUB-05")
def test_from_a_declined_card_to_the_end_and_back_over_the_gateway(
    account: Account, acme: Organization, sign_in: SignIn
) -> None:
    client = stripe.StripeClient(account.server.api_key, base_addresses={"api": account.server.url})
    start = clock.now()
    wall = client.v1.test_helpers.test_clocks.create({"frozen_time": int(start.timestamp())})
    customer = client.v1.customers.create({"email": "ada@acme.example", "test_clock": wall.id})
    BillingAccount.objects.create(organization=acme, gateway_ref=customer.id, email="ada@acme.example")

    def pays(card: str) -> None:
        url = f"{account.server.url}/_payer/customers/{customer.id}/card"
        requests.post(url, data={"card": card}, timeout=60).raise_for_status()

    def move_to(instant: datetime) -> None:
        client.v1.test_helpers.test_clocks.advance(wall.id, {"frozen_time": int(instant.timestamp())})
        deliver_all(account.server)

    account.subscribe(seats=5)
    deliver_all(account.server)
    assert asked(sign_in, acme, "active") == (201, 200, 200)

    # a renewal is declined: everything goes on, for a week and by the clock
    pays("decline")
    renewal = start + timedelta(days=32)
    with clock.frozen_at(renewal):
        move_to(renewal)
        row = Subscription.objects.get()
        assert row.status == "past_due"
        assert asked(sign_in, acme, "grace") == (201, 200, 200)
    with clock.frozen_at(renewal + timedelta(days=7)):
        assert asked(sign_in, acme, "late") == (402, 200, 200)

    # the gateway gives up
    given_up = renewal + timedelta(days=30)
    with clock.frozen_at(given_up):
        move_to(given_up)
        row.refresh_from_db()
        assert row.status == "unpaid"
        assert asked(sign_in, acme, "unpaid") == (402, 200, 200)

        # and is paid after all
        pays("ok")
        invoice = next(each for each in account.server.account.all("invoice") if each["status"] == "open")
        client.v1.invoices.pay(invoice["id"])
        deliver_all(account.server)
        row.refresh_from_db()
        assert row.status == "active"
        assert asked(sign_in, acme, "paid") == (201, 200, 200)

        # at last it is given up
        client.v1.subscriptions.cancel(str(row.gateway_ref))
        deliver_all(account.server)
        assert asked(sign_in, acme, "over") == (402, 200, 403)
        told = sign_in(acme, Role.OWNER).get("/api/v1/billing/access").json()
        assert (told["level"], told["what_to_do"]) == ("closed", ["subscribe"])
