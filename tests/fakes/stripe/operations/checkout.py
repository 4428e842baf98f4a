"""Checkout sessions on Stripe's page, and what a payer does there."""

from typing import Any

from tests.fakes.stripe import subscriptions
from tests.fakes.stripe.operations.changes import redeem
from tests.fakes.stripe.operations.promotions import promotion_works
from tests.fakes.stripe.operations.registry import operation, page
from tests.fakes.stripe.shapes import listed
from tests.fakes.stripe.state import Account, Refusal

_LIFETIME = 24 * 3600


@operation("post", "/v1/checkout/sessions")
def create_session(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    if wanted.get("mode") != "subscription":
        raise Refusal(400, "This server knows mode=subscription only.", param="mode")
    lines = wanted.get("line_items") or []
    if len(lines) != 1:
        raise Refusal(400, "This server knows one line item.", param="line_items")
    price = account.find("price", lines[0].get("price"), "line_items[0][price]")
    if not price["active"]:
        raise Refusal(400, "The price is not active.", param="line_items[0][price]")
    if wanted.get("allow_promotion_codes") and wanted.get("discounts"):
        raise Refusal(400, "You may only specify one of these: allow_promotion_codes, discounts.")
    customer = wanted.get("customer")
    if customer:
        _check_customer(account, customer, price, wanted)
    at = account.now(customer)
    for each in wanted.get("discounts") or []:
        if "promotion_code" not in each:
            continue  # a coupon by itself
        code = account.find("promotion_code", each.get("promotion_code"), "discounts[0][promotion_code]")
        if not code["active"] or not promotion_works(account, code, price, at):
            raise Refusal(400, "This promotion code does not apply.", param="discounts[0][promotion_code]")
    expires = wanted.get("expires_at", at + _LIFETIME)
    if not at + 30 * 60 <= expires <= at + _LIFETIME:
        raise Refusal(400, "expires_at must be 30 minutes to 24 hours from now.", param="expires_at")
    data = wanted.get("subscription_data", {})
    if data.get("billing_mode", {}).get("type", "flexible") != "flexible":
        raise Refusal(400, "This server knows flexible billing mode only.")
    amount = price["unit_amount"] * lines[0].get("quantity", 1)
    session = account.add(
        "checkout.session",
        at=at,
        allow_promotion_codes=wanted.get("allow_promotion_codes"),
        amount_subtotal=amount,
        amount_total=amount,
        automatic_tax={
            "enabled": wanted.get("automatic_tax", {}).get("enabled", False),
            "liability": None,
            "provider": None,
            "status": None,
        },
        cancel_url=wanted.get("cancel_url"),
        client_reference_id=wanted.get("client_reference_id"),
        currency=price["currency"],
        custom_fields=[],
        custom_text={
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        customer=customer,
        customer_email=wanted.get("customer_email"),
        expires_at=expires,
        metadata=wanted.get("metadata", {}),
        mode="subscription",
        payment_method_collection=wanted.get("payment_method_collection", "always"),
        payment_method_types=["card", "sepa_debit"],
        payment_status="unpaid",
        shipping_options=[],
        status="open",
        success_url=wanted.get("success_url"),
        ui_mode="hosted_page",
    )
    session["url"] = f"{account.base_url}/_pages/checkout/{session['id']}"
    # What the answer does not show but the payer's act needs.
    account.wishes[session["id"]] = {
        "price": price,
        "quantity": lines[0].get("quantity", 1),
        "data": data,
        "discounts": wanted.get("discounts") or [],
    }
    return session


@operation("get", "/v1/checkout/sessions/{session}")
def read_session(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    return account.find("checkout.session", path["session"])


@operation("get", "/v1/checkout/sessions")
def list_sessions(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    names = ("customer", "subscription", "status")
    rows = account.all("checkout.session", **{name: wanted[name] for name in names if name in wanted})
    return page(rows, "/v1/checkout/sessions", wanted)


@operation("post", "/v1/checkout/sessions/{session}/expire")
def expire_session(account: Account, path: dict[str, str], wanted: dict[str, Any]) -> dict[str, Any]:
    session = account.find("checkout.session", path["session"])
    if session["status"] != "open":
        raise Refusal(400, "Only an open session can be expired.")
    _expire(account, session)
    return session


def _check_customer(account: Account, identifier: str, price: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse what Stripe refuses for a customer that is there."""
    customer = account.find("customer", identifier, "customer")
    if customer["currency"] not in (None, price["currency"]):
        raise Refusal(400, "You cannot combine currencies on a single customer.")
    update = wanted.get("customer_update", {})
    if wanted.get("tax_id_collection", {}).get("enabled") and update.get("name") != "auto":
        raise Refusal(
            400,
            "Tax ID collection requires updating business name on the customer.",
            param="customer_update[name]",
        )
    reckons_tax = wanted.get("automatic_tax", {}).get("enabled")
    if reckons_tax and update.get("address") != "auto" and not customer["address"]:
        raise Refusal(
            400,
            "Automatic tax calculation in Checkout requires a valid address on the customer.",
            param="customer_update[address]",
            code="customer_tax_location_invalid",
        )


# --- What the payer does ------------------------------------------------------------------------


def pay(account: Account, session_id: str, facts: dict[str, str]) -> dict[str, Any]:
    """Submit the page.

    Args:
        facts: `card` "ok", "decline" or "bank" (a debit that is confirmed later); `country`, `tax_id` and
            `promotion_code`, all optional.

    Raises:
        Refusal: 402 the card was declined (the page stays open), 400 the page is over.
    """
    session = account.find("checkout.session", session_id)
    at = account.now(session["customer"])
    if session["status"] == "open" and at >= session["expires_at"]:
        _expire(account, session)
    if session["status"] != "open":
        raise Refusal(400, f"This page is {session['status']}.")
    card = facts.get("card", "ok")
    if card == "decline":
        raise Refusal(402, "Your card was declined.", kind="card_error", code="card_declined")
    wish = account.wishes[session_id]
    customer = _customer(account, session, facts, at)
    discounts = list(wish["discounts"])
    if facts.get("promotion_code"):
        codes = [
            each
            for each in account.all("promotion_code", code=facts["promotion_code"], active=True)
            if promotion_works(account, each, wish["price"], at)
        ]
        if not session["allow_promotion_codes"] or not codes:
            raise Refusal(400, "This code is invalid.", code="promotion_code_invalid")
        discounts = [{"promotion_code": codes[0]["id"]}]
    needs_card = session["payment_method_collection"] == "always"
    if needs_card or facts.get("card"):
        account.cards[customer["id"]] = "ok" if card == "ok" else card
    data = wish["data"]
    behavior = data.get("trial_settings", {}).get("end_behavior", {})
    subscription = subscriptions.start(
        account,
        subscriptions.Start(
            customer=customer["id"],
            price=wish["price"],
            quantity=wish["quantity"],
            trial_days=data.get("trial_period_days", 0),
            automatic_tax=session["automatic_tax"]["enabled"],
            metadata=data.get("metadata"),
            discounts=redeem(account, discounts, at),
            missing_payment_method=behavior.get("missing_payment_method", "create_invoice"),
        ),
        at=at,
    )
    invoice = account.objects["invoice"].get(subscription["latest_invoice"] or "")
    session.update(
        customer=customer["id"],
        subscription=subscription["id"],
        invoice=invoice and invoice["id"],
        status="complete",
        payment_status=_payment_status(invoice),
        customer_details={
            "address": customer["address"],
            "email": customer["email"],
            "name": customer["name"],
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
            "business_name": None,
            "individual_name": None,
        },
    )
    if invoice:
        session.update(amount_subtotal=invoice["subtotal"], amount_total=invoice["total"])
    session["line_items"] = listed(f"/v1/checkout/sessions/{session_id}/line_items", [])
    account.tell("checkout.session.completed", session, at=at)
    return session


def settle_bank_debit(account: Account, session_id: str, *, good: bool) -> dict[str, Any]:
    """Let the bank confirm, or return, a debit that the page was submitted with."""
    session = account.find("checkout.session", session_id)
    at = account.now(session["customer"])
    subscription = account.find("subscription", session["subscription"])
    account.cards[session["customer"]] = "ok" if good else "decline"
    if good:
        subscriptions.settle_open(account, subscription, at=at)
        session["payment_status"] = "paid"
    word = "succeeded" if good else "failed"
    account.tell(f"checkout.session.async_payment_{word}", session, at=at)
    return session


def abandon(account: Account, session_id: str) -> dict[str, Any]:
    """Let the page run out."""
    session = account.find("checkout.session", session_id)
    if session["status"] == "open":
        _expire(account, session)
    return session


def _expire(account: Account, session: dict[str, Any]) -> None:
    session["status"] = "expired"
    account.tell("checkout.session.expired", session, at=account.now(session["customer"]))


def _customer(account: Account, session: dict[str, Any], facts: dict[str, str], at: int) -> dict[str, Any]:
    if session["customer"]:
        customer = account.find("customer", session["customer"])
    else:
        customer = account.add(
            "customer",
            at=at,
            address=None,
            balance=0,
            email=session["customer_email"] or facts.get("email"),
            metadata={},
            name=facts.get("name"),
            tax_exempt="none",
        )
        account.tell("customer.created", customer, at=at)
    if facts.get("country"):
        empty = dict.fromkeys(("city", "line1", "line2", "postal_code", "state"))
        customer["address"] = {**empty, "country": facts["country"]}
    if facts.get("tax_id"):
        account.add(
            "tax_id",
            at=at,
            customer=customer["id"],
            type="eu_vat",
            value=facts["tax_id"],
            country=facts["tax_id"][:2],
        )
    return customer


def _payment_status(invoice: dict[str, Any] | None) -> str:
    if invoice is None or invoice["total"] == 0:
        return "no_payment_required"
    return "paid" if invoice["status"] == "paid" else "unpaid"
