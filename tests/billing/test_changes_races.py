"""One token confirmed by many at once; seats given back while others claim them."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from billing.enums import ChangeState
from billing.models import Subscription, SubscriptionChange
from billing.services.changes.making import make_change
from billing.services.seats.seats import assign_seats
from tenants.context import in_public
from tenants.models import Organization
from tests.billing.changing import bought, confirm, preview
from tests.billing.conftest import Account
from tests.support.measures import in_parallel
from tests.support.seed import make_member

Accounts = Callable[[Organization], Account]


@pytest.mark.feature("BIL-02")
@pytest.mark.slow
def test_twenty_who_confirm_one_token_make_one_change_and_one_charge(
    committed: None, acme: Organization, account_of: Accounts
) -> None:
    account = account_of(acme)
    bought(account, 10)
    token = preview(account, 25).token
    answers = in_parallel(acme, [partial(confirm, account, token)] * 20)
    ids = {answer.id for answer in answers if isinstance(answer, SubscriptionChange)}
    refused = Counter(answer for answer in answers if isinstance(answer, str))
    with in_public():
        [change] = SubscriptionChange.objects.all()
        assert (ids, refused) == ({change.id}, Counter())
        assert change.state == ChangeState.CONFIRMED
        assert Subscription.objects.get().purchased == 25
    assert len(account.server.account.all("invoice")) == 2


@pytest.mark.slow
def test_the_job_and_the_request_at_once_make_one_charge(
    committed: None, acme: Organization, account_of: Accounts
) -> None:
    account = account_of(acme)
    bought(account, 10)
    token = preview(account, 25).token

    def confirm_and_chase() -> object:
        made = confirm(account, token)
        with in_public():  # as the job does
            return make_change(made.id) or made.state

    assert len(in_parallel(acme, [confirm_and_chase] * 6)) == 6
    with in_public():
        assert SubscriptionChange.objects.get().state == ChangeState.CONFIRMED
    assert len(account.server.account.all("invoice")) == 2


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(5))
def test_seats_given_back_while_others_claim_never_leave_more_in_use_than_bought(
    attempt: int, committed: None, acme: Organization, account_of: Accounts
) -> None:
    account = account_of(acme)
    bought(account, 10)
    members = [make_member(acme, email=f"m{number}@acme.example").membership_id for number in range(10)]
    token = preview(account, 5).token
    who: Any = {"actor": account.actor, "organization_id": acme.id}
    claims = [partial(assign_seats, **who, membership_ids=[each]) for each in members]
    answers = in_parallel(acme, [*claims[:5], partial(confirm, account, token), *claims[5:]])
    given = sum(isinstance(answer, list) for answer in answers)
    cut = next((each for each in answers if isinstance(each, SubscriptionChange)), None)
    with in_public():
        row = Subscription.objects.get()
        theirs = account.gateway.look_subscription(str(row.gateway_ref)).seats
        assert row.used == given <= row.purchased == theirs
        if cut is not None:
            assert (row.purchased, given) == (5, 5)
        else:
            assert (row.purchased, given) == (10, 10)
