"""Operators lengthen trials and end subscriptions, at the gateway where that is where they stand."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from billing.errors import NotManagedHere, SubscriptionNotOpen, TrialEndNotAllowed
from billing.models import Subscription, SubscriptionChange
from billing.services.changes.making import make_change
from billing.services.operators.interventions import end_subscription, lengthen_trial
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role
from shared_apps.core.errors import Forbidden, NotFound
from tenants.models import Organization
from tests.billing.conftest import Account, deliver_all
from tests.fakes.stripe import Fault
from tests.support.subscriptions import make_subscription

OPERATOR = Actor(kind=ActorKind.OPERATOR, user_id=uuid.uuid4(), label="ops@palaestra.example")
FAULTS = [Fault.ERROR_BEFORE, Fault.ERROR_AFTER, Fault.DROP_AFTER, Fault.TOO_MANY]


def subscribed(account: Account, trial_days: int = 0) -> Subscription:
    account.price.plan.trial_days = trial_days
    account.price.plan.save_fields("trial_days")
    account.subscribe(10)
    deliver_all(account.server)
    return Subscription.objects.get()


def test_a_trial_lasts_longer_here_and_there_and_says_why(account: Account) -> None:
    trial = subscribed(account, trial_days=14)
    until = (clock.now() + timedelta(days=30)).replace(microsecond=0)
    change = lengthen_trial(actor=OPERATOR, subscription_id=trial.id, until=until, reason="pilot")
    trial.refresh_from_db()
    assert (change.state, change.comment, trial.trial_ends_at) == ("confirmed", "pilot", until)
    assert account.gateway.look_subscription(str(trial.gateway_ref)).trial_end == until
    event = AuditEvent.objects.get(action="billing.extend_trial")
    assert (event.actor_label, event.changes["comment"]) == (OPERATOR.label, "pilot")


@pytest.mark.parametrize("days", [-1, 10, 731])
def test_a_trial_gets_no_end_that_is_past_earlier_or_far(account: Account, days: int) -> None:
    trial = subscribed(account, trial_days=14)
    with pytest.raises(TrialEndNotAllowed):
        lengthen_trial(
            actor=OPERATOR,
            subscription_id=trial.id,
            until=clock.now() + timedelta(days=days),
            reason="pilot",
        )
    assert SubscriptionChange.objects.count() == 0


def test_only_a_trial_at_the_gateway_is_lengthened(account: Account, globex: Organization) -> None:
    until = clock.now() + timedelta(days=30)
    with pytest.raises(SubscriptionNotOpen):
        lengthen_trial(actor=OPERATOR, subscription_id=subscribed(account).id, until=until, reason="x")
    granted = make_subscription(globex, 5)
    with pytest.raises(NotManagedHere):
        lengthen_trial(actor=OPERATOR, subscription_id=granted.id, until=until, reason="x")
    with pytest.raises(NotFound):
        lengthen_trial(actor=OPERATOR, subscription_id=uuid.uuid4(), until=until, reason="x")


def test_a_billed_subscription_ends_at_the_gateway_and_stays_ended(account: Account) -> None:
    row = subscribed(account)
    ended = end_subscription(actor=OPERATOR, subscription_id=row.id, reason="fraud")
    assert ended.status == "canceled"
    assert account.gateway.look_subscription(str(row.gateway_ref)).status == "canceled"
    deliver_all(account.server)
    again = end_subscription(actor=OPERATOR, subscription_id=row.id, reason="fraud")
    assert (again.status, SubscriptionChange.objects.count()) == ("canceled", 1)
    assert SubscriptionChange.objects.get().comment == "fraud"


@pytest.mark.parametrize("fault", FAULTS)
def test_ending_while_the_gateway_is_away_is_done_by_the_job(account: Account, fault: Fault) -> None:
    row = subscribed(account)
    account.server.faults.order(fault, "delete", times=4)
    end_subscription(actor=OPERATOR, subscription_id=row.id, reason="fraud")
    change = SubscriptionChange.objects.get()
    for _ in range(5):
        if change.state != "requested":
            break
        make_change(change.id)
        change.refresh_from_db()
    row.refresh_from_db()
    assert (change.state, row.status) == ("confirmed", "canceled")
    assert account.gateway.look_subscription(str(row.gateway_ref)).status == "canceled"


def test_a_granted_subscription_ends_here(account: Account, globex: Organization, settings: Any) -> None:
    granted = make_subscription(globex, 5)
    settings.STRIPE_API_KEY = ""
    assert end_subscription(actor=OPERATOR, subscription_id=granted.id, reason="end").status == "canceled"


def test_members_and_strangers_end_nothing(account: Account) -> None:
    row = subscribed(account)
    owner = Actor(
        kind=ActorKind.MEMBER, user_id=uuid.uuid4(), role=Role.OWNER, organization_id=row.organization_id
    )
    for act in (
        lambda: end_subscription(actor=owner, subscription_id=row.id, reason="x"),
        lambda: lengthen_trial(actor=owner, subscription_id=row.id, until=clock.now(), reason="x"),
    ):
        with pytest.raises(Forbidden):
            act()
    row.refresh_from_db()
    assert row.status == "active"
