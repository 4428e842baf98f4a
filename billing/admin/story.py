"""What the page of an organization's billing shows."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from billing.admin.chart import draw_seats
from billing.admin.timeline import tell
from billing.admin.wording import (
    ACCESS_TONES,
    INVOICE_TONES,
    PLAIN,
    STATUS_TONES,
    access_sentence,
    day,
    money,
    per,
)
from billing.enums import OVER, AccessLevel, SubscriptionStatus
from billing.models import BillingAccount, Subscription, SubscriptionInvoice
from billing.selectors.access import BEHIND
from billing.selectors.story import BillingStory

_WHAT_TO_DO = {
    "pay_invoice": "the open invoice is paid",
    "update_payment_method": "another card is given",
    "finish_payment": "the first payment is finished",
    "resume_subscription": "the subscription is resumed",
    "subscribe": "the organization subscribes again",
}
_TITLES = {
    "set_seats": "Change seats",
    "comp": "Comp seats",
    "trial": "Extend the trial",
    "grace": "Extend the grace",
    "end": "End the subscription now",
    "cancel": "Cancel the subscription",
}
_ENDING = frozenset({"end", "cancel"})
_NO_SEATS = "There is no subscription, so nobody can be given a seat."
MOST_INVOICES = 12


@dataclass(frozen=True, slots=True)
class Line:
    """An invoice in the table."""

    number: str
    issued: str
    status: str
    tone: str
    total: str
    paid: str
    refunded: str
    page: str
    hosted: str
    pdf: str
    refund: str


def acts_for(subscription: Subscription) -> tuple[str, ...]:
    """Return the acts that are offered for a subscription; the services refuse what does not fit anyway."""
    if subscription.status in OVER:
        return ()
    if subscription.gateway_ref is None:
        return ("set_seats", "comp", "cancel")
    fitting = {
        "comp": True,
        "trial": subscription.status == SubscriptionStatus.TRIALING,
        "grace": subscription.status in BEHIND,
        "end": True,
    }
    return tuple(name for name, fits in fitting.items() if fits)


def story_context(story: BillingStory) -> dict[str, Any]:
    """Return the page's parts. Asks the database nothing more."""
    subscription = story.subscription
    return {
        "organization_link": reverse("admin:tenants_organization_change", args=(story.organization.pk,)),
        "access": access_sentence(story.access) if subscription else _NO_SEATS,
        "access_tone": ACCESS_TONES[story.access.level],
        "advice": _advice(story),
        "subscription_state": (
            (subscription.get_status_display(), STATUS_TONES.get(subscription.status, PLAIN))
            if subscription
            else None
        ),
        "alarms": _alarms(story),
        "cards": _cards(subscription) if subscription else [],
        "acts": _acts(subscription),
        "account": _account(story.account) if story.account else [],
        "chart": draw_seats(story.days),
        "invoices": [_line(row) for row in story.invoices[:MOST_INVOICES]],
        "invoices_link": (
            f"{reverse('admin:billing_subscriptioninvoice_changelist')}?q={story.organization.slug}"
            if len(story.invoices) > MOST_INVOICES
            else ""
        ),
        "moments": tell(story),
    }


def _advice(story: BillingStory) -> str:
    """Return what betters it."""
    if story.access.level is AccessLevel.FULL:
        return ""
    words = [_WHAT_TO_DO[word] for word in story.access.what_to_do if word in _WHAT_TO_DO]
    return f"It goes on once {' or '.join(words)}." if words else ""


def _alarms(story: BillingStory) -> list[tuple[str, str]]:
    """Return what somebody should look at, each with the page to do it on."""
    found = []
    open_drifts = [row for row in story.drifts if row.resolved_at is None]
    if open_drifts:
        found.append(
            (
                "Otherwise at the gateway than here: "
                + ", ".join(row.fact.replace("_", " ") for row in open_drifts[:5]),
                f"{reverse('admin:billing_drift_changelist')}?q={story.organization.slug}",
            )
        )
    if story.stuck:
        found.append(
            (
                f"Messages of the gateway that could not be worked off: {len(story.stuck)}",
                reverse("admin:billing_gatewayevent_change", args=(story.stuck[0].pk,)),
            )
        )
    failed = [row for row in story.refunds if row.state == "failed"]
    if failed:
        last = failed[0]
        found.append(
            (
                f"A refund of {money(last.amount_minor, last.currency)} failed on {day(last.updated_at)}:"
                f" {last.problem.replace('_', ' ')}",
                reverse("admin:billing_refund_change", args=(last.pk,)),
            )
        )
    return found


