"""The ground of the sweep: if the twins were not twins, it would prove nothing."""

from collections.abc import Callable

from django.db import connection

from tests.isolation.stores import Watch
from tests.isolation.twins import MARK_A, MARK_B, Twins, ids_that_differ, unmarked_columns


def test_every_tenant_table_holds_the_same_ids_in_both(twins: Twins) -> None:
    assert ids_that_differ(twins) == [], "give each new tenant table a row in tests/support/world.py"


def test_every_free_text_carries_the_mark(twins: Twins) -> None:
    advice = "give it a text in tests/support/world.py, or say in FORMED of tests/isolation/twins.py why not"
    assert unmarked_columns(twins.a.organization, MARK_A) == [], advice
    assert unmarked_columns(twins.b.organization, MARK_B) == [], advice


def test_the_database_is_named_in_the_report(
    shared: None, record_property: Callable[[str, object], None]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
    record_property("postgresql", version)
    assert version


def test_at_the_start_nothing_is_mixed(twins: Twins) -> None:
    tables = Watch(twins).look()
    assert (tables.in_a, tables.mixed) == ((), ())
    assert tables.rows() >= 40
