"""Ends, pauses, codes and longer trials; and that who was deleted is charged no more."""

from datetime import timedelta
from typing import Any

import pytest

from billing.enums import CancelReason, ChangeKind, ChangeState, Duration, SubscriptionStatus
from billing.errors import (
    ChangeUnderWay,
    NotManagedHere,
    PromotionNotValid,
    SubscriptionNotOpen,
    TrialEndNotAllowed,
)
from billing.models import Plan, Promotion, Subscription, SubscriptionChange
from billing.services.catalogue.promotions import sync_promotions
from billing.services.changes.acts import (
    cancel_at_period_end,
    end_now,
    extend_trial,
    keep_subscription,
    pause_subscription,
    redeem_promotion,
    resume_subscription,
)
from billing.services.changes.making import make_change, resend_changes
from billing.services.changes.rows import require_made
from billing.services.operators.subscriptions import cancel_subscription
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role
from shared_apps.core.errors import Forbidden
from tests.billing.changing import (
    CHANGE_ROUTE,
    START,
    clocked,
    confirm,
    last_invoice,
    mirror,
    preview,
    subscribed,
)
from tests.billing.conftest import Account
from tests.fakes.stripe import Fault
from tests.support.subscriptions import make_subscription


def by(account: Account) -> dict[str, Any]:
    return {"actor": account.actor, "organization_id": account.organization.id}


@pytest.mark.feature("SUB-06")
def test_a_cancelled_subscription_runs_to_its_end_and_no_further(account: Account) -> None:
    with clocked(account) as now:
        row = subscribed(account, 10)
        change = cancel_at_period_end(
            **by(account), reason=CancelReason.MISSING_FEATURES, comment="No SCIM yet."
        )
        row.refresh_from_db()
        assert (change.state, change.reason, change.comment) == (
            ChangeState.CONFIRMED,
            "missing_features",
            "No SCIM yet.",
        )
        assert (row.status, row.cancels_at) == (SubscriptionStatus.ACTIVE, START + timedelta(days=31))
        now.move_to(START + timedelta(days=30))
        assert mirror(account, row).status == SubscriptionStatus.ACTIVE
        assert confirm(account, preview(account, 12).token).state == ChangeState.CONFIRMED
        now.move_to(START + timedelta(days=32))
        assert mirror(account, row).status == SubscriptionStatus.CANCELED
        assert len(account.server.account.all("invoice")) == 2, "nothing is charged after the end"


@pytest.mark.feature("SUB-06", "BIL-04")
def test_who_keeps_it_loses_nothing(account: Account) -> None:
    with clocked(account) as now:
        row = subscribed(account, 10)
        cancel_at_period_end(**by(account))
        assert keep_subscription(**by(account)).state == ChangeState.CONFIRMED
        assert keep_subscription(**by(account)).state == ChangeState.CONFIRMED
        now.move_to(START + timedelta(days=32))
        row = mirror(account, row)
        assert (row.status, row.cancels_at, row.purchased) == (SubscriptionStatus.ACTIVE, None, 10)


def test_the_preview_of_one_that_ends_names_no_next_invoice(account: Account) -> None:
    subscribed(account, 10)
    cancel_at_period_end(**by(account))
    shown = preview(account, 12)
    assert shown.renewal is None
    assert [each.code for each in shown.happens] == ["seats_added", "charged_now", "ends"]


@pytest.mark.feature("BIL-04")
def test_a_pause_credits_unused_time_and_resuming_begins_anew(account: Account) -> None:
    with clocked(account) as now:
        row = subscribed(account, 10)
        now.move(days=15.5)
        pause_subscription(**by(account), comment="Winter.")
        row.refresh_from_db()
        assert (row.status, row.purchased) == (SubscriptionStatus.PAUSED, 10)
        with pytest.raises(SubscriptionNotOpen):
            pause_subscription(**by(account))
        now.move(days=60)
        assert len(account.server.account.all("invoice")) == 1, "nobody is charged for a pause"
        resume_subscription(**by(account))
        row.refresh_from_db()
        assert (row.status, row.period_starts_at) == (SubscriptionStatus.ACTIVE, clock.now())
        assert (last_invoice(account)["total"], last_invoice(account)["amount_paid"]) == (12_000, 6_000)
        with pytest.raises(SubscriptionNotOpen):
            resume_subscription(**by(account))


def test_a_code_lowers_the_next_invoice(account: Account) -> None:
    Promotion.objects.create(code="HALF", percent=50)
    sync_promotions()
    with clocked(account) as now:
        row = subscribed(account, 10)
        redeem_promotion(**by(account), code="half")
        row.refresh_from_db()
        assert row.promotion_code == "HALF"
        now.move(days=32)
        assert last_invoice(account)["total"] == 6_000


def test_a_code_for_one_invoice_is_used_once_by_an_organization(account: Account) -> None:
    """Said again before each invoice, it would lower all of them. One that is for ever may come back."""
    Promotion.objects.create(code="HALF", percent=50)
    Promotion.objects.create(code="LOYAL", percent=5, duration=Duration.FOREVER)
    sync_promotions()
    subscribed(account, 10)
    redeem_promotion(**by(account), code="HALF")
    with pytest.raises(PromotionNotValid):
        redeem_promotion(**by(account), code="half")
    for _ in range(2):
        assert redeem_promotion(**by(account), code="LOYAL").state == ChangeState.CONFIRMED


