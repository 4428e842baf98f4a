"""Every operation of both documents times every role: allowed or refused, read from tests/api/matrix.py.

An operation without a line there fails, so no endpoint arrives without somebody deciding who may use it.
"""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.accounts.models import User
from shared_apps.core.actors import Role
from tenants.models import Organization
from tests.api.matrix import ANYONE, PLATFORM, TENANT
from tests.support.client import PLATFORM_HOST, Caller, platform_caller
from tests.support.operations import Operation, operations_of

# They ask every operation, or every reason: minutes where the machine is slow.
pytestmark = pytest.mark.slow


def test_every_operation_has_a_line_and_every_line_an_operation() -> None:
    for host, matrix in (("tenant", TENANT), ("platform", PLATFORM)):
        ids = [operation.id for operation in operations_of(host)]
        assert len(ids) == len(set(ids)), "operation ids must be unique"
        assert sorted(set(ids) - set(matrix)) == [], f"{host}: decide who may, in tests/api/matrix.py"
        assert sorted(set(matrix) - set(ids)) == [], f"{host}: these lines have no operation any more"


def _call(client: Caller, operation: Operation) -> Any:
    """Call with unknown ids and an empty body: permission is decided before either is looked at."""
    url = operation.url(lambda _: uuid.UUID(int=7))
    if operation.method in {"get", "delete"}:
        return getattr(client, operation.method)(url)
    if operation.content_type.startswith("multipart/"):
        return client.post(url, {}, format="multipart")
    return getattr(client, operation.method)(url, {}, format="json")


def _check(response: Any, operation: Operation, who: str, *, allowed: bool) -> str | None:
    """Return what is wrong with the answer, None when it is right."""
    label = f"{operation.id} as {who}: {response.status_code}"
    if response.status_code >= 500:
        return label
    if allowed:
        # Passed the policy: what follows may be 2xx, 400 for the empty body, 404 for the ids, 409, 428.
        return (
            label
            if response.status_code in {401, 403}
            and response.json()["code"] in {"forbidden", "not_authenticated"}
            else None
        )
    wanted = (401, "not_authenticated") if who == "anonymous" else (403, "forbidden")
    return None if (response.status_code, response.json().get("code")) == wanted else label


@pytest.mark.feature("IDN-06")
@pytest.mark.parametrize("role", list(Role))
def test_tenant_operations_by_role(role: Role, acme: Organization, sign_in: Callable[..., Caller]) -> None:
    wrong = []
    for operation in operations_of("tenant"):
        allowed = TENANT[operation.id]
        # A fresh sign-in each time: operations may end it.
        response = _call(sign_in(acme, role), operation)
        wrong.append(_check(response, operation, role, allowed=allowed is ANYONE or role in allowed))
    assert [line for line in wrong if line] == []


def test_tenant_operations_without_sign_in(
    acme: Organization, anonymous: Callable[[Organization], Caller]
) -> None:
    wrong = []
    for operation in operations_of("tenant"):
        response = _call(anonymous(acme), operation)
        wrong.append(_check(response, operation, "anonymous", allowed=TENANT[operation.id] is ANYONE))
    assert [line for line in wrong if line] == []


@pytest.mark.parametrize("who", ["anonymous", "user", "operator"])
def test_platform_operations(who: str, shared: None) -> None:
    wrong = []
    for number, operation in enumerate(operations_of("platform")):
        if who == "anonymous":
            client = Caller(PLATFORM_HOST)
        else:
            user = User.objects.create_user(f"{who}{number}@platform.example", is_staff=who == "operator")
            client = platform_caller(user)
        allowed = PLATFORM[operation.id]
        wrong.append(
            _check(_call(client, operation), operation, who, allowed=allowed is ANYONE or who in allowed)
        )
    assert [line for line in wrong if line] == []