def _cards(row: Subscription) -> list[tuple[str, str, str]]:
    billed = row.purchased - row.comped if row.billed_seats is None else row.billed_seats
    sort = "paid for" if row.gateway_ref else "granted"
    bought = f"{billed:,} {sort}" + (f", {row.comped:,} comped" if row.comped else "")
    waiting = []
    if row.pending_purchased is not None:
        waiting.append(f"{row.pending_purchased:,} from the next period on")
    if row.unpaid_purchased is not None:
        waiting.append(f"{row.unpaid_purchased:,} once paid")
    free = max(0, row.free)
    share = f"{row.used * 100 // row.purchased} %" if row.purchased else "none"
    return [
        ("Plan", row.plan.name, _price(row)),
        ("Seats", f"{row.purchased:,}", "; ".join([bought, *waiting])),
        ("In use", f"{row.used:,}", f"{share}, {free:,} free"),
        _next(row),
    ]


def _price(row: Subscription) -> str:
    if row.price is None:
        return "Given by an operator" + (f": {row.note}" if row.note else "")
    code = f", code {row.promotion_code}" if row.promotion_code else ""
    return f"{money(row.price.unit_minor, row.price.currency)} a {per(row.price.interval)}{code}"


def _next(row: Subscription) -> tuple[str, str, str]:
    """Return the next day on which something happens by itself."""
    if row.canceled_at is not None:
        return ("Over since", day(row.canceled_at), row.status_reason.replace("_", " "))
    if row.status in BEHIND:
        return ("Grace until", day(row.grace_until), f"behind since {day(row.past_due_since)}")
    if row.cancels_at is not None:
        return ("Ends on", day(row.cancels_at), "as the organization asked")
    if row.status == SubscriptionStatus.TRIALING:
        return ("Trial until", day(row.trial_ends_at), "then the first period is charged")
    if row.gateway_ref is None:
        return ("Ends on", day(row.ends_at), "no end is set" if row.ends_at is None else "no new seats then")
    return ("Renews on", day(row.period_ends_at), f"this period began on {day(row.period_starts_at)}")


def _acts(row: Subscription | None) -> list[dict[str, str]]:
    if row is None:
        return [_act("Grant a subscription", reverse("admin:billing_subscription_grant"))]
    found = [
        _act(
            _TITLES[name],
            reverse(f"admin:billing_subscription_{name}", args=(row.pk,)),
            style="ends" if name in _ENDING else "main",
        )
        for name in acts_for(row)
    ]
    if not found:
        return [_act("Grant a subscription", reverse("admin:billing_subscription_grant"))]
    if row.gateway_ref is not None:
        found.append(_act("Compare with the gateway", reverse("admin:billing_reconcile"), style="plain"))
    return sorted(found, key=lambda each: each["style"] == "ends")


def _act(title: str, link: str, *, style: str = "main") -> dict[str, str]:
    return {"title": title, "link": link, "style": style}


def _account(account: BillingAccount) -> list[tuple[str, str]]:
    """Return the facts of the customer that are known."""
    address = account.address or {}
    place = " ".join(str(address.get(name, "")) for name in ("postal_code", "city") if address.get(name))
    lines = [address.get("line1"), address.get("line2"), place, address.get("country")]
    facts = [
        ("Customer", account.gateway_ref),
        ("Name", account.name),
        ("Invoices go to", account.email),
        ("Address", ", ".join(str(line) for line in lines if line)),
        ("Tax ids", ", ".join(str(each.get("value", "")) for each in account.tax_ids or [])),
        ("Currency", account.currency.upper()),
        ("Credit", money(account.credit_minor, account.currency or "") if account.credit_minor else ""),
        ("Payment method", "There is one" if account.has_payment_method else "None"),
        ("Trial", f"used on {day(account.trial_used_at)}" if account.trial_used_at else "not used"),
    ]
    return [(label, value) for label, value in facts if value]


def _line(row: SubscriptionInvoice) -> Line:
    left = row.paid_minor - row.refunded_minor
    return Line(
        number=str(row),
        issued=day(row.issued_at),
        status=row.status.capitalize(),
        tone=INVOICE_TONES.get(row.status, PLAIN),
        total=money(row.total_minor, row.currency),
        paid=money(row.paid_minor, row.currency),
        refunded=money(row.refunded_minor, row.currency) if row.refunded_minor else "",
        page=_page("billing_subscriptioninvoice_change", row.pk),
        hosted=row.hosted_url,
        pdf=row.pdf_url,
        refund=_page("billing_subscriptioninvoice_refund", row.pk) if left > 0 else "",
    )


def _page(name: str, identifier: uuid.UUID) -> str:
    return reverse(f"admin:{name}", args=(identifier,))