def test_a_code_that_is_over_or_used_up_changes_nothing(account: Account) -> None:
    row = subscribed(account, 10)
    Promotion.objects.create(code="OVER", percent=50, expires_at=clock.now() + timedelta(days=1))
    Promotion.objects.create(code="RARE", percent=50, max_redemptions=1)
    sync_promotions()
    with clock.frozen_at(clock.now() + timedelta(days=2)), pytest.raises(PromotionNotValid):
        redeem_promotion(**by(account), code="OVER")
    for code in account.server.account.all("promotion_code", code="RARE"):
        code["times_redeemed"] = 1  # by another customer
    refused = redeem_promotion(**by(account), code="RARE")
    with pytest.raises(PromotionNotValid):
        require_made(refused)
    row.refresh_from_db()
    assert (refused.state, row.promotion_code) == (ChangeState.FAILED, "")
    assert account.server.account.all("subscription")[0]["discounts"] == []


@pytest.mark.feature("SUB-02")
def test_operators_lengthen_a_trial(account: Account) -> None:
    Plan.objects.update(trial_days=14)
    with clocked(account) as now:
        row = subscribed(account, 10)
        for until in (START + timedelta(days=13), START + timedelta(days=800)):
            with pytest.raises(TrialEndNotAllowed):
                extend_trial(**by(account), until=until)
        owner = Actor(ActorKind.MEMBER, organization_id=account.organization.id, role=Role.OWNER)
        with pytest.raises(Forbidden):
            extend_trial(actor=owner, organization_id=account.organization.id, until=START)
        with pytest.raises(Forbidden):
            end_now(actor=owner, organization_id=account.organization.id)
        extend_trial(**by(account), until=START + timedelta(days=30))
        row.refresh_from_db()
        assert row.trial_ends_at == START + timedelta(days=30)
        now.move(days=29)
        assert mirror(account, row).status == SubscriptionStatus.TRIALING
        now.move(days=2)
        assert mirror(account, row).status == SubscriptionStatus.ACTIVE
        with pytest.raises(SubscriptionNotOpen):
            extend_trial(**by(account), until=START + timedelta(days=60))


def test_an_operators_end_is_an_end_at_the_gateway_too(account: Account) -> None:
    row = subscribed(account, 10)
    cancel_subscription(actor=account.actor, subscription_id=row.id, reason="moved away")
    [change] = SubscriptionChange.objects.all()
    assert (change.kind, change.state) == (ChangeKind.END, ChangeState.REQUESTED)
    # What the gateway said before it heard of the end brings nothing back.
    assert mirror(account, row).status == SubscriptionStatus.CANCELED
    account.server.faults.order(Fault.ERROR_AFTER, "delete", CHANGE_ROUTE, times=1)
    assert make_change(change.id) == ChangeState.CONFIRMED
    assert account.gateway.look_subscription(str(row.gateway_ref)).status == "canceled"
    assert mirror(account, row).status == SubscriptionStatus.CANCELED


def test_an_end_supersedes_what_is_on_its_way(account: Account) -> None:
    row = subscribed(account, 10)
    token = preview(account, 15).token
    account.server.faults.order(Fault.ERROR_BEFORE, "post", CHANGE_ROUTE, times=3)
    growing = confirm(account, token)
    assert growing.state == ChangeState.REQUESTED
    with pytest.raises(ChangeUnderWay):
        cancel_at_period_end(**by(account))
    cancel_subscription(actor=account.actor, subscription_id=row.id)
    growing.refresh_from_db()
    assert (growing.state, growing.problem) == (ChangeState.FAILED, "superseded")
    assert make_change(growing.id) is None
    assert make_change(SubscriptionChange.objects.get(kind=ChangeKind.END).id) == ChangeState.CONFIRMED
    assert len(account.server.account.all("invoice")) == 1


def test_changes_that_died_are_sent_again_ever_less_often(
    account: Account, django_capture_on_commit_callbacks: Any
) -> None:
    subscribed(account, 10)
    account.server.faults.order(Fault.ERROR_BEFORE, "post", CHANGE_ROUTE, times=3)
    change = cancel_at_period_end(**by(account))
    assert (change.state, change.attempts) == (ChangeState.REQUESTED, 1)
    began = clock.now()
    with clock.frozen_at(began + timedelta(seconds=50)):
        assert resend_changes() == 0
    with clock.frozen_at(began + timedelta(seconds=65)):
        assert resend_changes() == 1
    SubscriptionChange.objects.update(attempts=30)
    with clock.frozen_at(began + timedelta(minutes=29)):
        assert resend_changes() == 0
    with clock.frozen_at(began + timedelta(minutes=31)):
        assert resend_changes() == 1
    assert make_change(change.id) == ChangeState.CONFIRMED
    assert Subscription.objects.get().cancels_at is not None


def test_a_subscription_that_was_given_knows_none_of_this(account: Account) -> None:
    make_subscription(account.organization, 5)
    for act in (cancel_at_period_end, keep_subscription, pause_subscription, resume_subscription, end_now):
        with pytest.raises(NotManagedHere):
            act(**by(account))
    cancel_subscription(actor=account.actor, subscription_id=Subscription.objects.get().id)
    assert SubscriptionChange.objects.count() == 0
