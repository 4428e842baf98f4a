"""The database itself keeps the rows of organizations apart in the shared tables, whatever SQL is sent under
a tenant's role. Driven from the register: a table is added there with one line, and tried here."""

import json
import uuid
from collections.abc import Callable
from importlib import import_module
from typing import Any

import psycopg
import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import DatabaseError, ProgrammingError, connection, transaction
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from shared_apps.accounts.models import Invitation, Membership, RefreshToken, SignIn, User
from shared_apps.accounts.services.access import SESSION_SIGN_IN
from shared_apps.core import clock
from shared_apps.core.ids import new_id
from shared_apps.idempotency.models import RememberedAnswer
from tenants.context import in_organization
from tenants.models import Organization
from tenants.postgresql.register import DOORS, POSTERS, REGISTER, Kind, reference
from tenants.postgresql.rights import POLICY, apply_register, shared_tables
from tests.support.world import World, build_world

# Whose rows they are where no column of the table itself says it: to be read by the platform, with the
# organization's id as parameter.
_ROWS = {
    "accounts_user": "id IN (SELECT user_id FROM accounts_membership WHERE organization_id = %s)",
    "accounts_refreshtoken": "sign_in_id IN (SELECT id FROM accounts_signin WHERE organization_id = %s)",
    "account_emailaddress": "user_id IN (SELECT user_id FROM accounts_membership WHERE organization_id = %s)",
    "django_session": "made_by = (SELECT schema_name FROM tenants_organization WHERE id = %s)",
    "billing_statementholding": "statement_id IN (SELECT id FROM billing_seatstatement"
    " WHERE organization_id = %s)",
    "tenants_organization": "id = %s",
    "tenants_domain": "tenant_id = %s",
}
_OF_ORGANIZATIONS = sorted(
    table for table, shared in REGISTER.items() if shared.kind not in (Kind.REFERENCE, Kind.HIDDEN)
)


@pytest.fixture
def worlds(acme: Organization, globex: Organization) -> tuple[World, World]:
    """Both organizations with rows in every shared table that holds an organization's rows."""
    made = build_world(acme, "ACME"), build_world(globex, "GLOBEX")
    for world in made:
        _fill_rest(world)
    return made


def _fill_rest(world: World) -> None:
    """Add what the isolation walk does without: rows that no operation of the API names."""
    organization = world.organization
    RefreshToken.objects.create(
        sign_in_id=world.ids["sign-ins"], token_hash=new_id().bytes * 2, expires_at=clock.now()
    )
    user = world.owner.user
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    RememberedAnswer.objects.create(
        organization_id=organization.id, caller=world.mark, key=world.mark, request_hash=b"x"
    )
    _insert_missing(organization)
    with in_organization(organization):
        session = SessionStore()
        session[SESSION_SIGN_IN] = str(world.ids["sign-ins"])
        session.save()


def _insert_missing(organization: Organization) -> None:
    """Insert a row of the organization into each owned table that has none, its other columns made up."""
    for table in _OF_ORGANIZATIONS:
        if table in _ROWS or _rows_of(table, organization):
            continue
        model = next(model for model in apps.get_models() if model._meta.db_table == table)
        _insert(model, organization)


def _insert(model: Any, organization: Organization) -> Any:
    """Insert a row with made-up values, of the organization where the table has one; return its key.

    What it points to is a row that is there, or made up likewise.
    """
    values: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.primary_key or field.has_default() or field.null or field.attname == "organization_id":
            continue
        kind = field.get_internal_type()
        if field.related_model is not None:
            values[field.attname] = _some(field.related_model, organization)
        elif kind in _MADE_UP:
            values[field.attname] = _MADE_UP[kind]()
        elif field.attname == "currency":
            values[field.attname] = "eur"
        else:
            values[field.attname] = 1 if "Integer" in kind else organization.slug[: field.max_length]
    if any(field.attname == "organization_id" for field in model._meta.concrete_fields):
        values["organization_id"] = organization.id
    return model._default_manager.create(**values).pk


