"""Wishes that come at once: whatever wins, one page can be paid."""

from collections.abc import Callable
from functools import partial

import pytest
import requests

from billing.enums import CheckoutState, Interval
from billing.models import BillingAccount, Checkout, Subscription
from billing.services.customers.checkouts import start_checkout
from tenants.models import Organization
from tests.billing.conftest import Account, deliver_all
from tests.support.measures import in_parallel


def wish(account: Account, seats: int) -> Checkout:
    return start_checkout(
        actor=account.actor,
        organization_id=account.organization.id,
        plan_code="team",
        interval=Interval.MONTH,
        currency="eur",
        seats=seats,
    )


@pytest.mark.feature("PAY-02")
@pytest.mark.parametrize("wishes", [[10] * 6, [10, 11, 12, 13, 14, 15]])
def test_of_wishes_at_once_one_page_is_open(
    committed: None,
    acme: Organization,
    account_of: Callable[[Organization], Account],
    wishes: list[int],
) -> None:
    account = account_of(acme)
    told = in_parallel(acme, [partial(wish, account, seats) for seats in wishes])
    codes = {each if isinstance(each, str) else "open" for each in told}
    assert codes <= {"open", "checkout_replaced", "gateway_unavailable"}
    assert BillingAccount.objects.count() == len(account.server.account.all("customer")) == 1
    # Who was overtaken has closed the own page; the last word is one page.
    page = wish(account, wishes[0])
    [there] = account.server.account.all("checkout.session", status="open")
    assert there["id"] == page.gateway_ref
    [here] = Checkout.objects.filter(state__in=(CheckoutState.STARTING, CheckoutState.OPEN))
    assert here.id == page.id
    requests.post(f"{account.server.url}/_payer/checkout/{there['id']}/pay", timeout=5)
    deliver_all(account.server)
    assert Subscription.objects.get().purchased == wishes[0]
