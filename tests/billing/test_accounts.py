"""The organization as a customer: what its invoices say, its tax ids, its pages at the gateway."""

from typing import Any

import pytest

from billing.errors import (
    GatewayUnavailable,
    PaymentsNotSetUp,
    ReturnAddressForeign,
    TaxIdMalformed,
    TooManyTaxIds,
)
from billing.gateways.types import SeenCustomer
from billing.models import BillingAccount
from billing.parsing import COUNTRIES, checked_tax_id
from billing.selectors.purchases import read_account
from billing.services.customers.accounts import (
    add_tax_id,
    do_apply_customer,
    refresh_account,
    remove_tax_id,
    update_account,
)
from billing.services.customers.portal import open_portal
from shared_apps.core.errors import NotFound
from shared_apps.core.transactions import entry_transaction
from tenants.models import Organization
from tests.billing.conftest import Account, deliver_all
from tests.fakes.stripe import Fault

ADDRESS = {"line1": "Marktplatz 1", "postal_code": "69117", "city": "Heidelberg", "country": "DE"}
VAT = "DE136695976"
TAX_IDS = "/v1/customers/{customer}/tax_ids"


def of(account: Account) -> dict[str, Any]:
    return {"actor": account.actor, "organization_id": account.organization.id}


def customer(account: Account) -> dict[str, Any]:
    [found] = account.server.account.all("customer")
    return dict(found)


def test_before_a_purchase_it_is_what_it_would_be(account: Account) -> None:
    found = read_account(**of(account))
    organization = account.organization
    assert (found.name, found.email, found.currency) == (organization.name, organization.owner_email, "")
    assert account.server.account.all("customer") == []


def test_what_invoices_say_is_the_gateways(account: Account) -> None:
    changed = update_account(**of(account), changes={"name": "ACME GmbH", "address": ADDRESS})
    assert (changed.name, changed.address) == ("ACME GmbH", ADDRESS)
    assert customer(account)["name"] == "ACME GmbH"
    assert customer(account)["address"]["country"] == "DE"
    assert customer(account)["email"] == account.organization.owner_email
    # The rest of an address does not outlive the address.
    update_account(**of(account), changes={"address": {"line1": "1 Main St", "country": "US"}})
    assert BillingAccount.objects.get().address == {"line1": "1 Main St", "country": "US"}
    assert customer(account)["name"] == "ACME GmbH"


def test_what_is_changed_there_comes_back(account: Account) -> None:
    update_account(**of(account), changes={"name": "ACME GmbH"})
    account.gateway.update_customer(
        BillingAccount.objects.get().gateway_ref, name="ACME AG", email="x@acme.example", address=ADDRESS
    )
    deliver_all(account.server)
    row = BillingAccount.objects.get()
    assert (row.name, row.email, row.address["city"]) == ("ACME AG", "x@acme.example", "Heidelberg")


def test_tax_ids_come_and_go(account: Account) -> None:
    for _ in range(2):
        add_tax_id(**of(account), kind="eu_vat", value="de 136 695 976")
    [row] = BillingAccount.objects.get().tax_ids
    assert (row["kind"], row["value"]) == ("eu_vat", VAT)
    assert len(account.server.account.all("tax_id")) == 1
    remove_tax_id(**of(account), tax_id=row["id"])
    assert BillingAccount.objects.get().tax_ids == []
    with pytest.raises(NotFound):
        remove_tax_id(**of(account), tax_id=row["id"])
    # Gone and wanted again.
    add_tax_id(**of(account), kind="eu_vat", value=VAT)
    assert len(account.server.account.all("tax_id")) == 1


def test_nobody_removes_anothers_tax_id(account: Account, account_of: Any, globex: Organization) -> None:
    add_tax_id(**of(account), kind="eu_vat", value=VAT)
    [row] = BillingAccount.objects.get().tax_ids
    other = account_of(globex)
    update_account(**of(other), changes={"name": "Globex"})
    with pytest.raises(NotFound):
        remove_tax_id(**of(other), tax_id=row["id"])
    assert len(account.server.account.all("tax_id")) == 1


def test_there_are_as_many_as_fit_an_invoice(account: Account) -> None:
    for number in range(5):
        add_tax_id(**of(account), kind="ng_tin", value=f"1234567{number}-0001")
    with pytest.raises(TooManyTaxIds):
        add_tax_id(**of(account), kind="ng_tin", value="99999999-0001")


