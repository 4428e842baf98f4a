"""Every scenario is played at the counterpart; with STRIPE_TEST_KEY set, at Stripe's test mode too.

    STRIPE_TEST_KEY=sk_test_... pytest tests/billing/twin

It takes minutes there: test clocks of Stripe work like clocks.
"""

import importlib
import os
import pkgutil
from collections.abc import Iterator

import pytest

from tests.billing.twin import scenarios
from tests.billing.twin.stage import Stage, make_stage
from tests.fakes.stripe import StripeServer

STRIPE = "https://api.stripe.com"
SCENARIOS = sorted(module.name for module in pkgutil.iter_modules(scenarios.__path__))


@pytest.fixture
def stage(server: StripeServer, request: pytest.FixtureRequest) -> Iterator[Stage]:
    where, name = request.param
    key = os.environ.get("STRIPE_TEST_KEY", "")
    if where == "stripe" and not key:
        pytest.skip("NOT PLAYED AT STRIPE: STRIPE_TEST_KEY is not set, so only the counterpart was asked")
    if where == "stripe" and not key.startswith(("sk_test_", "rk_test_")):
        pytest.fail("STRIPE_TEST_KEY is no key of Stripe's test mode")
    made = (
        make_stage(api_key=key, base_url=STRIPE, name=name, is_fake=False)
        if where == "stripe"
        else make_stage(api_key=server.api_key, base_url=server.url, name=name, is_fake=True)
    )
    yield made
    made.close()


def _all(where: str) -> list[object]:
    marks = [pytest.mark.slow, pytest.mark.timeout(900)] if where == "stripe" else []
    return [pytest.param((where, name), id=f"{where}-{name}", marks=marks) for name in SCENARIOS]


@pytest.mark.feature("PAY-02")
@pytest.mark.parametrize("stage", [*_all("counterpart"), *_all("stripe")], indirect=True)
def test_the_scenario_goes_as_it_says(stage: Stage) -> None:
    play = importlib.import_module(f"{scenarios.__name__}.{stage.name}").play
    play(stage)