def _some(model: Any, organization: Organization) -> Any:
    rows = model._default_manager.all()
    if any(field.attname == "organization_id" for field in model._meta.concrete_fields):
        rows = rows.filter(organization_id=organization.id)
    found = rows.values_list("pk", flat=True).first()
    return found if found is not None else _insert(model, organization)


_MADE_UP: dict[str, Callable[[], Any]] = {
    "DateTimeField": clock.now,
    "DateField": lambda: clock.now().date(),
    "UUIDField": new_id,
}


def _rows_of(table: str, organization: Organization) -> list[str]:
    """Return the places (ctid) of an organization's rows, as the platform finds them."""
    condition = _ROWS.get(table, "organization_id = %s")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ctid::text FROM public.{table} WHERE {condition}", [organization.id])
        return [place for (place,) in cursor.fetchall()]


def _execute(statement: str | sql.Composed, parameters: Any = None) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def _refused(statement: str, parameters: Any = None) -> None:
    with pytest.raises(DatabaseError) as refused:
        _execute(statement, parameters)
    assert isinstance(refused.value.__cause__, InsufficientPrivilege), refused.value


def _first_column(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1",
            [f"public.{table}"],
        )
        return str(cursor.fetchone()[0])


# --- The register is whole ---------------------------------------------------------------------


@pytest.mark.feature("TEN-06")
def test_every_shared_table_is_in_the_register(shared: None) -> None:
    missing = sorted(shared_tables() - REGISTER.keys())
    assert not missing, (
        f"say in tenants/postgresql/register.py what a tenant may do with the rows of {missing}; "
        "until then no tenant reaches them"
    )


def test_a_planted_table_is_found_and_out_of_reach(acme: Organization) -> None:
    _execute("CREATE TABLE public.planted (secret text)")
    assert apply_register() == ["planted"]
    with in_organization(acme):
        _refused("SELECT * FROM public.planted")


def test_every_protected_table_has_its_policy_and_no_other(shared: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, c.relrowsecurity, array_remove(array_agg(p.polname::text), NULL)"
            "  FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' GROUP BY c.oid"
        )
        found = {table: (is_on, policies) for table, is_on, policies in cursor.fetchall()}
    for table, shared_table in REGISTER.items():
        if table in found:
            expected = (True, [POLICY]) if shared_table.is_protected else (False, [])
            assert found[table] == expected, table


def test_a_table_of_reference_names_no_organization_and_no_person(shared: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND column_name IN ('organization_id', 'tenant_id', 'user_id', 'membership_id', 'email')"
        )
        telling = cursor.fetchall()
    assert [row for row in telling if REGISTER[row[0]] == reference()] == []


def test_applying_again_changes_nothing_and_brings_back_what_was_loosened(shared: None) -> None:
    def policies() -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT polrelid::regclass::text, oid FROM pg_policy")
            return dict(cursor.fetchall())

    before = policies()
    apply_register()
    assert policies() == before
    _execute(f"DROP POLICY {POLICY} ON public.jobs_job")
    _execute("ALTER TABLE public.accounts_user DISABLE ROW LEVEL SECURITY")
    _execute(f"GRANT DELETE ON public.accounts_user TO {settings.TENANT_GROUP_ROLE}")
    apply_register()
    after = policies()
    assert after.keys() == before.keys()
    assert {table for table in after if after[table] != before[table]} == {"jobs_job", "accounts_user"}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege(%s, 'public.accounts_user', 'DELETE')", [settings.TENANT_GROUP_ROLE]
        )
        assert cursor.fetchone() == (False,)


# --- Nobody else's rows ------------------------------------------------------------------------


@pytest.mark.leak(1)
@pytest.mark.feature("TEN-06")
@pytest.mark.parametrize("table", _OF_ORGANIZATIONS)
def test_no_statement_reaches_another_organizations_rows(table: str, worlds: tuple[World, World]) -> None:
    _attack(table, worlds[0].organization, worlds[1].organization)


