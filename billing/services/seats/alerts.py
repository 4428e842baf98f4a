"""Tell an organization's administrators by mail when their seats run out: at four fifths, and at the last.

Told once for each time the level is crossed upward. What was told stands on the subscription, which a
tenant's role cannot write, so the command that gives the seat only wakes the job.
"""

import uuid
from typing import Any

import structlog
from django.db.models import Case, F, IntegerField, Q, Value, When

from billing.enums import OVER
from billing.models import Subscription, SubscriptionChange
from billing.policies import SEAT_MANAGERS
from shared_apps.accounts.selectors.owners import active_with_roles
from shared_apps.core import clock
from shared_apps.core.jobs import enqueue
from shared_apps.core.transactions import entry_transaction, require_transaction
from shared_apps.outbox.services.mail import MAIL_TOPIC
from shared_apps.outbox.services.messages import Message, do_send
from tenants.selectors.hosts import primary_host

log = structlog.get_logger(__name__)

TELL = "billing.tell_seat_use"
NEARLY_FULL, FULL = 80, 100
_AT_ONCE = 200
_LEVEL = Case(
    When(purchased=0, then=Value(0)),
    When(used__gte=F("purchased"), then=Value(FULL)),
    When(used__gte=F("purchased") * NEARLY_FULL / 100.0, then=Value(NEARLY_FULL)),
    default=Value(0),
    output_field=IntegerField(),
)


def level_of(subscription: Subscription) -> int:
    """Return the highest level in percent that the seats in use have reached: 0, 80 or 100."""
    if not subscription.purchased:
        return 0
    percent = subscription.used * 100 / subscription.purchased
    return FULL if percent >= FULL else NEARLY_FULL if percent >= NEARLY_FULL else 0


def do_note_seat_use(subscription: Subscription) -> None:
    """Wake the job when seats were given and a level was reached that nobody was told of."""
    require_transaction()
    if level_of(subscription) > subscription.told_percent:
        enqueue(TELL, organization_id=None)


def tell_seat_use() -> int:
    """Write to the administrators wherever a level was reached, and forget levels that are left below; return
    how many mails there are. Safe to run twice, at once too."""
    behind = (
        Subscription.objects.exclude(status__in=OVER)
        .annotate(level=_LEVEL)
        .filter(~Q(level=F("told_percent")))
        .order_by("id")
        .values_list("id", flat=True)
    )
    return sum(_tell(identifier) for identifier in list(behind[:_AT_ONCE]))


def _tell(subscription_id: uuid.UUID) -> int:
    with entry_transaction():
        subscription = Subscription.objects.select_for_update(of=("self",), no_key=True).get(
            id=subscription_id
        )
        level, before = level_of(subscription), subscription.told_percent
        if level == before:
            return 0
        subscription.told_percent = level
        subscription.save_fields("told_percent")
        if level < before:
            return 0
        mails = _mails(subscription, level)
        do_send(mails, organization_id=subscription.organization_id)
    log.info("seat_use_told", organization=str(subscription.organization_id), percent=level)
    return len(mails)


def do_tell_not_bought(change: SubscriptionChange) -> None:
    """Write to the administrators that missing seats could not be bought, so that nobody was given one."""
    require_transaction()
    facts = {
        "seats": change.to_seats - change.from_seats,
        "people": len(change.facts.get("give_to", ())),
        "invoice_url": change.facts.get("invoice_url", ""),
    }
    mails = _to_managers(change.organization_id, "seats_not_bought", f"{change.id.hex}:{change.state}", facts)
    do_send(mails, organization_id=change.organization_id)


def _mails(subscription: Subscription, level: int) -> list[Message]:
    template = "seats_full" if level == FULL else "seats_nearly_full"
    moment = int(clock.now().timestamp() * 1000)
    facts = {
        "used": subscription.used,
        "purchased": subscription.purchased,
        "free": max(0, subscription.purchased - subscription.used),
    }
    return _to_managers(subscription.organization_id, template, f"{subscription.id.hex}:{moment}", facts)


def _to_managers(
    organization_id: uuid.UUID, template: str, occasion: str, facts: dict[str, Any]
) -> list[Message]:
    shared = {**facts, "host": primary_host(organization_id)}
    readers = active_with_roles(organization_id=organization_id, roles=SEAT_MANAGERS)
    return [
        Message(
            MAIL_TOPIC,
            {
                "template": f"billing/{template}",
                "to": reader.email,
                "language": reader.language,
                "context": {"name": reader.get_full_name(), **shared},
            },
            dedupe_key=f"{template}:{occasion}:{reader.id.hex}",
        )
        for reader in readers
    ]
