"""A thousand random changes: what the preview shows is what the invoice says, to the smallest unit."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from billing.enums import ChangeKind, ChangeState, Duration, Interval, SubscriptionStatus
from billing.models import BillingAccount, Plan, PlanPrice, Promotion, Subscription
from billing.services.catalogue.promotions import sync_promotions
from billing.services.catalogue.syncing import sync_catalogue
from billing.services.changes.acts import redeem_promotion
from billing.services.changes.previewed import Preview
from billing.services.gateway.following import SUBSCRIPTION, look_and_apply
from shared_apps.core import clock
from tenants.models import Organization
from tests.billing.changing import Clock, clocked, confirm, mirror, new_organization, preview
from tests.billing.conftest import Account

WALKS, CASES = 25, 40
# Minor units a seat and month: with, without and with three digits after the point.
CURRENCIES = {"eur": 1299, "usd": 1250, "gbp": 999, "jpy": 1480, "bhd": 4550, "inr": 89_900}
COUNTRIES = ("DE", "FR", "AT", "US", None)


@pytest.fixture
def catalogue(account: Account) -> None:
    """Two plans at every interval and currency, and codes of every sort."""
    business = Plan.objects.create(code="business", name="Business", max_seats=500)
    for plan, times in ((Plan.objects.get(code="team"), 1), (business, 2)):
        for currency, unit in CURRENCIES.items():
            for interval, months in ((Interval.MONTH, 1), (Interval.QUARTER, 3), (Interval.YEAR, 10)):
                PlanPrice.objects.get_or_create(
                    plan=plan,
                    interval=interval,
                    currency=currency,
                    defaults={"unit_minor": unit * times * months},
                )
    codes: dict[str, dict[str, Any]] = {
        "ONCE": {"percent": 50},
        "MONTHS": {"percent": 15, "duration": Duration.REPEATING, "months": 3},
        "FOREVER": {"percent": 7, "duration": Duration.FOREVER},
    }
    for code, facts in codes.items():
        Promotion.objects.create(code=code, **facts)
    for currency, unit in CURRENCIES.items():
        code, amount = f"OFF{currency.upper()}", unit * 3
        Promotion.objects.create(code=code, amount_minor=amount, currency=currency, duration=Duration.FOREVER)
    sync_catalogue()
    sync_promotions()


@pytest.mark.feature("BIL-02", "P09", "M03")
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(WALKS))
def test_the_preview_is_the_invoice(
    seed: int, catalogue: None, account_of: Callable[[Organization], Account]
) -> None:
    chance = random.Random(seed)
    account = account_of(new_organization(f"walk{seed}"))
    with clocked(account) as now:
        row = _subscribe(account, chance, seed)
        for case in range(CASES):
            row = _let_time_pass(account, now, row, chance)
            if chance.random() < 0.08:
                _redeem(account, row, chance)
            _change(account, row, chance, f"seed {seed}, case {case}")
            row.refresh_from_db()


def _subscribe(account: Account, chance: random.Random, seed: int) -> Subscription:
    """Subscribe at a random price, in a country with or without taxes, some in trial."""
    currency = list(CURRENCIES)[seed % len(CURRENCIES)]
    gateway = account.gateway
    price = PlanPrice.objects.get(plan__code="team", interval=Interval.MONTH, currency=currency)
    customer = BillingAccount.objects.get(organization=account.organization).gateway_ref
    country = chance.choice(COUNTRIES)
    if country:
        gateway._client.v1.customers.update(customer, {"address": {"country": country}})
    if country == "FR" and chance.random() < 0.5:
        wanted: Any = {"type": "eu_vat", "value": "FR12345678901"}
        gateway._client.v1.customers.tax_ids.create(customer, wanted)
    account.server.account.cards[customer] = "ok"
    made: Any = {
        "customer": customer,
        "items": [{"price": price.gateway_ref, "quantity": chance.randint(1, 60)}],
        "automatic_tax": {"enabled": country is not None},
    }
    if chance.random() < 0.15:
        made["trial_period_days"] = 14
    ref = gateway._client.v1.subscriptions.create(made).id
    look_and_apply(gateway, SUBSCRIPTION, ref)
    return Subscription.objects.get(gateway_ref=ref)


def _let_time_pass(account: Account, now: Clock, row: Subscription, chance: random.Random) -> Subscription:
    """Move to another second, now and then into the next period or to its very edge."""
    moved = chance.random()
    assert row.period_ends_at is not None
    if moved < 0.05:
        now.move_to(row.period_ends_at + timedelta(seconds=chance.choice([0, 1])))
    elif moved < 0.35:
        now.move(seconds=chance.randint(1, 20 * 86_400))
    else:
        now.move(seconds=chance.randint(1, 86_400))
    # Within a period nothing happens there that we have not seen.
    return mirror(account, row) if clock.now() >= row.period_ends_at else row


def _redeem(account: Account, row: Subscription, chance: random.Random) -> None:
    assert row.price is not None
    codes = ["ONCE", "MONTHS", "FOREVER", f"OFF{row.price.currency.upper()}"]
    # One that is not for ever is used once.
    used = row.changes.filter(kind=ChangeKind.DISCOUNT, state=ChangeState.CONFIRMED)
    gone = {change.facts["code"] for change in used} & {"ONCE", "MONTHS"}
    code = chance.choice([code for code in codes if code not in gone])
    who: Any = {"actor": account.actor, "organization_id": account.organization.id}
    assert redeem_promotion(**who, code=code).state == ChangeState.CONFIRMED


def _change(account: Account, row: Subscription, chance: random.Random, case: str) -> None:
    wanted: dict[str, Any] = {"seats": chance.randint(1, 120)}
    if chance.random() < 0.3:
        wanted["plan_code"] = chance.choice(["team", "business"])
    if chance.random() < 0.2:
        wanted["interval"] = chance.choice(list(Interval))
    if chance.random() < 0.1:
        del wanted["seats"]
        wanted.setdefault("plan_code", "business")
    shown = preview(account, **wanted)
    before = set(account.server.account.objects["invoice"])
    assert confirm(account, shown.token).state == ChangeState.CONFIRMED, case
    made = [
        invoice for ref, invoice in account.server.account.objects["invoice"].items() if ref not in before
    ]
    if row.status == SubscriptionStatus.TRIALING or not shown.invoice.lines:
        assert (made, shown.total_minor, shown.due_minor) == ([], 0, 0), case
        return
    [invoice] = made
    assert _told(shown) == _charged(invoice), case
    assert shown.due_minor == invoice["amount_paid"], case
    assert shown.due_minor == max(0, shown.total_minor - shown.credit_used_minor), case


def _told(shown: Preview) -> dict[str, Any]:
    return {
        "currency": shown.currency,
        "total": shown.total_minor,
        "due": shown.due_minor,
        "tax": shown.tax_minor,
        "discount": shown.discount_minor,
        "lines": [(line.description, line.amount_minor, line.seats) for line in shown.invoice.lines],
    }


def _charged(invoice: dict[str, Any]) -> dict[str, Any]:
    return {
        "currency": invoice["currency"],
        "total": invoice["total"],
        "due": invoice["amount_due"],
        "tax": sum(each["amount"] for each in invoice["total_taxes"]),
        "discount": sum(each["amount"] for each in invoice["total_discount_amounts"]),
        "lines": [
            (line["description"], line["amount"], line["quantity"]) for line in invoice["lines"]["data"]
        ],
    }