@pytest.mark.parametrize(
    "loosened",
    [
        "ALTER TABLE jobs_job DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY wide ON jobs_job USING (true)",
        f"ALTER POLICY {POLICY} ON jobs_job WITH CHECK (true)",
    ],
)
def test_a_loosened_table_is_found(loosened: str, worlds: tuple[World, World]) -> None:
    _execute(loosened)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        _attack("jobs_job", worlds[0].organization, worlds[1].organization)


def _attack(table: str, acme: Organization, globex: Organization) -> None:
    """Try the other organization's rows with every right on the table granted: what holds is the policy."""
    theirs, own = _rows_of(table, globex), _rows_of(table, acme)
    assert theirs, f"{table} holds no row of the second organization: this test could not fail"
    assert own, f"{table} holds no row of the first organization"
    group, column = settings.TENANT_GROUP_ROLE, _first_column(table)
    _execute(f"GRANT ALL ON public.{table} TO {group}")
    _execute(f"CREATE TEMP TABLE stolen AS SELECT * FROM public.{table} WHERE ctid = '{theirs[0]}'")
    _execute(f"GRANT ALL ON stolen TO {group}")
    with in_organization(acme):
        assert _execute(f"SELECT 1 FROM public.{table} WHERE ctid = ANY(%s::tid[])", [theirs]) == 0
        assert _execute(f"SELECT 1 FROM public.{table} WHERE ctid = ANY(%s::tid[])", [own]) == len(own)
        for statement in (
            f"UPDATE public.{table} SET {column} = {column} WHERE ctid = ANY(%s::tid[])",
            f"DELETE FROM public.{table} WHERE ctid = ANY(%s::tid[])",
        ):
            assert _execute(statement, [theirs]) == 0
        _refused(f"INSERT INTO public.{table} SELECT * FROM stolen")
    assert _rows_of(table, globex) == theirs


@pytest.mark.parametrize(
    "table", sorted(table for table in REGISTER if REGISTER[table].kind in (Kind.HIDDEN, Kind.APPENDED))
)
def test_what_is_the_platforms_cannot_be_read(table: str, acme: Organization) -> None:
    if table not in shared_tables():
        pytest.skip(f"{table} is not made yet")
    with in_organization(acme):
        _refused(f"SELECT * FROM public.{table}")
        if REGISTER[table].kind is Kind.HIDDEN:
            _refused(f"INSERT INTO public.{table} DEFAULT VALUES")
        _refused(f"DELETE FROM public.{table}")


def test_own_rows_cannot_be_handed_to_another_organization(worlds: tuple[World, World]) -> None:
    acme, globex = worlds[0].organization, worlds[1].organization
    with in_organization(acme):
        for table in ("jobs_job", "accounts_signin", "billing_seatassignment", "accounts_invitation"):
            _refused(f"UPDATE public.{table} SET organization_id = %s", [globex.id])


def test_another_organizations_schema_is_closed(acme: Organization, globex: Organization) -> None:
    with in_organization(acme):
        for statement in (
            "SELECT * FROM {}.people_member",
            "DELETE FROM {}.people_member",
            "CREATE TABLE {}.x (a int)",
        ):
            _refused(statement.format(f'"{globex.schema_name}"'))


def test_the_platform_goes_on_seeing_all(worlds: tuple[World, World]) -> None:
    seen = set(SignIn.objects.values_list("organization_id", flat=True))
    assert {world.organization.id for world in worlds} <= seen


# --- Who people are ----------------------------------------------------------------------------


