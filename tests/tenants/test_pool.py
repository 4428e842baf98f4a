"""The pool of ready schemas: how full it should be, who fills it, and what survives."""

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from psycopg import sql

from shared_apps.accounts.models import SignIn, User
from shared_apps.accounts.tokens import AccessClaims, encode_access
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role, system_actor
from shared_apps.core.errors import Forbidden, NotFound
from shared_apps.core.ids import new_id
from shared_apps.onboarding.services.pool import build_schema_again
from shared_apps.onboarding.services.provisioning import provision_organization
from shared_apps.onboarding.types import NewOrganization
from tenants.context import in_public
from tenants.ddl import template_level
from tenants.enums import RunState, SchemaState
from tenants.models import MigrationRun, Organization, TenantSchema
from tenants.names import schema_name_for
from tenants.selectors.pool import count_wanted_schemas, get_pool_figures
from tenants.services import pool, schemas
from tenants.services.pool import ABANDONED_AFTER, MOST_FAILED, RETRY_AFTER, build_again, refill_pool
from tenants.services.schemas import do_claim_ready_schema
from tests.support.actors import actor_as
from tests.support.database import READY_SCHEMAS
from tests.support.processes import wait_for
from tests.support.server import serving

PLATFORM_HOST = "app.palaestra.test"
ready = TenantSchema.objects.filter(state=SchemaState.READY)


def make_row(**facts: Any) -> TenantSchema:
    """Write a row of the registry without a schema, for what only reads rows."""
    identifier = new_id()
    return TenantSchema.objects.create(
        id=identifier, schema_name=schema_name_for(identifier.hex), **{"state": SchemaState.CLAIMED, **facts}
    )


def claimed_at(*instants: datetime) -> None:
    for instant in instants:
        make_row(claimed_at=instant)


def in_threads(number: int, work: Callable[[], Any]) -> list[Any]:
    """Run the work in threads of the shared schema, all at once, each on a connection of its own."""
    together = threading.Barrier(number, timeout=60)

    def run() -> Any:
        try:
            with in_public():
                connection.ensure_connection()
                together.wait()
                return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as threads:
        return [done.result() for done in [threads.submit(run) for _ in range(number)]]


@pytest.fixture
def midnight(shared: None, settings: LazySettings) -> Iterator[datetime]:
    """A frozen instant far from the fixtures' claims, with a pool of 5 to 50."""
    settings.READY_SCHEMAS_TARGET, settings.READY_SCHEMAS_MOST = 5, 50
    with clock.frozen_at(clock.now() + timedelta(days=2)):
        TenantSchema.objects.update(build_ms=0)
        yield clock.now()


# --- How full it should be -------------------------------------------------------------------


def test_without_demand_the_pool_has_its_minimum(midnight: datetime) -> None:
    claimed_at(midnight - timedelta(minutes=11))
    assert count_wanted_schemas() == 5


def test_a_burst_is_answered_by_a_pool_that_stands_it_again(midnight: datetime) -> None:
    claimed_at(*[midnight - timedelta(minutes=9, seconds=second) for second in range(20)])
    assert count_wanted_schemas() == 5 + 20


def test_only_the_busiest_minute_counts(midnight: datetime) -> None:
    claimed_at(*[midnight - timedelta(minutes=minute) for minute in range(9)])  # one in each minute
    assert count_wanted_schemas() == 5 + 1


def test_slow_builds_make_the_pool_larger(midnight: datetime, settings: LazySettings) -> None:
    settings.READY_SCHEMAS_BUILDERS = 2
    TenantSchema.objects.filter(built_at__isnull=False).update(build_ms=3000)
    claimed_at(*[midnight - timedelta(seconds=second) for second in range(20)])
    assert count_wanted_schemas() == 5 + 30  # 20 claims a minute × (60 s + 20 × 3 s ÷ 2) ÷ 60 s


def test_the_pool_has_a_ceiling(midnight: datetime) -> None:
    claimed_at(*[midnight - timedelta(milliseconds=1 + number) for number in range(90)])
    assert count_wanted_schemas() == 50


