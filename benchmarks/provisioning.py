"""How fast a tenant is there: claim and build, alone, among many and in a storm; and Django's way."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from benchmarks.load import LoadFailed, percentile
from benchmarks.many import count_from_environment, make_tenants, quiet_log
from benchmarks.sign_ups import create, creation, operator_token, storm
from benchmarks.stack import Stack, Web
from tenants.context import in_public
from tenants.enums import SchemaState
from tenants.models import TenantSchema
from tenants.services.organizations import do_create_organization
from tenants.services.pool import refill_pool
from tenants.services.schemas import build_schema
from tenants.services.template import migrate_by_django

NAME = "provisioning"
DESCRIPTION = "claim and build of a tenant, alone, among many and in a storm; and the library's way"
_SCRATCH = "palaestra_scratch_bench"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    Attributes:
        claims: organizations created one after the other, in each way.
        library_runs: schemas made by Django's migrations.
        storms, storm_size: how often, and how many organizations at once.
        refill: schemas built by two builders for the rate.
        tenants: present at the second measurement.
    """

    claims: int = 100
    library_runs: int = 3
    storms: int = 5
    storm_size: int = 20
    refill: int = 60
    tenants: int = 1000


def run(stack: Stack, *, size: Size | None = None) -> dict[str, Any]:
    """Return the figures; `*_ms` are milliseconds.

    The library's way is the same Django migrations run in a fresh schema (what its `create_schema` does with
    `migrate_schemas`); our backend refuses to enter tenants for the library itself, so they run by Django's
    own command. Built and migrated in turns, so that noise of the machine meets both alike.
    """
    size = size or Size(tenants=count_from_environment("BENCH_TENANTS", Size().tenants))
    with quiet_log():
        figures = _alone(stack, size)
        figures |= _over_http(stack, size)
        figures |= _among_many(stack, size, alone_ms=figures["build_p50_ms"])
    return figures


def _alone(stack: Stack, size: Size) -> dict[str, Any]:
    with in_public():
        builds, library = _build_and_migrate(size.claims, size.library_runs)
        stack.say(f"{len(builds)} schemas built, {len(library)} migrated by Django")
        inside = [_claim(f"inside-{number}") for number in range(size.claims)]
    stack.say(f"{size.claims} claims inside their transaction: p50 {percentile(inside, 50):.1f} ms")
    return {
        "claim_tx_p50_ms": round(percentile(inside, 50), 2),
        "claim_tx_p99_ms": round(percentile(inside, 99), 2),
        "build_p50_ms": round(percentile(builds, 50), 1),
        "build_p99_ms": round(percentile(builds, 99), 1),
        "builds": len(builds),
        "library_create_ms": round(percentile(library, 50)),
        "library_way": "the same migrations by Django in a fresh schema, as the library's create runs them",
        "ratio_vs_library": round(percentile(library, 50) / percentile(builds, 50), 1),
        "claims": size.claims,
    }


def _over_http(stack: Stack, size: Size) -> dict[str, Any]:
    """Measure claims and storms; no worker fills the pool meanwhile, so full and empty mean what they say."""
    with in_public():
        token = operator_token()
        refill_pool(target=size.claims + 3, wait=True)
    with stack.web() as web:
        claims = _claims(web, token, "http", size.claims)
        stack.say(f"{size.claims} claims over HTTP: p50 {percentile(claims, 50):.1f} ms")
        filled: list[float] = []
        empty: list[float] = []
        for number in range(size.storms):
            with in_public():
                refill_pool(target=size.storm_size, wait=True)
            filled += storm(web, token, size=size.storm_size, name=f"filled-{number}")
            with in_public():
                TenantSchema.objects.filter(state=SchemaState.READY).update(state=SchemaState.CLAIMED)
            empty += storm(web, token, size=size.storm_size, name=f"empty-{number}")
    stack.say(f"{size.storms} storms of {size.storm_size}, with a full pool and with an empty one")
    return {
        "claim_p50_ms": round(percentile(claims, 50), 2),
        "claim_p99_ms": round(percentile(claims, 99), 2),
        "storm_size": size.storm_size,
        "storm_p50_ms": round(percentile(filled, 50), 1),
        "storm_p99_ms": round(percentile(filled, 99), 1),
        "storm_empty_p50_ms": round(percentile(empty, 50), 1),
        "storm_empty_p99_ms": round(percentile(empty, 99), 1),
    }


def _among_many(stack: Stack, size: Size, *, alone_ms: float) -> dict[str, Any]:
    """Measure builds and claims again with many tenants in the database, and the rate of two builders."""
    make_tenants(size.tenants, stack=stack)
    with in_public():
        TenantSchema.objects.filter(state=SchemaState.READY).update(state=SchemaState.CLAIMED)
        builds = [_milliseconds(build_schema) for _ in range(max(size.claims // 2, 3))]
        inside = [_claim(f"among-{number}") for number in range(len(builds))]
        token = operator_token()
        refill_pool(target=size.claims + 3, wait=True)
    with stack.web() as web:
        claims = _claims(web, token, "many", size.claims)
    seconds, built = _refill_by_two(size.refill)
    stack.say(
        f"with {size.tenants} tenants: build p50 {percentile(builds, 50):.1f} ms, {built} in {seconds:.1f} s"
    )
    at = percentile(builds, 50)
    return {
        "tenants": size.tenants,
        "build_p50_ms_at_1000": round(at, 1),
        "build_growth_ratio": round(at / alone_ms, 2),
        "claim_tx_p50_ms_at_1000": round(percentile(inside, 50), 2),
        "claim_p50_ms_at_1000": round(percentile(claims, 50), 2),
        "claim_p99_ms_at_1000": round(percentile(claims, 99), 2),
        "refill_per_second": round(built / seconds, 1),
    }


def _refill_by_two(number: int) -> tuple[float, int]:
    """Let two builders fill the pool by so many schemas; return seconds and how many were built."""

    def refill(target: int) -> int:
        try:
            with in_public():
                return refill_pool(target=target, wait=True)
        finally:
            connection.close()

    with in_public():
        target = TenantSchema.objects.filter(state=SchemaState.READY).count() + number
    started = time.perf_counter()
    with ThreadPoolExecutor(2) as builders:
        built = sum(builders.map(refill, [target, target]))
    return time.perf_counter() - started, built


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


def _claim(slug: str) -> float:
    """Return the time a sign-up's transaction takes, commit included, in milliseconds."""
    started = time.perf_counter()
    with transaction.atomic(durable=True):
        made = do_create_organization(
            name=slug,
            slug=slug,
            owner_email=f"owner@{slug}.example",
            timezone="Europe/Berlin",
            language="en",
            creation_key=None,
        )
    took = (time.perf_counter() - started) * 1000
    if made.state == "provisioning":
        raise LoadFailed("the pool was empty: this would not be a claim")
    return took


def _claims(web: Web, token: str, name: str, number: int) -> list[float]:
    took = []
    for index in range(number + 3):
        milliseconds, state = create(web, creation(f"bench-{name}-{index}", token))
        if state not in {"trial", "active"}:
            raise LoadFailed(f"a new organization is {state}: the pool was empty")
        took.append(milliseconds)
    return took[3:]  # the first three warm the workers up


def _milliseconds(work: Any, *arguments: Any) -> float:
    started = time.perf_counter()
    work(*arguments)
    return (time.perf_counter() - started) * 1000