@pytest.mark.parametrize(
    ("kind", "value", "sent"),
    [
        ("eu_vat", "DE 136 695 976", VAT),
        ("gb_vat", "980 7806 84", "GB980780684"),
        ("us_ein", "911144442", "91-1144442"),
        ("in_gst", "27aapfu0939f1zv", "27AAPFU0939F1ZV"),
        ("ch_vat", "CHE107787577IVA", "CHE-107.787.577 IVA"),
        ("no_vat", "NO 995 525 828 MVA", "995525828MVA"),
        ("au_abn", "83 914 571 673", "83914571673"),
        ("ng_tin", "12345678-0001", "12345678-0001"),
    ],
)
def test_numbers_are_sent_as_the_gateway_writes_them(kind: str, value: str, sent: str) -> None:
    assert checked_tax_id(kind, value) == sent


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("eu_vat", "DE136695977"),
        ("eu_vat", "XX123"),
        ("gb_vat", "980 7806 85"),
        ("us_ein", "12"),
        ("in_gst", "27AAPFU0939F1ZX"),
        ("ng_tin", "\0\0\0\0"),
        ("", "1"),
        ("eu_vat; drop", "1"),
    ],
)
def test_numbers_with_wrong_check_digits_are_refused(kind: str, value: str) -> None:
    with pytest.raises(TaxIdMalformed):
        checked_tax_id(kind, value)


def test_what_only_the_gateway_knows_to_be_wrong(account: Account) -> None:
    with pytest.raises(TaxIdMalformed):
        add_tax_id(**of(account), kind="za_vat", value="123")
    assert read_account(**of(account)).tax_ids == ()


def test_countries_are_those_of_the_standard() -> None:
    assert {"DE", "US", "NG", "BH", "JP"} <= COUNTRIES
    assert not {"XX", "UK", "de"} & COUNTRIES


@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.STALL])
@pytest.mark.parametrize(
    ("verb", "route"),
    [("post", "/v1/customers"), ("post", TAX_IDS), ("get", "/v1/customers/{customer}")],
)
def test_a_call_that_fails_is_repeated_without_harm(
    account: Account, verb: str, route: str, fault: Fault
) -> None:
    account.server.faults.order(fault, verb, route, times=1 if fault is Fault.TOO_MANY else 3)
    with pytest.raises(GatewayUnavailable):
        add_tax_id(**of(account), kind="eu_vat", value=VAT)
    add_tax_id(**of(account), kind="eu_vat", value=VAT)
    assert len(account.server.account.all("customer")) == 1
    assert len(account.server.account.all("tax_id")) == 1
    assert len(BillingAccount.objects.get().tax_ids) == 1


def test_a_look_keeps_what_was_typed_on_a_page(account: Account) -> None:
    update_account(**of(account), changes={"name": "ACME GmbH"})
    row = BillingAccount.objects.get()
    account.gateway.add_tax_id(row.gateway_ref, kind="eu_vat", value=VAT)
    assert refresh_account(row.id) is True
    assert [each["value"] for each in BillingAccount.objects.get().tax_ids] == [VAT]


def test_a_customer_of_nobody_is_none_of_ours(shared: None) -> None:
    with entry_transaction():
        assert do_apply_customer(SeenCustomer(ref="cus_strange", name="Strange")) is None


def test_a_customer_deleted_there_is_kept_here(account: Account) -> None:
    update_account(**of(account), changes={"name": "ACME GmbH"})
    row = BillingAccount.objects.get()
    with entry_transaction():
        do_apply_customer(SeenCustomer(ref=row.gateway_ref, is_deleted=True))
    row.refresh_from_db()
    assert (row.name, row.has_payment_method) == ("ACME GmbH", False)


def test_without_a_gateway_nothing_is_changed(account: Account, settings: Any) -> None:
    settings.STRIPE_API_KEY = ""
    with pytest.raises(PaymentsNotSetUp):
        update_account(**of(account), changes={"name": "x"})
    with pytest.raises(PaymentsNotSetUp):
        open_portal(**of(account))


@pytest.mark.feature("PAY-12")
def test_the_portal_sells_no_seats_and_ends_with_the_period(account: Account) -> None:
    first, second = open_portal(**of(account)), open_portal(**of(account))
    assert first != second
    [configuration] = account.server.account.all("billing_portal.configuration")
    features = configuration["features"]
    assert features["subscription_update"]["enabled"] is False
    assert features["subscription_update"]["default_allowed_updates"] == []
    assert features["subscription_pause"]["enabled"] is False
    assert features["subscription_cancel"]["enabled"] is True
    assert features["subscription_cancel"]["mode"] == "at_period_end"
    assert features["payment_method_update"]["enabled"] is True
    assert features["invoice_history"]["enabled"] is True
    assert "tax_id" in features["customer_update"]["allowed_updates"]
    sessions = account.server.account.all("billing_portal.session")
    assert {each["configuration"] for each in sessions} == {configuration["id"]}
    assert {each["return_url"] for each in sessions} == {"http://acme.palaestra.test/billing"}


def test_the_portal_leads_back_to_own_hosts_only(account: Account) -> None:
    with pytest.raises(ReturnAddressForeign):
        open_portal(**of(account), return_url="https://evil.example/")
    assert account.server.account.all("billing_portal.session") == []


@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.STALL])
def test_a_portal_is_set_up_once(account: Account, fault: Fault) -> None:
    route = "/v1/billing_portal/configurations"
    account.server.faults.order(fault, "post", route, times=1 if fault is Fault.TOO_MANY else 3)
    with pytest.raises(GatewayUnavailable):
        open_portal(**of(account))
    assert open_portal(**of(account)).startswith(account.server.url)
    assert len(account.server.account.all("billing_portal.configuration")) == 1