def test_figures_are_those_of_the_console(midnight: datetime) -> None:
    TenantSchema.objects.filter(state=SchemaState.READY).update(built_at=None)
    TenantSchema.objects.filter(state=SchemaState.CLAIMED).update(built_at=None)
    make_row(state=SchemaState.BUILDING, updated_at=midnight - timedelta(seconds=42))
    make_row(state=SchemaState.BUILDING, updated_at=midnight)
    make_row(state=SchemaState.FAILED)
    make_row(state=SchemaState.READY, schema_version="old", schema_level=template_level() - 1)
    claimed_at(midnight - timedelta(minutes=59), midnight - timedelta(minutes=61))
    # Three at two a second, a pause, two more at two a second.
    for second in (0, 0.5, 1.0, 300, 300.5):
        make_row(built_at=midnight - timedelta(hours=1) + timedelta(seconds=second), build_ms=450)
    found = get_pool_figures()
    assert (found.ready, found.behind, found.building, found.failed) == (READY_SCHEMAS, 1, 2, 1)
    assert (found.target, found.claims_last_hour) == (5, 1)
    assert (found.build_ms, found.builds_per_second, found.oldest_building_seconds) == (450, 2.0, 42)


# --- Who fills it ----------------------------------------------------------------------------


def test_the_pool_is_filled_to_its_target(committed: None) -> None:
    with transaction.atomic():
        assert do_claim_ready_schema() is not None
    assert refill_pool(target=7) == 2  # six were ready, one was claimed
    assert refill_pool(target=7) == 0
    assert ready.count() == 7


def test_it_shrinks_by_claims_and_not_by_dropping(committed: None, settings: LazySettings) -> None:
    settings.READY_SCHEMAS_TARGET, settings.READY_SCHEMAS_MOST = 1, 3
    TenantSchema.objects.update(claimed_at=None)
    assert refill_pool() == 0
    assert ready.count() == READY_SCHEMAS  # above the target, not far above the ceiling
    settings.READY_SCHEMAS_MOST = 2
    refill_pool()
    assert ready.count() == 4  # twice the ceiling is left


def test_workers_at_once_fill_to_the_target_and_not_beyond(committed: None, settings: LazySettings) -> None:
    settings.READY_SCHEMAS_BUILDERS = 3
    built = in_threads(6, lambda: refill_pool(target=READY_SCHEMAS + 8, wait=True))
    assert sum(built) == 8
    assert ready.count() == READY_SCHEMAS + 8
    assert TenantSchema.objects.filter(state=SchemaState.BUILDING).count() == 0


def test_workers_beyond_the_builders_leave_the_work_to_them(committed: None, settings: LazySettings) -> None:
    settings.READY_SCHEMAS_BUILDERS = 2
    make_row(state=SchemaState.BUILDING)
    make_row(state=SchemaState.BUILDING)
    assert refill_pool(target=READY_SCHEMAS + 5) == 0


