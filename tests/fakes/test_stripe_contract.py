"""What the counterpart of Stripe refuses and answers is what the SDK's own types say."""

from typing import Any

import pytest

from tests.fakes.stripe import contract, shapes


def checked(path: str, *pairs: tuple[str, str], verb: str = "post") -> dict[str, Any]:
    found = contract.find_route(verb, path)
    assert found is not None
    return contract.check(found[0], contract.decode_form(list(pairs)))


def test_the_routes_come_from_the_sdk() -> None:
    assert len(contract.routes()) > 500
    found = contract.find_route("post", "/v1/subscriptions/sub_1/resume")
    assert found is not None
    assert found[1] == {"subscription": "sub_1"}
    assert contract.find_route("post", "/v1/nothing") is None


def test_parameters_get_their_types() -> None:
    assert checked(
        "/v1/subscriptions/sub_1",
        ("items[0][id]", "si_1"),
        ("items[0][quantity]", "9"),
        ("cancel_at_period_end", "true"),
        ("metadata[organization]", "7"),
        ("discounts", ""),
    ) == {
        "items": [{"id": "si_1", "quantity": 9}],
        "cancel_at_period_end": True,
        "metadata": {"organization": "7"},
        "discounts": "",
    }


@pytest.mark.parametrize(
    ("path", "pair", "param"),
    [
        ("/v1/subscriptions/sub_1", ("coupon", "SPRING"), "coupon"),
        ("/v1/subscriptions/sub_1", ("billing_cycle_anchor", "now"), "billing_cycle_anchor"),
        ("/v1/subscriptions/sub_1", ("items[0][quantity]", "many"), "items[0][quantity]"),
        ("/v1/subscriptions/sub_1", ("proration_behavior", "sometimes"), "proration_behavior"),
        ("/v1/subscriptions/sub_1", ("items[quantity]", "3"), "items"),
        ("/v1/checkout/sessions", ("ui_mode", "embedded"), "ui_mode"),
        ("/v1/checkout/sessions", ("api_key", "sk"), "api_key"),
        ("/v1/products", ("active", "true"), "name"),
    ],
)
def test_what_the_types_do_not_know_is_refused(path: str, pair: tuple[str, str], param: str) -> None:
    with pytest.raises(contract.ParameterRefused) as refused:
        checked(path, pair)
    assert refused.value.param == param


def test_an_answer_holds_what_the_sdk_declares_and_no_more() -> None:
    customer = shapes.make("customer", id="cus_1", created=1)
    assert customer["address"] is None
    assert customer["livemode"] is False
    with pytest.raises(shapes.ShapeBroken, match="no \\['colour'\\]"):
        shapes.make("customer", id="cus_1", created=1, colour="red")
    with pytest.raises(shapes.ShapeBroken, match="'name'"):
        shapes.make("product", id="prod_1", active=True, created=1, images=[], marketing_features=[])
