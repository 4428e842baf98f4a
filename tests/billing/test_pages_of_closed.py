"""Nobody pays for an organization whose doors were closed while the page was open."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from billing.enums import CheckoutState
from billing.errors import CheckoutReplaced
from billing.models import BillingAccount, Checkout
from billing.services.customers.checkouts import sweep_checkouts
from shared_apps.core.actors import system_actor
from shared_apps.onboarding.services.lifecycle import (
    delete_organization,
    keep_organization,
    resume_organization,
    suspend_organization,
)
from tenants.errors import IllegalMove
from tenants.models import Organization
from tests.billing.conftest import Account
from tests.fakes.stripe import Fault

SYSTEM = system_actor("tests")
EXPIRE = "/v1/checkout/sessions/{session}/expire"


def suspend(organization: Organization) -> None:
    suspend_organization(actor=SYSTEM, organization_id=organization.id, reason="unpaid")


def delete(organization: Organization) -> None:
    delete_organization(actor=SYSTEM, organization_id=organization.id, confirm=organization.slug)


def pay(account: Account, ref: str) -> requests.Response:
    return requests.post(f"{account.server.url}/_payer/checkout/{ref}/pay", data={"card": "ok"}, timeout=5)


CLOSED = pytest.mark.parametrize("close", [suspend, delete])


@CLOSED
@pytest.mark.parametrize("fault", [None, *Fault])
def test_an_open_page_is_closed_with_the_doors(
    close: Callable[[Organization], None],
    fault: Fault | None,
    account: Account,
    settings: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    page = account.open_page()
    # The job is as good as lost: what is due is written, and the sweep finds it.
    close(account.organization)
    if fault is not None:
        account.server.faults.stall_seconds = 0.5
        settings.STRIPE_ANSWER_SECONDS = 0.1 if fault is Fault.STALL else 20
        account.server.faults.order(fault, "post", EXPIRE, times=3)
        sweep_checkouts()
        account.server.faults.clear()
    sweep_checkouts()
    page.refresh_from_db()
    assert page.state == CheckoutState.EXPIRED
    assert pay(account, str(page.gateway_ref)).status_code == 400
    assert account.server.account.all("subscription") == []
    assert sweep_checkouts() == 0


@CLOSED
def test_the_job_that_closes_it_is_sent_after_the_commit(
    close: Callable[[Organization], None],
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    sent: list[str] = []
    monkeypatch.setattr("shared_apps.core.jobs.send_now", lambda name, **_: sent.append(name))
    account.open_page()
    with django_capture_on_commit_callbacks(execute=True):
        close(account.organization)
    assert "billing.sweep_checkouts" in sent


@CLOSED
def test_what_was_paid_before_is_noted(close: Callable[[Organization], None], account: Account) -> None:
    page = account.open_page()
    assert pay(account, str(page.gateway_ref)).status_code == 200
    close(account.organization)
    sweep_checkouts()
    page.refresh_from_db()
    assert page.state == CheckoutState.COMPLETE
    assert page.subscription_ref


@CLOSED
def test_no_page_is_opened_behind_closed_doors(
    close: Callable[[Organization], None], account: Account
) -> None:
    close(account.organization)
    with pytest.raises(IllegalMove):
        account.open_page()
    assert Checkout.objects.count() == 0
    assert account.server.account.all("checkout.session") == []


def test_a_page_that_was_on_its_way_when_the_doors_closed_is_never_shown(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = account.gateway.__class__.start_checkout

    def late(self: Any, *args: Any, **more: Any) -> Any:
        seen = made(self, *args, **more)
        suspend(account.organization)
        sweep_checkouts()
        return seen

    monkeypatch.setattr(account.gateway.__class__, "start_checkout", late)
    with pytest.raises(CheckoutReplaced):
        account.open_page()
    assert account.server.account.all("checkout.session", status="open") == []


@pytest.mark.parametrize(("close", "again"), [(suspend, resume_organization), (delete, keep_organization)])
def test_behind_doors_that_open_again_a_new_page_is_to_be_had(
    close: Callable[[Organization], None], again: Callable[..., Any], account: Account
) -> None:
    first = account.open_page()
    close(account.organization)
    again(actor=SYSTEM, organization_id=account.organization.id)
    second = account.open_page()
    assert second.gateway_ref != first.gateway_ref
    [open_one] = account.server.account.all("checkout.session", status="open")
    assert open_one["id"] == second.gateway_ref
    assert BillingAccount.objects.count() == 1
