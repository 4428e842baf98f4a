"""A statement prepared in one organization's schema reads the one the connection stands in."""

from django.db import connection

from tenants.context import in_organization, in_public
from tenants.models import Organization
from tenants.postgresql.prepared import prepared_cursor

# Behind a pooler in transaction mode nothing is prepared: then the cursors are ordinary ones.
EXPECTED = 1 if connection.keeps_session else 0  # type: ignore[attr-defined]  # our own backend


def addresses() -> list[str]:
    with prepared_cursor() as cursor:
        cursor.execute("SELECT email FROM people_member WHERE email LIKE %s ORDER BY email", ["owner@%"])
        return [email for (email,) in cursor.fetchall()]


def prepared_statements() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%people_member%%'")
        return int(cursor.fetchone()[0])


def test_a_prepared_statement_follows_the_organization(
    committed: None, acme: Organization, globex: Organization
) -> None:
    for _ in range(4):
        with in_organization(acme):
            assert addresses() == ["owner@acme.example"]
    assert prepared_statements() == EXPECTED
    for _ in range(12):  # past the five runs after which the server may keep one generic plan
        with in_organization(globex):
            assert addresses() == ["owner@globex.example"]
        with in_organization(acme):
            assert addresses() == ["owner@acme.example"]
    with in_public():
        assert prepared_statements() == EXPECTED


def test_it_follows_within_one_transaction_too(acme: Organization, globex: Organization) -> None:
    for _ in range(8):
        with in_organization(acme):
            assert addresses() == ["owner@acme.example"]
        with in_organization(globex):
            assert addresses() == ["owner@globex.example"]
