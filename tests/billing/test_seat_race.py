"""200 people claim 50 seats at once, over HTTP."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from billing.models import SeatAssignment, Subscription
from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Role
from tenants.context import in_public
from tenants.models import Organization
from tenants.services.organizations import host_of
from tests.support.client import access_token
from tests.support.server import Answer, serving
from tests.support.subscriptions import make_subscription

CLAIMS, SEATS = 200, 50


@pytest.mark.feature("SEA-02")
@pytest.mark.slow
def test_200_parallel_claims_of_50_seats_give_exactly_50(
    committed: None, acme: Organization, member: Callable[..., Membership]
) -> None:
    make_subscription(acme, SEATS)
    tokens = [access_token(member(acme, Role.LEARNER)) for _ in range(CLAIMS)]

    with serving(threads=16) as server, ThreadPoolExecutor(CLAIMS) as clients:

        def claim(token: str) -> Answer:
            return server.call("POST", "/api/v1/seats/claim", host=host_of("acme"), token=token)

        answers = list(clients.map(claim, tokens))

    said = Counter(answer.status for answer in answers)
    assert said == {200: SEATS, 409: CLAIMS - SEATS}, answers[-1].body
    assert {answer.json()["code"] for answer in answers if answer.status == 409} == {"seats_exhausted"}
    with in_public():
        assert Subscription.objects.get().used == SEATS
        assert SeatAssignment.objects.values("membership_id").distinct().count() == SEATS