@pytest.mark.feature("TEN-06")
@pytest.mark.parametrize("flag", ["is_staff", "is_superuser", "is_active"])
def test_no_account_is_made_or_raised_by_a_tenant(acme: Organization, flag: str) -> None:
    values = ", ".join("true" if flag == name else "false" for name in ("is_staff", "is_superuser"))
    with in_organization(acme):
        _refused(
            "INSERT INTO accounts_user (id, created_at, updated_at, email, password, name, timezone,"
            " language, is_active, is_staff, is_superuser, sign_in_epoch)"
            f" VALUES (%s, now(), now(), 'x@example.org', '!', '', 'UTC', 'en', true, {values}, 0)",
            [new_id()],
        )
        _refused(f"UPDATE accounts_user SET {flag} = true")
        for change in ("password = 'x'", "sign_in_epoch = 9", "email = 'x@example.org'"):
            _refused(f"UPDATE accounts_user SET {change}")
        _refused("UPDATE account_emailaddress SET verified = true")


def test_nobody_is_made_a_member_but_by_address(acme: Organization, globex: Organization) -> None:
    stranger = Membership.objects.filter(organization=globex).values_list("user_id", flat=True)[0]
    with in_organization(acme):
        _refused(
            "INSERT INTO accounts_membership"
            " (id, created_at, updated_at, organization_id, user_id, role, status)"
            " VALUES (%s, now(), now(), %s, %s, 'owner', 'active')",
            [new_id(), acme.id, stranger],
        )


def test_an_operators_entry_is_seen_and_cannot_be_made_by_a_tenant(acme: Organization) -> None:
    operator = User.objects.create_user("ops@palaestra.example", is_staff=True)
    with in_organization(acme):
        assert not User.objects.filter(pk=operator.pk).exists()
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            SignIn.objects.create(user_id=operator.pk, organization_id=acme.id, kind="support")
    SignIn.objects.create(user_id=operator.pk, organization_id=acme.id, kind="support")
    with in_organization(acme):
        assert User.objects.filter(pk=operator.pk).exists()


def test_who_was_invited_by_address_is_seen_until_the_invitation_is_over(
    acme: Organization, globex: Organization
) -> None:
    person = User.objects.create_user("new-owner@acme.example")
    invitation = Invitation.objects.create(
        organization=acme, email=person.email, token_hash=b"1" * 32, expires_at=clock.now()
    )
    for organization, is_seen in ((acme, True), (globex, False)):
        with in_organization(organization):
            assert User.objects.filter(email=person.email).exists() is is_seen
    invitation.revoked_at = clock.now()
    invitation.save_fields("revoked_at")
    with in_organization(acme):
        assert not User.objects.filter(email=person.email).exists()


@pytest.mark.feature("TEN-06")
def test_no_hash_of_a_password_is_told_to_a_tenant(acme: Organization) -> None:
    stranger = User.objects.create_user("stranger@example.org", "a long enough secret")
    Invitation.objects.create(
        organization=acme, email=stranger.email, token_hash=b"2" * 32, expires_at=clock.now()
    )
    with in_organization(acme):
        for told in ("password", "*", "row_to_json(accounts_user)"):
            _refused(f"SELECT {told} FROM accounts_user")
        _refused("UPDATE accounts_user SET name = name RETURNING password")
        _refused("SELECT 1 FROM accounts_user WHERE password LIKE 'a%%'")
        seen = User.objects.select_related(None).get(email=stranger.email)
        assert (seen.pk, seen.password, seen.has_usable_password()) == (stranger.pk, "!", False)
        assert list(User.objects.filter(pk=stranger.pk).values_list("password", flat=True)) == ["!"]
    stranger.refresh_from_db()
    assert stranger.check_password("a long enough secret")


def test_no_tenant_plants_a_table_before_the_shared_one(acme: Organization) -> None:
    """A temporary table stands first on every path, and the pool hands the connection to others."""
    apply_register()  # a copied database, as a test's is, begins with everybody's rights
    with in_organization(acme):
        _refused("CREATE TEMP TABLE accounts_user AS SELECT 1 AS id")
        _refused("CREATE TABLE accounts_user (id uuid)")
        _refused("CREATE TABLE public.planted (id uuid)")


# --- The doors ---------------------------------------------------------------------------------


