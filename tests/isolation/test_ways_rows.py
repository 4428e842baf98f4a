"""Rows, queries, connections and threads carried from one organization into another (ways 4 to 12)."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.apps import apps
from django.conf import settings
from django.db import NotSupportedError, ProgrammingError, connection, transaction

from tenant_apps.courses.models import Course, Lesson, Module
from tenant_apps.people.models import Member
from tenants.context import (
    SwitchInsideTransaction,
    current_organization,
    current_organization_or_none,
    in_organization,
    in_public,
    on_commit,
)
from tenants.models import Organization
from tenants.postgresql.base import ScopeMismatch
from tenants.rows import CarriedOver, TenantRow
from tests.isolation.twins import MARK_A, MARK_B, Twins
from tests.support.measures import run_together
from tests.support.world import checksums


@pytest.mark.leak(4)
def test_work_after_the_commit_runs_where_it_was_asked_for(
    acme: Organization, globex: Organization, django_capture_on_commit_callbacks: Any
) -> None:
    seen: list[str] = []
    with in_organization(globex), django_capture_on_commit_callbacks(execute=True):
        with in_organization(acme):
            on_commit(lambda: seen.append(current_organization().slug))
        assert seen == []
    assert seen == ["acme"]


@pytest.mark.leak(5)
def test_two_threads_that_leave_in_another_order_stay_where_they_are(
    committed: None, acme: Organization, globex: Organization
) -> None:
    entered, left = threading.Event(), threading.Event()
    seen: dict[str, list[object]] = {"first": [], "second": []}

    def first() -> None:
        with in_organization(acme):
            assert entered.wait(60)
        left.set()
        seen["first"].append(current_organization_or_none())

    def second() -> None:
        with in_organization(globex):
            entered.set()
            assert left.wait(60)
            seen["second"] += list(Member.objects.values_list("email", flat=True))
        connection.close()

    run_together([first, second])
    assert seen == {"first": [None], "second": ["owner@globex.example"]}


EVALUATIONS: list[tuple[str, Callable[[Any], Any]]] = [
    ("iterate", list),
    ("count", lambda rows: rows.count()),
    ("exists", lambda rows: rows.exists()),
    ("first", lambda rows: rows.first()),
    ("get", lambda rows: rows.get()),
    ("values", lambda rows: list(rows.values_list("title", flat=True))),
    ("iterator", lambda rows: list(rows.iterator())),
    ("filter further", lambda rows: list(rows.filter(slug__isnull=False))),
    ("update", lambda rows: rows.update(title="x")),
    ("delete", lambda rows: rows.delete()),
    ("aggregate", lambda rows: rows.in_bulk()),
    ("part of another query", lambda rows: list(Module.objects.filter(version__course__in=rows))),
]


@pytest.mark.leak(6)
@pytest.mark.parametrize("label", [label for label, _ in EVALUATIONS])
def test_a_query_built_in_one_is_not_evaluated_in_another(label: str, twins: Twins) -> None:
    evaluate = dict(EVALUATIONS)[label]
    with in_organization(twins.a.organization):
        rows = Course.objects.filter(pk=twins.a.ids["courses"])
    before = checksums(twins.b.organization)
    with in_organization(twins.b.organization), pytest.raises(CarriedOver):
        evaluate(rows)
    assert checksums(twins.b.organization) == before
    with in_organization(twins.a.organization):
        assert [course.title for course in rows] == [MARK_A]


@pytest.mark.leak(6)
def test_rows_read_in_one_are_not_shown_in_another(twins: Twins) -> None:
    # Built outside every organization: bound by its first use.
    rows = Course.objects.filter(pk=twins.a.ids["courses"])
    with in_organization(twins.a.organization):
        assert [course.title for course in rows] == [MARK_A]
    with in_organization(twins.b.organization), pytest.raises(CarriedOver):
        list(rows)


@pytest.mark.leak(6)
def test_a_lazy_key_is_not_followed_in_another(twins: Twins) -> None:
    with in_organization(twins.a.organization):
        lesson = Lesson.objects.filter(module__isnull=False).first()
        shallow = Lesson.objects.only("id").get(pk=twins.a.ids["lessons"])
        assert lesson is not None
    with in_organization(twins.b.organization):
        with pytest.raises(CarriedOver):
            _ = lesson.module
        with pytest.raises(CarriedOver):
            _ = shallow.title
        with pytest.raises(CarriedOver):
            lesson.refresh_from_db()
    with in_organization(twins.a.organization):
        assert lesson.module.title == MARK_A


@pytest.mark.leak(7)
@pytest.mark.parametrize("label", ["save", "save_fields", "delete"])
def test_a_row_of_one_is_not_written_in_another(label: str, twins: Twins) -> None:
    acts: dict[str, Callable[[Course], object]] = {
        "save": lambda course: course.save(),
        "save_fields": lambda course: course.save_fields("title"),
        "delete": lambda course: course.delete(),
    }
    with in_organization(twins.a.organization):
        course = Course.objects.get(pk=twins.a.ids["courses"])
    before = checksums(twins.b.organization)
    with in_organization(twins.b.organization), pytest.raises(CarriedOver):
        acts[label](course)
    assert checksums(twins.b.organization) == before


@pytest.mark.leak(6, 7)
def test_every_table_of_an_organization_is_guarded() -> None:
    names = {name for name in settings.TENANT_APPS if name != "guardian"}
    bare = [
        model._meta.label
        for model in apps.get_models()
        if model._meta.app_config.name in names and not issubclass(model, TenantRow)
    ]
    assert bare == [], "derive them from tenants.rows.TenantRow"


@pytest.mark.leak(8, 9)
def test_asynchronous_tasks_that_share_a_thread_are_told_apart(
    committed: None, acme: Organization, globex: Organization
) -> None:
    """Both run their queries on the one thread of asgiref; each sees its own organization or an error."""
    seen: dict[str, set[str]] = {"acme": set(), "globex": set()}

    def emails(organization: Organization) -> list[str]:
        with in_organization(organization):
            return list(Member.objects.values_list("email", flat=True))

    async def visit(organization: Organization) -> None:
        for _ in range(20):
            seen[organization.slug] |= set(await sync_to_async(emails)(organization))
            await asyncio.sleep(0)

    async def both() -> None:
        await asyncio.gather(visit(acme), visit(globex))
        await sync_to_async(lambda: connection.close())()  # that thread's own

    asyncio.run(both())
    assert seen == {"acme": {"owner@acme.example"}, "globex": {"owner@globex.example"}}


@pytest.mark.leak(9)
def test_a_task_that_finds_the_connection_of_another_is_stopped(
    acme: Organization, globex: Organization
) -> None:
    with in_organization(acme):
        interrupted = contextvars.copy_context()
        with in_organization(globex):
            # The first task goes on while the second is still inside, on the same thread and connection.
            with pytest.raises(ScopeMismatch):
                interrupted.run(lambda: list(Member.objects.all()))
            assert Member.objects.get().email == "owner@globex.example"


@pytest.mark.leak(10)
def test_the_librarys_switch_is_refused(acme: Organization) -> None:
    with in_public(), pytest.raises(NotSupportedError):
        connection.set_tenant(acme)  # type: ignore[attr-defined]  # the library's method


@pytest.mark.leak(11)
def test_the_drivers_own_cursor_stands_where_the_code_does(twins: Twins) -> None:
    seen = []
    with in_organization(twins.a.organization):
        list(Course.objects.all())
        with in_organization(twins.b.organization):
            seen += connection.connection.execute("SELECT DISTINCT title FROM courses_course").fetchall()
        seen += connection.connection.execute("SELECT DISTINCT title FROM courses_course").fetchall()
    assert seen == [(MARK_B,), (MARK_A,)]


@pytest.mark.leak(12)
def test_a_path_set_by_hand_opens_nothing(acme: Organization, globex: Organization) -> None:
    with in_organization(acme), connection.cursor() as cursor:
        cursor.execute(f'SET search_path TO "{globex.schema_name}", public')
        # A schema that the role may not use is left out of the path.
        with pytest.raises(ProgrammingError, match="people_member"), transaction.atomic():
            cursor.execute("SELECT email FROM people_member")


@pytest.mark.leak(12)
def test_no_switch_is_left_to_a_rollback(acme: Organization, globex: Organization, settings: Any) -> None:
    settings.TENANT_SWITCH_IN_TRANSACTION = False
    settings_before = current_organization_or_none()
    with pytest.raises(SwitchInsideTransaction), transaction.atomic(), in_organization(globex):
        pytest.fail("switched inside a transaction")
    assert current_organization_or_none() == settings_before
