"""An organization whose doors close is not charged for another period, and is again when it is kept."""

from typing import Any

import pytest

from billing.models import Subscription, SubscriptionChange
from billing.services.changes.acts import cancel_at_period_end
from billing.services.changes.making import make_change
from shared_apps.core.actors import system_actor
from shared_apps.onboarding.services.lifecycle import delete_organization, keep_organization
from tests.billing.conftest import Account, deliver_all

OPERATOR = system_actor("tests.operator")


@pytest.fixture
def subscribed(account: Account) -> Account:
    account.subscribe()
    deliver_all(account.server)
    return account


def close(account: Account) -> None:
    delete_organization(
        actor=OPERATOR, organization_id=account.organization.id, confirm=account.organization.slug
    )
    work_off()


def keep(account: Account) -> None:
    keep_organization(actor=OPERATOR, organization_id=account.organization.id)
    work_off()


def work_off() -> None:
    for change in SubscriptionChange.objects.filter(state="requested"):
        make_change(change.id)


def ends_there(account: Account) -> Any:
    [there] = account.server.account.all("subscription")
    assert there["status"] == "active"
    return there["cancel_at"] is not None


@pytest.mark.feature("SUB-06")
def test_closed_doors_are_not_charged_for_and_kept_ones_are_again(subscribed: Account) -> None:
    close(subscribed)
    assert ends_there(subscribed)
    assert Subscription.objects.get().cancels_at is not None
    keep(subscribed)
    assert not ends_there(subscribed)
    assert Subscription.objects.get().cancels_at is None


def test_what_was_to_end_anyway_is_left_so(subscribed: Account) -> None:
    cancel_at_period_end(actor=subscribed.actor, organization_id=subscribed.organization.id)
    close(subscribed)
    keep(subscribed)
    assert ends_there(subscribed)
    assert SubscriptionChange.objects.count() == 1


def test_what_ended_meanwhile_keeps_nobody_from_being_kept(subscribed: Account) -> None:
    close(subscribed)
    row = Subscription.objects.get()
    subscribed.gateway.cancel(str(row.gateway_ref), idempotency_key="end")
    deliver_all(subscribed.server)
    keep(subscribed)
    subscribed.organization.refresh_from_db()
    assert subscribed.organization.state == "active"
    assert SubscriptionChange.objects.count() == 1
