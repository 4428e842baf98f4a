"""Schemathesis against both documents: whatever is sent, the API answers what its document says, never a 500.

Each operation gets requests made from its schema, at unknown ids and at ids that exist, and requests made
against it. They are the same ones every time. Others, and many more, by hand:
`SCHEMATHESIS_EXAMPLES=200 SCHEMATHESIS_SEED=1 python -m pytest tests/api/test_schemathesis.py`.
"""

import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.openapi.documents import make_document
from api.openapi.prose import TAGS
from config.wsgi import application
from shared_apps.accounts.models import User
from tenants.models import Organization
from tenants.services.organizations import host_of
from tests.api.isolation import BODY_KINDS
from tests.support.client import PLATFORM_HOST, access_token, platform_caller
from tests.support.world import World, build_world

# They ask every operation, or every reason: minutes where the machine is slow.
pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "4"))
SEED = os.environ.get("SCHEMATHESIS_SEED")
_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
_SEGMENT_BEFORE = re.compile(r"([a-z-]+)/\{([a-z_]+)\}")
_PLATFORM_TAGS = (
    "auth",
    "organizations",
    "domains",
    "plans",
    "gateway",
    "sign-ups",
    "subscriptions",
    "archives",
    "jobs",
    "audit",
    "usage",
)
_TENANT_TAGS = tuple(tag for tag in TAGS if tag not in {"sign-ups", "plans", "gateway", "subscriptions"})

Token = Callable[[], str]
Operation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[Any]


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """Keep the test's connection, with its transaction, open over the requests, as Django's client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_every_operation_is_called() -> None:
    for host, tags in (("platform", _PLATFORM_TAGS), ("tenant", _TENANT_TAGS)):
        assert sorted(tag["name"] for tag in make_document(host)["tags"]) == sorted(tags)


@pytest.mark.feature("API-01", "API-05")
@pytest.mark.parametrize("tag", _TENANT_TAGS)
def test_tenant_operations_do_what_their_document_says(tag: str, acme: Organization) -> None:
    world = build_world(acme, "ALPHAMARK")
    _walk(host_of(acme.slug), tag, world.ids, lambda: access_token(world.owner))


@pytest.mark.feature("API-01", "API-05")
@pytest.mark.parametrize("tag", _PLATFORM_TAGS)
def test_platform_operations_do_what_their_document_says(tag: str, acme: Organization) -> None:
    world = build_world(acme, "ALPHAMARK")
    somebody = User.objects.create_user("operator@platform.example", is_staff=True)
    _walk(PLATFORM_HOST, tag, _platform_ids(world), lambda: str(platform_caller(somebody).token))


def _platform_ids(world: World) -> dict[str, uuid.UUID]:
    return {**world.ids, "organizations": world.organization.id}


def _walk(host: str, tag: str, ids: dict[str, uuid.UUID], token: Token) -> None:
    """Call every operation of the tag; fail with all that was found, one line each."""
    schema = schemathesis.openapi.from_wsgi(
        "/api/v1/openapi.json", application, headers={"Host": host}
    ).include(tag=tag)
    found: dict[str, str] = {}
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        for case_strategy in _strategies(result.ok(), ids):
            _run(case_strategy, host, token, found)
    assert found == {}, "\n\n".join(f"{label}\n{text}" for label, text in found.items())


def _strategies(operation: Operation, ids: dict[str, uuid.UUID]) -> Iterator[st.SearchStrategy[AnyCase]]:
    known = {name: str(ids[kind]) for kind, name in _SEGMENT_BEFORE.findall(operation.path) if kind in ids}
    yield operation.as_strategy(GenerationMode.POSITIVE)
    if known or operation.body:
        yield operation.as_strategy(GenerationMode.POSITIVE, path_parameters=known or None).map(
            lambda case: _with_known_ids(case, ids)
        )
    if operation.body or operation.query or operation.headers:
        yield operation.as_strategy(GenerationMode.NEGATIVE, path_parameters=known or None)


def _with_known_ids(case: AnyCase, ids: dict[str, uuid.UUID]) -> AnyCase:
    """Put ids that exist into the body, so that the request gets past the look-ups."""
    if isinstance(case.body, dict):
        for name, value in case.body.items():
            known = str(ids.get(BODY_KINDS.get(name, ""), ""))
            if known and isinstance(value, str):
                case.body[name] = known
            elif known and isinstance(value, list):
                case.body[name] = [known]
    return case


def _run(strategy: st.SearchStrategy[AnyCase], host: str, token: Token, found: dict[str, str]) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=SEED is None,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def call(case: AnyCase) -> None:
        with _undone():
            response = case.call(base_url=f"http://{host}", headers={"Authorization": f"Bearer {token()}"})
            try:
                case.validate_response(response, checks=_CHECKS)
            except FailureGroup as group:
                for failure in group.exceptions:
                    label = f"{case.operation.label}: {failure.title}: {response.status_code}"
                    found.setdefault(label, f"{failure.message}\n{case.as_curl_command()}")

    (seed(int(SEED))(call) if SEED else call)()


@contextmanager
def _undone() -> Iterator[None]:
    """Undo what the block writes: a suspended owner or an ended sign-in would blunt all later requests."""
    point = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(point)
