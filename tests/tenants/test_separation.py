"""Cache keys, files, cached hosts and pooled connections keep organizations apart."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import ProgrammingError, connection, connections
from psycopg.errors import InsufficientPrivilege

from shared_apps.core.actors import Role, system_actor
from shared_apps.onboarding.services.lifecycle import resume_organization, suspend_organization
from tenants.context import NoOrganization, in_organization, in_public
from tenants.models import Organization
from tenants.postgresql.base import DatabaseWrapper
from tenants.scope import NOWHERE, current_scope
from tests.support.client import Caller
from tests.support.server import serving


@pytest.mark.leak(25)
@pytest.mark.feature("OPS-01")
def test_one_key_is_two_entries_in_two_organizations(acme: Organization, globex: Organization) -> None:
    with in_organization(acme):
        cache.set("colour", "red")
        assert acme.id.hex in cache.make_key("colour")
    with in_organization(globex):
        assert cache.get("colour") is None
    with in_public():
        assert cache.get("colour") is None
    with in_organization(acme):
        assert cache.get("colour") == "red"


@pytest.mark.leak(25)
@pytest.mark.feature("OPS-01")
def test_a_cache_key_outside_every_scope_is_an_error() -> None:
    token = current_scope.set(NOWHERE)
    try:
        with pytest.raises(NoOrganization):
            cache.get("colour")
        assert cache.make_key("platform/hosts-version").endswith("platform/hosts-version")
    finally:
        current_scope.reset(token)


@pytest.mark.leak(27)
def test_one_file_name_is_two_files_in_two_organizations(acme: Organization, globex: Organization) -> None:
    with in_organization(acme):
        name = default_storage.save("a/b.txt", ContentFile(b"acme"))
        assert Path(default_storage.path(name)).is_relative_to(Path(settings.MEDIA_ROOT) / acme.id.hex)
    with in_organization(globex):
        assert not default_storage.exists(name)
        default_storage.save("a/b.txt", ContentFile(b"globex"))
    with in_organization(acme):
        assert default_storage.open(name).read() == b"acme"
        default_storage.delete(name)
    with in_organization(globex):
        assert default_storage.open("a/b.txt").read() == b"globex"
        default_storage.delete("a/b.txt")


@pytest.mark.leak(27)
def test_no_file_name_leads_out_of_the_organizations_folder(acme: Organization, globex: Organization) -> None:
    with in_organization(globex):
        secret = default_storage.save("secret.txt", ContentFile(b"globex"))
    with in_organization(acme):
        for name in (
            f"../{globex.id.hex}/{secret}",
            f"/{globex.id.hex}/{secret}",
            "..",
            "a/../../x",
            "/etc/passwd",
        ):
            with pytest.raises(SuspiciousFileOperation):
                default_storage.open(name)
            with pytest.raises(SuspiciousFileOperation):
                default_storage.save(name, ContentFile(b"x"))
    with in_organization(globex):
        default_storage.delete(secret)


@pytest.mark.leak(27)
def test_a_link_in_the_folder_does_not_lead_out(acme: Organization, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("outside")
    folder = Path(settings.MEDIA_ROOT) / acme.id.hex
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "link"
    link.symlink_to(tmp_path)
    try:
        with in_organization(acme), pytest.raises(SuspiciousFileOperation):
            default_storage.open("link/outside.txt")
    finally:
        link.unlink()


def test_without_an_organization_there_are_no_files(shared: None) -> None:
    with in_public(), pytest.raises(NoOrganization):
        default_storage.save("a.txt", ContentFile(b"x"))


@pytest.mark.leak(24)
@pytest.mark.slow
@pytest.mark.feature("TEN-06")
def test_another_process_hears_of_a_suspension(committed: None, acme: Organization) -> None:
    with serving(threads=2, HOST_CACHE_SECONDS="600") as server:

        def code() -> Any:
            return server.call("GET", "/api/v1/nothing", host="acme.palaestra.test").json()["code"]

        assert code() == "not_found"
        suspend_organization(actor=system_actor("test"), organization_id=acme.id, reason="x")
        assert code() == "organization_suspended"
        resume_organization(actor=system_actor("test"), organization_id=acme.id)
        assert code() == "not_found"


def test_a_cached_host_costs_no_query(
    acme: Organization, anonymous: Callable[[Organization], Caller], django_assert_num_queries: Any
) -> None:
    anonymous(acme).get("/api/v1/nothing")
    with django_assert_num_queries(0):
        anonymous(acme).get("/api/v1/nothing")
        Caller("nobody.palaestra.test")


@pytest.fixture
def pooled(committed: None) -> Any:
    """A second alias-like wrapper on this worker's database, with a pool of one connection."""
    facts = {**connections["default"].settings_dict}
    facts["OPTIONS"] = {**facts["OPTIONS"], "pool": {"min_size": 1, "max_size": 1, "timeout": 30}}
    made: list[DatabaseWrapper] = []

    def make() -> DatabaseWrapper:
        wrapper = DatabaseWrapper(facts, alias="default")
        made.append(wrapper)
        return wrapper

    yield make
    for wrapper in made:
        wrapper.close()
    made[0].close_pool()


