"""How fast a tenant is there: claim of a ready schema, build of one, Django's migrations for comparison."""

import json
import time
import uuid
from typing import Any

import structlog
from django.db import connection, transaction
from django.urls import Resolver404, resolve
from psycopg import sql

from benchmarks.clients import send_one
from benchmarks.load import LoadFailed, percentile, render
from benchmarks.stack import HEALTH_HOST, Stack, Web
from shared_apps.accounts.models import SignIn, User
from shared_apps.accounts.tokens import AccessClaims, encode_access
from tenants.context import in_public
from tenants.services.organizations import do_create_organization
from tenants.services.schemas import build_schema
from tenants.services.template import migrate_by_django

NAME = "provisioning"
DESCRIPTION = "claim of a tenant, build of a ready schema, and the same schema by the library's way"
CLAIMS = 100
LIBRARY_RUNS = 3
_PATH = "/api/v1/organizations"
_SCRATCH = "palaestra_scratch_bench"


def run(stack: Stack, *, claims: int = CLAIMS, library_runs: int = LIBRARY_RUNS) -> dict[str, Any]:
    """Return the figures; `*_ms` are milliseconds.

    The library's way is the same Django migrations run in a fresh schema (what its `create_schema` does with
    `migrate_schemas`); our backend refuses to enter tenants for the library itself, so they run by Django's
    own command. Built and migrated in turns, so that noise of the machine meets both alike.
    """
    # Each build logs a line; hundreds of them would hide the progress.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    over_http = _offers_http()
    with in_public():
        builds, library = _build_and_migrate(claims * (2 if over_http else 1) + 4, library_runs)
        stack.say(f"{len(builds)} schemas built, {len(library)} migrated by Django")
        in_transaction = [_claim(number) for number in range(claims)]
    stack.say(f"{claims} claims inside their transaction: p50 {percentile(in_transaction, 50):.1f} ms")
    figures: dict[str, Any] = {}
    if over_http:
        with in_public():
            token = _operator_token()
        with stack.web() as web:
            figures = _claims_over_http(web, token, claims)
        stack.say(f"{claims} claims over HTTP: p50 {figures['claim_p50_ms']} ms")
    build = percentile(builds, 50)
    return figures | {
        "claim_tx_p50_ms": round(percentile(in_transaction, 50), 2),
        "claim_tx_p99_ms": round(percentile(in_transaction, 99), 2),
        "build_p50_ms": round(build, 1),
        "build_p99_ms": round(percentile(builds, 99), 1),
        "builds": len(builds),
        "library_create_ms": round(percentile(library, 50)),
        "library_way": "the same migrations by Django in a fresh schema, as the library's create runs them",
        "ratio_vs_library": round(percentile(library, 50) / build, 1),
        "claims": claims,
    }


def _build_and_migrate(number: int, library_runs: int) -> tuple[list[float], list[float]]:
    builds: list[float] = []
    library: list[float] = []
    every = max(1, number // library_runs)
    for index in range(number):
        builds.append(_milliseconds(build_schema))
        if index % every == 0 and len(library) < library_runs:
            library.append(_milliseconds(migrate_by_django, _SCRATCH))
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(_SCRATCH)))
    return builds, library


def _claim(number: int) -> float:
    """Return the time a sign-up's transaction takes, commit included, in milliseconds."""
    started = time.perf_counter()
    with transaction.atomic(durable=True):
        do_create_organization(
            name=f"Bench {number}",
            slug=f"bench-inside-{number}",
            owner_email=f"owner{number}@bench.example",
            timezone="Europe/Berlin",
            language="en",
            creation_key=None,
        )
    return (time.perf_counter() - started) * 1000


def _milliseconds(work: Any, *arguments: Any) -> float:
    started = time.perf_counter()
    work(*arguments)
    return (time.perf_counter() - started) * 1000


def _offers_http() -> bool:
    try:
        resolve(_PATH, urlconf="api.urls_public")
    except Resolver404:
        return False
    return True


def _operator_token() -> str:
    user = User.objects.create_user("operator@palaestra.example", is_staff=True)
    sign_in = SignIn.objects.create(user=user)
    return encode_access(AccessClaims(user.id, None, None, sign_in.id, user.sign_in_epoch))


def _claims_over_http(web: Web, token: str, claims: int) -> dict[str, Any]:
    took = []
    for number in range(-3, claims):  # the first three warm the workers up
        request = render(
            "POST",
            _PATH,
            {"Host": HEALTH_HOST, "Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex},
            {
                "name": f"Bench {number}",
                "slug": f"bench-http-{number}".replace("--", "-warm-"),
                "owner_email": f"first{number}@bench.example",
                "timezone": "Europe/Berlin",
                "language": "en",
            },
        )
        started = time.perf_counter()
        status, body = send_one(web.port, request)
        took.append((time.perf_counter() - started) * 1000)
        state = json.loads(body).get("state") if status == 201 else None
        if state not in {"trial", "active"}:
            raise LoadFailed(
                f"creating an organization answered {status}: {body[:500].decode(errors='replace')}"
            )
    return {
        "claim_p50_ms": round(percentile(took[3:], 50), 2),
        "claim_p99_ms": round(percentile(took[3:], 99), 2),
    }
