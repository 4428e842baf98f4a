"""Organizations take turns in the outbox, and what somebody waits for goes before what nobody does."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from shared_apps.accounts.services.mails import do_mail_password_reset
from shared_apps.core import clock
from shared_apps.core.actors import Role
from shared_apps.outbox import types
from shared_apps.outbox.models import OutboxMessage, Priority
from shared_apps.outbox.services import delivery
from shared_apps.outbox.services.delivery import relay
from shared_apps.outbox.services.messages import Message, do_send
from shared_apps.outbox.types import Outgoing, register_handler
from tenants.models import Organization

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Collect what is delivered: whose it is, and the payload's mark."""
    monkeypatch.setattr(types, "_handlers", {})
    found: list[tuple[str, Any]] = []

    def note(message: Outgoing) -> None:
        found.append(
            (message.organization.slug if message.organization else "platform", message.payload.get("n"))
        )

    for topic in ("test.turn", "mail.send"):
        register_handler(topic, note, in_tenant=False)
    return found


def _fill(organization_id: uuid.UUID | None, number: int, at: datetime = NOW) -> None:
    OutboxMessage.objects.bulk_create(
        [
            OutboxMessage(
                organization_id=organization_id,
                topic="test.turn",
                payload={"n": place},
                created_at=at,
                available_at=at,
            )
            for place in range(number)
        ],
        batch_size=5000,
    )


@pytest.mark.feature("OPS-02")
def test_organizations_take_turns(
    acme: Organization, globex: Organization, seen: list[tuple[str, Any]]
) -> None:
    _fill(acme.id, 100)
    _fill(globex.id, 2, NOW + timedelta(seconds=1))
    _fill(None, 1, NOW + timedelta(seconds=2))
    with clock.frozen_at(NOW + timedelta(seconds=3)):
        assert relay(batch=9) == 6
    assert seen == [
        ("acme", 0),
        ("globex", 0),
        ("platform", 0),
        ("acme", 1),
        ("globex", 1),
        ("acme", 2),
    ]


@pytest.mark.feature("OPS-02")
def test_a_password_reset_does_not_wait_for_ten_thousand_invitations(
    acme: Organization,
    globex: Organization,
    member: Callable[..., Any],
    seen: list[tuple[str, Any]],
) -> None:
    # given invitations of one company, and then a person of each who forgot the password
    _fill(acme.id, 10_000)
    with clock.frozen_at(NOW + timedelta(seconds=1)), transaction.atomic():
        for organization in (globex, acme):
            person = member(organization, Role.LEARNER).user
            do_mail_password_reset(user=person, organization=organization.ref())
    # when the relay takes its next batch
    with clock.frozen_at(NOW + timedelta(seconds=2)):
        relay(batch=50)
    # then both stand before every invitation
    assert seen[:3] == [("globex", None), ("acme", None), ("acme", 0)]


def test_an_organizations_messages_keep_their_order(acme: Organization, seen: list[tuple[str, Any]]) -> None:
    _fill(acme.id, 30)
    with clock.frozen_at(NOW):
        while relay(batch=7):
            pass
    assert seen == [("acme", number) for number in range(30)]


def test_a_long_batch_is_given_back_at_its_place(
    acme: Organization, seen: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given back with a new time they would stand behind what came later."""
    monkeypatch.setattr(delivery, "_TURN_SECONDS", 0.0)
    _fill(acme.id, 3)
    with clock.frozen_at(NOW + timedelta(seconds=5)):
        assert relay(batch=3) == 3
    assert seen == [("acme", 0)]
    left = OutboxMessage.objects.filter(delivered_at__isnull=True).values_list("available_at", "attempts")
    assert list(left) == [(NOW, 0), (NOW, 0)]
    with clock.frozen_at(NOW + timedelta(seconds=6)):
        while relay(batch=3):
            pass
    assert seen == [("acme", 0), ("acme", 1), ("acme", 2)]


def test_urgent_is_what_says_so(acme: Organization) -> None:
    with transaction.atomic():
        do_send([Message("test.turn"), Message("test.turn", is_urgent=True)], organization_id=acme.id)
    rows = OutboxMessage.objects.order_by("id").values_list("priority", flat=True)
    assert list(rows) == [Priority.USUAL, Priority.URGENT]


def test_a_claim_walks_the_index_however_many_wait(acme: Organization) -> None:
    # given thirty thousand of one, and one of each of fifty others
    insert = """
        INSERT INTO outbox_outboxmessage
               (organization_id, topic, payload, created_at, updated_at, available_at, attempts, last_error)
        SELECT COALESCE(%s, gen_random_uuid()), 'test.turn', '{}', %s, %s, %s, 0, ''
          FROM generate_series(1, %s)
        """
    with connection.cursor() as cursor:
        cursor.execute(insert, [acme.id, NOW, NOW, NOW, 30_000])
        cursor.execute(insert, [None, NOW, NOW, NOW, 50])
        cursor.execute("ANALYZE outbox_outboxmessage")
    # when a batch is claimed, and once more as if it had not been, for the server to say what it does
    with CaptureQueriesContext(connection) as seen, transaction.atomic():
        with clock.frozen_at(NOW + timedelta(seconds=1)):
            _, claimed = delivery._claim(60)
        transaction.set_rollback(True)
    (claim,) = [each["sql"] for each in seen.captured_queries if "WITH RECURSIVE lanes" in each["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {claim}")
        plan = cursor.fetchone()[0][0]["Plan"]
    # then it read a few rows of each lane, not the table, and sorted no more than it took
    assert len(claimed) == 51
    steps = list(_steps(plan))
    assert "Seq Scan" not in {kind for kind, _, relation in steps if relation == "outbox_outboxmessage"}
    assert sum(rows for _, rows, relation in steps if relation == "outbox_outboxmessage") < 500
    assert max(rows for kind, rows, _ in steps if "Sort" in kind) <= 60
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 2_000


def _steps(plan: dict[str, Any]) -> Iterator[tuple[str, float, str]]:
    """Yield of each step of a plan its kind, the rows it read in all its loops, and of which table."""
    rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    yield plan["Node Type"], rows * plan["Actual Loops"], plan.get("Relation Name", "")
    for inner in plan.get("Plans", []):
        yield from _steps(inner)
