"""Subscribe, preview, confirm and move the gateway's clock, for tests of changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from billing.models import BillingAccount, Subscription, SubscriptionChange
from billing.services.changes.previewed import Preview, confirm_change, preview_change
from billing.services.customers.checkouts import ensure_account
from billing.services.gateway.following import SUBSCRIPTION, look_and_apply
from shared_apps.core import clock
from tenants.models import Organization
from tenants.services.organizations import do_create_organization
from tests.billing.conftest import Account, deliver_all

CHANGE_ROUTE = "/v1/subscriptions/{subscription_exposed_id}"
START = datetime(2027, 1, 1, tzinfo=UTC)


def bought(account: Account, seats: int = 10) -> Subscription:
    """Subscribe, hear of it, and return the subscription."""
    account.subscribe(seats)
    deliver_all(account.server)
    return Subscription.objects.exclude(status="canceled").get(organization=account.organization)


def preview(account: Account, seats: int | None = None, **more: Any) -> Preview:
    """Preview a change as the organization's own job."""
    return preview_change(actor=account.actor, organization_id=account.organization.id, seats=seats, **more)


def confirm(account: Account, token: str) -> SubscriptionChange:
    """Confirm a preview's token."""
    return confirm_change(actor=account.actor, organization_id=account.organization.id, token=token)


def mirror(account: Account, row: Subscription) -> Subscription:
    """Look at the subscription as a message would have us look, and return it."""
    look_and_apply(account.gateway, SUBSCRIPTION, str(row.gateway_ref))
    row.refresh_from_db()
    return row


def last_invoice(account: Account) -> Any:
    """Return the newest invoice of the counterpart."""
    return account.server.account.all("invoice")[0]


@dataclass
class Clock:
    """The counterpart's test clock and our own, moved together."""

    account: Account
    id: str

    def move_to(self, instant: datetime) -> None:
        """Let everything happen that is due until then."""
        seconds = int(instant.timestamp())
        self.account.gateway._client.v1.test_helpers.test_clocks.advance(self.id, {"frozen_time": seconds})
        clock._frozen.set(instant)

    def move(self, **delta: float) -> None:
        """Move on by a time, as `timedelta` takes it."""
        self.move_to(clock.now() + timedelta(**delta))


@contextmanager
def clocked(account: Account, start: datetime = START) -> Iterator[Clock]:
    """Put the organization's customer, made here, on a test clock there, and stop ours with it."""
    with clock.frozen_at(start):
        ensure_account(account.gateway, account.organization.id)
        made = account.gateway._client.v1.test_helpers.test_clocks.create(
            {"frozen_time": int(start.timestamp())}
        )
        ref = BillingAccount.objects.get(organization=account.organization).gateway_ref
        account.server.account.objects["customer"][ref]["test_clock"] = made.id
        yield Clock(account, made.id)


def new_organization(slug: str) -> Organization:
    """Return one more organization, which needs no schema to be billed."""
    with transaction.atomic():
        return do_create_organization(
            name=slug.capitalize(),
            slug=slug,
            owner_email=f"owner@{slug}.example",
            timezone="UTC",
            language="en",
            creation_key=None,
        )


def subscribed(account: Account, seats: int = 10) -> Subscription:
    """Subscribe without messages, and return the subscription as it is seen."""
    ref = account.subscribe(seats)
    look_and_apply(account.gateway, SUBSCRIPTION, ref)
    return Subscription.objects.get(gateway_ref=ref)
