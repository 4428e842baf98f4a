"""What happened with an organization's billing, in words, newest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.admin.wording import (
    BAD,
    CHANGE_TONES,
    GOOD,
    INFO,
    INVOICE_TONES,
    PLAIN,
    REFUND_TONES,
    WARNING,
    day,
    moment,
    money,
)
from billing.enums import ChangeKind, ChangeState, CheckoutState, DunningStage
from billing.models import Checkout, Subscription, SubscriptionChange
from billing.selectors.story import BillingStory
from shared_apps.audit.models import AuditEvent
from shared_apps.core.actors import ActorKind

MOST = 100
_STAGE_TONES = {DunningStage.RECOVERED: GOOD, DunningStage.TRIAL_ENDING: INFO, DunningStage.ENDING: INFO}
_ACTS = {
    "subscriptions.grant": "Seats granted",
    "subscriptions.change_seats": "Granted seats changed",
    "subscriptions.cancel": "Subscription ended by an operator",
    "subscriptions.comp_seats": "Comped seats set",
    "subscriptions.extend_grace": "Grace extended",
    "subscriptions.mirrored": "Told by the gateway",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened.

    Attributes:
        sort: what it is about, for the label.
        tone: colour of the label.
        note: the rest in a line; empty for none.
        link: page of it elsewhere; empty for none.
    """

    at: datetime
    sort: str
    tone: str
    title: str
    note: str = ""
    link: str = ""

    @property
    def when(self) -> str:
        """Return day and minute for reading, in UTC."""
        return moment(self.at)


def tell(story: BillingStory) -> list[Moment]:
    """Return the newest hundred moments of the story."""
    found = [
        *_subscriptions(story),
        *_changes(story),
        *_invoices(story),
        *_refunds(story),
        *_checkouts(story),
        *_notices(story),
        *_gateway(story),
        *_acts(story),
    ]
    return sorted(found, key=lambda each: each.at, reverse=True)[:MOST]


def _subscriptions(story: BillingStory) -> Iterator[Moment]:
    for row in story.subscriptions:
        yield Moment(row.created_at, "Subscription", GOOD, f"{row.plan.name} begins", _origin(row))
        if row.canceled_at is not None:
            why = row.status_reason.replace("_", " ")
            yield Moment(row.canceled_at, "Subscription", PLAIN, f"{row.plan.name} is over", why)


def _origin(row: Subscription) -> str:
    return row.note or ("Given by an operator" if row.gateway_ref is None else f"{row.gateway_ref}")


def _changes(story: BillingStory) -> Iterator[Moment]:
    for row in story.changes:
        yield Moment(
            row.created_at,
            "Change",
            CHANGE_TONES.get(row.state, PLAIN),
            _asked(row),
            _joined(
                row.get_state_display(),
                row.problem.replace("_", " ") if row.state != ChangeState.CONFIRMED else "",
                row.reason.replace("_", " "),
                row.comment,
            ),
        )


def _asked(row: SubscriptionChange) -> str:
    parts = [row.get_kind_display()]
    if row.kind in (ChangeKind.NOW, ChangeKind.PERIOD_END):
        parts = []
        if row.from_seats != row.to_seats:
            parts.append(f"{row.from_seats:,} to {row.to_seats:,} seats")
        if row.to_price is not None:
            parts.append(f"to {row.to_price.plan.name} by the {row.to_price.interval}")
        parts.append("now" if row.kind == ChangeKind.NOW else "with the next period")
    if row.kind == ChangeKind.EXTEND_TRIAL and "trial_end" in row.facts:
        parts.append(f"until {day(datetime.fromisoformat(str(row.facts['trial_end'])))}")
    if row.kind == ChangeKind.DISCOUNT and "code" in row.facts:
        parts.append(str(row.facts["code"]))
    return " ".join(parts)


def _invoices(story: BillingStory) -> Iterator[Moment]:
    for row in story.invoices:
        yield Moment(
            row.issued_at,
            "Invoice",
            INVOICE_TONES.get(row.status, PLAIN),
            f"{row} of {money(row.total_minor, row.currency)}",
            _joined(
                row.status.capitalize(),
                f"paid on {day(row.paid_at)}" if row.paid_at else "",
                f"tried {row.attempts} times" if row.attempts > 1 else "",
                f"next try on {day(row.next_attempt_at)}" if row.next_attempt_at else "",
            ),
            row.hosted_url,
        )


def _refunds(story: BillingStory) -> Iterator[Moment]:
    for row in story.refunds:
        yield Moment(
            row.created_at,
            "Refund",
            REFUND_TONES.get(row.state, PLAIN),
            f"{money(row.amount_minor, row.currency)} of {row.invoice}",
            _joined(row.get_state_display(), row.problem.replace("_", " "), row.note),
        )


def _checkouts(story: BillingStory) -> Iterator[Moment]:
    tones: dict[str, str] = {CheckoutState.COMPLETE: GOOD, CheckoutState.EXPIRED: PLAIN}
    for row in story.checkouts:
        sort = "Checkout" if row.sign_up_id is None else "Sign-up"
        yield Moment(row.created_at, sort, tones.get(row.state, INFO), _page(row), row.get_state_display())


def _page(row: Checkout) -> str:
    trial = f", {row.trial_days} days of trial" if row.trial_days else ""
    return f"Page for {row.seats:,} seats of {row.price.plan.name}{trial}"


def _notices(story: BillingStory) -> Iterator[Moment]:
    for row in story.notices:
        stage = DunningStage(row.stage) if row.stage in DunningStage.values else None
        title = stage.label if stage is not None else row.stage
        tone = _STAGE_TONES.get(stage, WARNING) if stage is not None else WARNING
        yield Moment(row.created_at, "Notice", tone, title, "Told to those who manage billing")


def _gateway(story: BillingStory) -> Iterator[Moment]:
    for drift in story.drifts:
        tone = BAD if drift.resolved_at is None else PLAIN
        over = f"gone since {day(drift.resolved_at)}" if drift.resolved_at else "differs still"
        fact = drift.fact.replace("_", " ").capitalize()
        title = f"{fact}: {drift.ours or '-'} here, {drift.theirs or '-'} there"
        yield Moment(drift.created_at, "Drift", tone, title, _joined(drift.subject, over))
    for event in story.stuck:
        note = _joined(event.get_state_display(), event.problem.replace("_", " "))
        yield Moment(event.created_at, "Message", BAD, f"{event.kind} of {event.object_ref}", note)


def _acts(story: BillingStory) -> Iterator[Moment]:
    for event in story.acts:
        # What is told of elsewhere is not told twice.
        if event.action in ("subscriptions.grant", "subscriptions.cancel") or event.outcome != "done":
            continue
        title = _ACTS.get(event.action)
        if title is not None:
            who = "" if event.actor_kind == ActorKind.SYSTEM else event.actor_label
            yield Moment(event.created_at, "Act", PLAIN, title, _joined(_told(event), who))


def _told(event: AuditEvent) -> str:
    """Return what an act changed: `comped 0 to 2; pilot`."""
    return "; ".join(_change(name, value) for name, value in event.changes.items() if value)


def _change(name: str, value: Any) -> str:
    if not isinstance(value, list) or len(value) != 2:
        return str(value) if name in ("reason", "note") else f"{name.replace('_', ' ')} {value}"
    before, after = (_shown(each) for each in value)
    return f"{name.replace('_', ' ')} {before} to {after}"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    try:
        return day(datetime.fromisoformat(value)) if isinstance(value, str) else str(value)
    except ValueError:
        return str(value)


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