def test_a_claim_never_waits_for_builders(committed: None) -> None:
    """Neither for the lock under which they reserve, nor for rows that are being built."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('tenants.pool', 0))")
            make_row(state=SchemaState.BUILDING)
            list(TenantSchema.objects.select_for_update().filter(state=SchemaState.BUILDING))
            held.set()
            done.wait(60)

    holder = threading.Thread(target=in_threads, args=(1, hold))
    holder.start()
    try:
        assert held.wait(60)
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '10s'")
            assert do_claim_ready_schema() is not None
    finally:
        done.set()
        holder.join(60)


# --- What survives ---------------------------------------------------------------------------


def test_a_row_that_somebody_builds_is_left_to_them(committed: None) -> None:
    row = make_row(state=SchemaState.BUILDING, updated_at=clock.now() - timedelta(hours=1))
    with transaction.atomic():
        TenantSchema.objects.select_for_update().get(id=row.id)
        assert in_threads(1, lambda: build_again(row.id)) == [False]
    assert refill_pool(target=0) == 0
    row.refresh_from_db()
    assert row.state == SchemaState.READY  # let go, it was abandoned


def test_two_healers_build_a_schema_once(committed: None) -> None:
    lost = clock.now() - ABANDONED_AFTER - timedelta(seconds=1)
    row = make_row(state=SchemaState.BUILDING, updated_at=lost)
    assert sum(in_threads(4, pool.heal_pool)) >= 1
    row.refresh_from_db()
    assert row.state == SchemaState.READY
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname = %s", [row.schema_name])
        assert cursor.fetchone() == (1,)


def test_a_template_that_cannot_be_built_does_not_fill_the_registry(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schemas, "template_script", lambda: "CREATE NONSENSE;")
    for _ in range(MOST_FAILED):
        with pytest.raises(Exception, match="NONSENSE"):
            refill_pool(target=20)
    assert refill_pool(target=20) == 0
    assert TenantSchema.objects.filter(state=SchemaState.FAILED).count() == MOST_FAILED
    monkeypatch.undo()
    with clock.frozen_at(clock.now() + RETRY_AFTER + timedelta(seconds=1)):
        assert refill_pool(target=READY_SCHEMAS + MOST_FAILED) == 0  # the failed ones are healed into it
    assert ready.count() == READY_SCHEMAS + MOST_FAILED


# --- Ready schemas of another version --------------------------------------------------------


def one_ready(**facts: Any) -> TenantSchema:
    row = ready.order_by("id").first()
    assert row is not None
    TenantSchema.objects.filter(id=row.id).update(**facts)
    return row


def exists(row: TenantSchema) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [row.schema_name])
        return cursor.fetchone() is not None


def test_a_ready_schema_that_is_behind_waits_for_the_migrator(committed: None) -> None:
    behind = one_ready(schema_version="old", schema_level=template_level() - 1)
    with transaction.atomic():
        taken = do_claim_ready_schema()
        assert taken is not None
        assert taken.id != behind.id  # though it is the oldest
        transaction.set_rollback(True)
    assert refill_pool(target=READY_SCHEMAS) == 1  # another in its place: it cannot be claimed now
    behind.refresh_from_db()
    assert behind.state == SchemaState.READY


def test_a_ready_schema_ahead_of_this_code_is_left_for_the_new_one(committed: None) -> None:
    ahead = one_ready(schema_version="new", schema_level=template_level() + 1)
    refill_pool(target=0)
    ahead.refresh_from_db()
    assert ahead.state == SchemaState.READY


def test_a_ready_schema_whose_migration_failed_goes_once_nobody_tries(committed: None) -> None:
    failed = one_ready(schema_version="old", schema_level=template_level() - 1, migration_error="no")
    now = clock.now()
    run = MigrationRun.objects.create(
        target_level=1, target_version="x", started_at=now, heartbeat_at=now, state=RunState.RUNNING
    )
    refill_pool(target=0)
    failed.refresh_from_db()
    assert failed.state == SchemaState.READY
    run.state = RunState.FAILED
    run.save_fields("state")
    refill_pool(target=0)
    failed.refresh_from_db()
    assert failed.state == SchemaState.DROPPED
    assert not exists(failed)


def test_a_ready_schema_of_other_migrations_goes(committed: None) -> None:
    other = one_ready(schema_version="other", schema_level=template_level())
    refill_pool(target=0)
    other.refresh_from_db()
    assert other.state == SchemaState.DROPPED


# --- Sign-ups in a storm ---------------------------------------------------------------------


def empty_the_pool() -> None:
    ready.update(state=SchemaState.CLAIMED)


def is_whole(organization: Organization) -> bool:
    """Tell whether the schema has its tables and its role its place in the group."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT (SELECT count(*) FROM {schema}.django_migrations) = %s"
                " AND pg_has_role(%s, %s, 'MEMBER')"
            ).format(schema=sql.Identifier(organization.schema_name)),
            [template_level(), organization.schema_name, "palaestra_tenant"],
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.slow
@pytest.mark.feature("TEN-05")
def test_twenty_services_at_once_with_an_empty_pool_all_succeed(committed: None) -> None:
    empty_the_pool()
    numbers = iter(range(100))
    actor = system_actor("test")

    def create() -> Organization:
        number = next(numbers)
        request = NewOrganization(
            name=f"Storm {number}", slug=f"storm-{number}", owner_email=f"o{number}@storm.example"
        )
        return provision_organization(actor=actor, request=request)

    made = in_threads(20, create)
    assert [organization.state for organization in made] == ["trial"] * 20
    assert all(is_whole(organization) for organization in made)


