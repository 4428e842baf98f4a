"""Killed anywhere, a change is made once: by the job that finds it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings

from billing.enums import ChangeState
from billing.models import Subscription, SubscriptionChange
from billing.services.changes.making import make_change, resend_changes
from shared_apps.core import clock
from tenants.models import Organization
from tests.billing.changing import bought, preview
from tests.billing.conftest import Account
from tests.support.server import server_environment


@pytest.mark.feature("PAY-13")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "invoices"),
    [
        ("_do_write_down", 1),  # before anything was written
        ("make", 1),  # written, and nothing asked of the gateway
        ("_look", 2),  # made there, and nobody knows
        ("_write", 2),  # seen, and not written
        ("do_settle_changes", 2),  # in the transaction that writes it
    ],
)
def test_a_change_whose_process_was_killed_is_made_once(
    place: str, invoices: int, committed: None, acme: Organization, account_of: Callable[..., Account]
) -> None:
    account = account_of(acme)
    row = bought(account, 10)
    token = preview(account, 25).token
    done = subprocess.run(
        [sys.executable, "-m", "tests.billing.killed_change", place, str(acme.id), token],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            **server_environment(),
            "STRIPE_API_KEY": account.server.api_key,
            "STRIPE_API_BASE": account.server.url,
        },
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    assert len(account.server.account.all("invoice")) == invoices
    row.refresh_from_db()
    assert row.purchased == 10
    if place == "_do_write_down":
        assert SubscriptionChange.objects.count() == 0
        return
    change = SubscriptionChange.objects.get()
    assert change.state == ChangeState.REQUESTED
    with clock.frozen_at(clock.now() + timedelta(seconds=70)):
        assert resend_changes() == 1
    assert make_change(change.id) == ChangeState.CONFIRMED
    assert Subscription.objects.get().purchased == 25
    assert len(account.server.account.all("invoice")) == 2