def test_the_doors_open_for_the_calling_tenant_only(worlds: tuple[World, World]) -> None:
    acme, globex = worlds
    nobody: list[Any] = [[], [], [], [], [], [], []]
    with in_organization(acme.organization):
        with connection.cursor() as cursor:
            cursor.execute("SELECT public.current_tenant()")
            assert cursor.fetchone() == (acme.organization.id,)
        arrays = "%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[]"
        admit = f"SELECT * FROM public.tenant_admit_people(%s, now(), {arrays})"
        assert _execute(admit, [acme.organization.id, *nobody]) == 0
        _refused(admit, [globex.organization.id, *nobody])
        accept = "SELECT public.tenant_accept_invitation(%s, now(), %s, %s, 'x', '')"
        _refused(accept, [globex.ids["invitations"], new_id(), new_id()])
        _refused(accept, [uuid.uuid4(), new_id(), new_id()])


def test_a_tenants_role_that_signs_in_by_itself_is_not_the_platform(committed: None) -> None:
    """On a cluster the roles may; there no role is set in the session, as for the platform."""
    acme, globex = Organization.objects.get(slug="acme"), Organization.objects.get(slug="globex")
    role = sql.Identifier(acme.schema_name)
    arrays = "%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[]"
    SessionStore().save()  # the platform's
    stranger = [[new_id()], [new_id()], ["x@example.org"], [""], ["UTC"], ["en"], ["owner"]]
    given = {**connection.get_connection_params(), "user": acme.schema_name, "password": "let me in"}
    plain = {name: given[name] for name in ("host", "port", "dbname", "user", "password") if given.get(name)}
    try:
        _execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD 'let me in'").format(role))
        with psycopg.connect(**plain) as own:
            for organization in (globex, acme):
                with pytest.raises(InsufficientPrivilege), own.transaction():
                    own.execute(
                        f"SELECT * FROM public.tenant_admit_people(%s, now(), {arrays})",
                        [organization.id, *stranger],
                    )
            assert own.execute("SELECT count(*) FROM public.django_session").fetchone() == (0,)
    finally:  # roles belong to the server, which other databases share
        _execute(sql.SQL("ALTER ROLE {} NOLOGIN PASSWORD NULL").format(role))


def test_no_other_function_runs_with_the_platforms_rights(shared: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.oid::regprocedure::text, p.proconfig FROM pg_proc p"
            " WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef"
        )
        found = dict(cursor.fetchall())
        cursor.execute("SELECT to_regprocedure(d)::text FROM unnest(%s::text[]) d", [[*DOORS, *POSTERS]])
        assert found.keys() == {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
            " AND has_function_privilege('public', oid, 'EXECUTE')"
        )
        assert cursor.fetchone() == (0,)
    assert {tuple(config) for config in found.values()} == {("search_path=pg_catalog, pg_temp",)}


# --- Sessions ----------------------------------------------------------------------------------


def test_a_session_is_for_the_host_that_made_it(acme: Organization, globex: Organization) -> None:
    with in_organization(acme):
        session = SessionStore()
        session["colour"] = "red"
        session.save()
        key = session.session_key
        assert SessionStore(key).load() == {"colour": "red"}
    with in_organization(globex):
        assert SessionStore(key).load() == {}
        SessionStore().delete(key)
    with in_organization(acme):
        assert SessionStore(key).load() == {"colour": "red"}


def test_sessions_from_before_find_their_host(worlds: tuple[World, World]) -> None:
    _execute("UPDATE django_session SET made_by = 'none'")
    platform = SessionStore()
    platform["colour"] = "red"
    platform.save()
    migration = import_module("shared_apps.accounts.migrations.0004_sessions_know_their_host")
    with connection.schema_editor() as editor:
        migration.place_old_sessions(apps, editor)
    with connection.cursor() as cursor:
        cursor.execute("SELECT made_by FROM django_session")
        made_by = sorted(name for (name,) in cursor.fetchall())
    expected = ["none", *(world.organization.schema_name for world in worlds)]
    assert made_by == sorted(expected), json.dumps(made_by)
