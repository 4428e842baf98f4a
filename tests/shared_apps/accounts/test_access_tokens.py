"""How long access tokens are good, and by whose clock."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared_apps.core import clock
from shared_apps.core.actors import Role
from shared_apps.core.clock import frozen_at
from tenants.models import Organization
from tests.support.client import Caller


@pytest.mark.feature("SEC-03")
@pytest.mark.parametrize(("ahead", "status"), [(5, 200), (-590, 200), (-601, 401)])
def test_a_token_is_good_for_ten_minutes_and_on_a_machine_whose_clock_is_behind(
    acme: Organization, sign_in: Callable[..., Caller], ahead: int, status: int
) -> None:
    with frozen_at(clock.now() + timedelta(seconds=ahead)):
        caller = sign_in(acme, Role.LEARNER)
    assert caller.get("/api/v1/profile").status_code == status
