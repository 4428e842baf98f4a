"""No card ever comes here: no column, no member of the API and no line of the log has a place for one."""

import copy
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from django.apps import apps

from billing.models import Checkout
from tests.billing.conftest import Account, deliver_all
from tests.support.operations import document_of

# Names under which programs keep card data, as words of a name.
_FORBIDDEN = re.compile(
    r"(^|_)(card_?number|pan|primary_account_number|cvv2?|cvc2?|csc|security_code|card_?holder|"
    r"exp(iry)?_?(month|year|date)|expiration|track_?[12]|iban|bic|account_number|routing_number|sort_code|"
    r"last_?(4|four)|fingerprint)(_|$)"
)
# What only looks like one, as host, schema and member: a dry run of moving a run to another version answers a
# digest of what it found, which applying the move sends back. Others of that name are still found.
_NOT_CARDS = [("tenant", "MoveDryRunOut", "fingerprint"), ("tenant", "MoveApplyInRequest", "fingerprint")]
_DIGITS = re.compile(r"(?<![0-9a-fA-F.-])(?:\d[ -]?){13,19}(?![0-9a-fA-F.-])")


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")


def members(node: Any) -> Iterator[str]:
    """Yield every name of a member in a document, in components and operations, and every parameter's."""
    if isinstance(node, dict):
        for name, inner in node.items():
            if name == "properties" and isinstance(inner, dict):
                yield from inner
            if name == "name" and isinstance(inner, str) and "in" in node:
                yield inner
            yield from members(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from members(inner)


def passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (2 if place % 2 else 1)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def card_numbers(text: str) -> list[str]:
    found = ("".join(filter(str.isdigit, each)) for each in _DIGITS.findall(text))
    return [digits for digits in found if len(digits) >= 13 and passes_luhn(digits)]


@pytest.mark.parametrize("name", ["card_number", "cvc", "cardNumber", "expiry_month", "card-holder", "last4"])
def test_the_walk_knows_what_it_looks_for(name: str) -> None:
    assert _FORBIDDEN.search(snake(name))


def test_a_number_in_a_text_is_found() -> None:
    assert card_numbers("paid with 4242 4242 4242 4242 now") == ["4242424242424242"]
    assert card_numbers("request 4242424242424241, at 1766300000.123456") == []


@pytest.mark.feature("PAY-12")
def test_no_model_has_a_place_for_a_card() -> None:
    fields = [
        (model._meta.label, field.name) for model in apps.get_models() for field in model._meta.get_fields()
    ]
    assert len(fields) > 300
    assert [each for each in fields if _FORBIDDEN.search(snake(each[1]))] == []


@pytest.mark.feature("PAY-12")
@pytest.mark.parametrize("host", ["tenant", "platform"])
def test_no_operation_takes_or_gives_one(host: str) -> None:
    document = copy.deepcopy(document_of(host))
    for where, schema, member in _NOT_CARDS:
        if where == host:  # one that is gone from the API ends this by a KeyError, and goes from the list
            del document["components"]["schemas"][schema]["properties"][member]
    names = set(members(document))
    assert len(names) > 100
    assert [name for name in names if _FORBIDDEN.search(snake(name))] == []


@pytest.mark.feature("PAY-12")
def test_a_purchase_writes_none_in_rows_or_logs(
    account: Account, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    page = account.open_page(10)
    # A payer types a number on the gateway's page; nothing of it comes back.
    requests.post(
        f"{account.server.url}/_payer/checkout/{page.gateway_ref}/pay",
        data={"card": "ok", "number": "4242424242424242", "cvc": "123"},
        timeout=5,
    )
    deliver_all(account.server)
    assert Checkout.objects.get().state == "complete"
    said = capfd.readouterr()
    assert card_numbers(caplog.text + said.out + said.err) == []
    billing = [
        model for model in apps.get_models() if model._meta.app_label in {"billing", "audit", "outbox"}
    ]
    rows = [str(row) for model in billing for row in model._default_manager.values()]
    assert len(rows) > 10
    assert card_numbers("\n".join(rows)) == []