def standing(cursor: Any) -> tuple[str, bool]:
    cursor.execute("SELECT current_setting('search_path'), current_user = session_user")
    path, is_login_role = cursor.fetchone()
    return path, is_login_role


@pytest.mark.leak(13)
def test_a_connection_goes_back_to_the_pool_standing_nowhere(pooled: Any, acme: Organization) -> None:
    with in_organization(acme):
        wrapper = pooled()
        with wrapper.cursor() as cursor:
            assert standing(cursor) == (f"{acme.schema_name}, public", False)
        wrapper.close()
    with wrapper.pool.connection() as raw, raw.cursor() as cursor:  # past our backend
        assert standing(cursor) == ('""', True)


@pytest.mark.leak(13)
def test_a_connection_left_in_a_broken_transaction_is_not_given_to_the_next(
    pooled: Any, acme: Organization, globex: Organization
) -> None:
    with in_organization(acme):
        wrapper = pooled()
        wrapper.ensure_connection()
        wrapper.connection.execute("BEGIN")
        wrapper.close()
    with wrapper.pool.connection() as raw, raw.cursor() as cursor:
        assert standing(cursor)[0] != f"{acme.schema_name}, public"
    with in_organization(globex):
        again = pooled()
        with again.cursor() as cursor:
            assert standing(cursor) == (f"{globex.schema_name}, public", False)
        again.close()


@pytest.mark.feature("TEN-05")
def test_calls_of_one_organization_leave_the_rows_of_the_others_alone(
    acme: Organization, globex: Organization, sign_in: Callable[..., Caller]
) -> None:
    def counts(schema: str) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
            tables = [name for (name,) in cursor.fetchall()]
            found = {}
            for table in tables:
                cursor.execute(f'SELECT count(*) FROM "{schema}"."{table}"')
                found[table] = cursor.fetchone()[0]
            return found

    before = counts(globex.schema_name)
    assert len(before) > 10
    owner = sign_in(acme, Role.OWNER)
    made = [
        owner.post("/api/v1/courses", {"title": "Safety", "slug": "safety"}),
        owner.post("/api/v1/cohorts", {"name": "Spring"}),
        owner.patch("/api/v1/organization", {"name": "Acme AG"}),
    ]
    assert made[-1].status_code == 200
    with in_public():
        assert counts(globex.schema_name) == before


def test_the_server_is_stopped_with_its_block(committed: None) -> None:
    with serving(threads=1) as server:
        assert server.call("GET", "/healthz", host="localhost").status == 200
    probe = f"import socket; socket.create_connection(('127.0.0.1', {server.port}), 1)"
    gone = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False)
    assert b"ConnectionRefusedError" in gone.stderr


@pytest.mark.leak(1)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_user SET is_staff = true",
        "UPDATE accounts_user SET is_superuser = true",
        "UPDATE accounts_user SET email = 'x' || email",
        "DELETE FROM accounts_user",
        "UPDATE accounts_membership SET organization_id = organization_id",
        "UPDATE accounts_membership SET user_id = user_id",
        "UPDATE billing_subscription SET purchased = purchased + 1",
        "UPDATE billing_subscription SET status = 'active'",
        "INSERT INTO billing_subscription SELECT * FROM billing_subscription",
        "DELETE FROM billing_seatassignment",
        "UPDATE tenants_organization SET state = 'active'",
        "UPDATE tenants_domain SET domain = domain",
        "DELETE FROM audit_auditevent",
        "UPDATE audit_auditevent SET action = action",
        "SELECT payload FROM outbox_outboxmessage",
        "UPDATE outbox_outboxmessage SET payload = payload",
        "DELETE FROM jobs_job",
        "INSERT INTO accounts_user_groups SELECT * FROM accounts_user_groups",
        "SELECT * FROM tenants_tenantschema",
        "TRUNCATE accounts_user CASCADE",
    ],
)
def test_the_role_of_a_tenant_cannot_reach_what_is_the_platforms(acme: Organization, statement: str) -> None:
    with in_organization(acme), connection.cursor() as cursor, pytest.raises(ProgrammingError) as refused:
        cursor.execute(statement)
    assert isinstance(refused.value.__cause__, InsufficientPrivilege), refused.value