@pytest.mark.slow
@pytest.mark.feature("TEN-05", "M05")
def test_twenty_requests_at_once_with_an_empty_pool_all_answer_at_their_hosts(committed: None) -> None:
    empty_the_pool()
    user = User.objects.create_user("ops@palaestra.example", is_staff=True)
    sign_in = SignIn.objects.create(user=user)
    token = encode_access(AccessClaims(user.id, None, None, sign_in.id, user.sign_in_epoch))
    with serving(threads=8, workers=2) as server:
        together = threading.Barrier(20, timeout=60)

        def create(number: int) -> int:
            together.wait()
            made = server.call(
                "POST",
                "/api/v1/organizations",
                host=PLATFORM_HOST,
                token=token,
                body={
                    "name": f"Storm {number}",
                    "slug": f"storm-{number}",
                    "owner_email": f"o{number}@storm.example",
                },
                headers={"Idempotency-Key": uuid.uuid4().hex},
            )
            host = f"storm-{number}.palaestra.test"
            wait_for(lambda: server.call("GET", "/api/docs/", host=host).status == 200)
            return made.status

        with ThreadPoolExecutor(20) as threads:
            answers = list(threads.map(create, range(20)))
    assert answers == [201] * 20
    made = Organization.objects.filter(slug__startswith="storm-")
    assert sorted(made.values_list("state", flat=True)) == ["trial"] * 20
    assert all(is_whole(organization) for organization in made)


# --- In the console --------------------------------------------------------------------------


@pytest.fixture
def console(request: pytest.FixtureRequest) -> Client:
    if "committed" not in request.fixturenames:
        request.getfixturevalue("shared")
    client = Client(headers={"host": PLATFORM_HOST})
    client.force_login(User.objects.create_user("ops@palaestra.example", is_staff=True))
    return client


def page(name: str, *arguments: object) -> str:
    return reverse(f"admin:tenants_tenantschema_{name}", urlconf="api.urls_public", args=arguments)


@pytest.mark.feature("OPS-04")
def test_the_console_shows_the_pool(console: Client, django_assert_max_num_queries: Any) -> None:
    TenantSchema.objects.update(claimed_at=None)
    make_row(state=SchemaState.FAILED, error="DatabaseError: disk full\nmore")
    with django_assert_max_num_queries(16):
        shown = console.get(page("changelist")).content.decode()
    assert "target now 5" in shown
    assert "DatabaseError: disk full" in shown
    assert "tried again every minute" in shown


def test_an_operator_has_a_failed_schema_built_again(
    console: Client, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = make_row(state=SchemaState.FAILED, error="DatabaseError: disk full")
    sent: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(
        "shared_apps.core.jobs.current_app.send_task",
        lambda name, kwargs, **rest: sent.append((name, kwargs)),
    )
    with django_capture_on_commit_callbacks(execute=True):
        done = console.post(page("again", failed.id))
    assert done.status_code == 302
    failed.refresh_from_db()
    assert failed.state == SchemaState.BUILDING
    assert sent == [("tenants.build_again", {"schema_id": str(failed.id)})]
    event = AuditEvent.objects.get(action="schemas.build_again")
    assert event.target_id == str(failed.id)
    assert event.changes["state"] == ["failed", "building"]

    again = console.post(page("again", failed.id))  # it is being built
    assert b"This schema did not fail." in again.content
    assert AuditEvent.objects.filter(action="schemas.build_again").count() == 1


def test_only_operators_have_schemas_built_again(acme: Organization, member: Any) -> None:
    failed = make_row(state=SchemaState.FAILED)
    with pytest.raises(Forbidden):
        build_schema_again(actor=actor_as(member(acme, Role.OWNER)), schema_id=failed.id)
    failed.refresh_from_db()
    assert failed.state == SchemaState.FAILED
    with pytest.raises(NotFound):
        build_schema_again(actor=system_actor("test"), schema_id=new_id())


def test_the_task_builds_what_the_act_asked_for(committed: None) -> None:
    row = make_row(state=SchemaState.FAILED)
    assert build_again(row.id) is True
    row.refresh_from_db()
    assert (row.state, exists(row)) == (SchemaState.READY, True)
