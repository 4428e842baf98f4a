"""Methods an operation does not have."""

from collections.abc import Callable

import pytest

from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.support.client import Caller


@pytest.mark.parametrize("path", ["/api/v1/courses", "/api/v1/profile", "/api/v1/organization"])
def test_options_tell_nothing_and_break_nothing(
    acme: Organization, sign_in: Callable[..., Caller], anonymous: Callable[..., Caller], path: str
) -> None:
    for caller in (sign_in(acme, Role.ADMIN), anonymous(acme)):
        answer = caller.options(path)
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
