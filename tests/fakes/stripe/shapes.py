"""What Stripe answers, held to the resource classes of the installed SDK.

`make` is the only way this server makes an object: it fills what may be absent with null and refuses a field
the SDK does not declare, or one it declares as always there that nobody filled.
"""

import sys
import typing
from functools import cache
from typing import Any

import stripe
from stripe._stripe_object import StripeObject

RESOURCES: dict[str, Any] = {
    "balance_transaction": stripe.BalanceTransaction,
    "billing_portal.configuration": stripe.billing_portal.Configuration,
    "billing_portal.session": stripe.billing_portal.Session,
    "charge": stripe.Charge,
    "checkout.session": stripe.checkout.Session,
    "coupon": stripe.Coupon,
    "credit_note": stripe.CreditNote,
    "customer": stripe.Customer,
    "discount": stripe.Discount,
    "event": stripe.Event,
    "invoice": stripe.Invoice,
    "invoice_payment": stripe.InvoicePayment,
    "invoiceitem": stripe.InvoiceItem,
    "line_item": stripe.InvoiceLineItem,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "price": stripe.Price,
    "product": stripe.Product,
    "promotion_code": stripe.PromotionCode,
    "refund": stripe.Refund,
    "subscription": stripe.Subscription,
    "subscription_item": stripe.SubscriptionItem,
    "subscription_schedule": stripe.SubscriptionSchedule,
    "tax_id": stripe.TaxId,
    "test_helpers.test_clock": stripe.test_helpers.TestClock,
}


class ShapeBroken(AssertionError):
    """This server was about to answer what Stripe never does. A fault of the server, not of its caller."""


def make(kind: str, **fields: Any) -> dict[str, Any]:
    """Return an object of the kind with all the fields Stripe sends, absent ones null."""
    declared = RESOURCES[kind]
    whole: dict[str, Any] = {"object": kind, **fields}
    if "livemode" in _fields(declared):
        whole.setdefault("livemode", False)
    for name, may_be_null in _fields(declared).items():
        if name not in whole and may_be_null and name != "deleted":
            whole[name] = None
    check(whole)
    return whole


def listed(url: str, rows: list[dict[str, Any]], *, has_more: bool = False) -> dict[str, Any]:
    """Return a list object."""
    return {"object": "list", "url": url, "has_more": has_more, "data": rows}


def check(answer: dict[str, Any]) -> None:
    """Hold an object, and those within it, to the SDK's classes.

    Raises:
        ShapeBroken: a field too many or one too few.
    """
    declared = RESOURCES.get(str(answer.get("object")))
    if declared is not None:
        _check_class(declared, answer, str(answer["object"]))


def _check_class(declared: Any, value: dict[str, Any], path: str) -> None:
    fields = _fields(declared)
    unknown = set(value) - set(fields)
    if unknown:
        raise ShapeBroken(f"{path}: the SDK declares no {sorted(unknown)}")
    missing = {name for name, may_be_null in fields.items() if not may_be_null and value.get(name) is None}
    # A list's fields and an expanded object's are looked at where they are made.
    if missing:
        raise ShapeBroken(f"{path}: the SDK wants {sorted(missing)}")
    for name, hint in _nested(declared).items():
        inner = value.get(name)
        for each in inner if isinstance(inner, list) else [inner]:
            if isinstance(each, dict):
                _check_class(hint, each, f"{path}.{name}")


@cache
def _fields(declared: Any) -> dict[str, bool]:
    """Return field -> whether it may be null."""
    return {
        name: _text(hint).startswith(("Optional[", "typing.Optional[")) or type(None) in typing.get_args(hint)
        for name, hint in declared.__annotations__.items()
        if not name.startswith("_") and not _text(hint).startswith(("ClassVar", "typing.ClassVar"))
    }


@cache
def _nested(declared: Any) -> dict[str, type[StripeObject]]:
    """Return field -> class, for fields that hold an object (or a list of them) declared inside the class."""
    found = {}
    for name, hint in declared.__annotations__.items():
        for candidate in _classes_in(hint, declared):
            if candidate.__qualname__.startswith(f"{declared.__qualname__}."):
                found[name] = candidate
    return found


def _classes_in(hint: Any, declared: type[StripeObject]) -> list[type[StripeObject]]:
    if isinstance(hint, typing.ForwardRef):
        hint = hint.__forward_arg__
    if isinstance(hint, str):
        module = sys.modules[declared.__module__]
        try:
            hint = eval(hint, {**vars(typing), **vars(module)}, dict(vars(declared)))  # noqa: S307  the SDK's own text
        except NameError:
            return []
    if isinstance(hint, type):
        return [hint] if issubclass(hint, StripeObject) else []
    return [found for each in typing.get_args(hint) for found in _classes_in(each, declared)]


def _text(hint: Any) -> str:
    return hint if isinstance(hint, str) else repr(hint)
