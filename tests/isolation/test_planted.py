"""The tests of the tests: with a guard taken away the way's test fails; the sweep finds planted leaks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.core.cache import cache
from django.core.cache.backends.base import default_key_func
from django.db import connection

from shared_apps.audit.models import AuditEvent
from shared_apps.outbox.models import OutboxMessage
from tenant_apps.courses.models import Course
from tenants import rows
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tenants.postgresql.base import DatabaseWrapper
from tenants.storage import OrganizationFileSystemStorage
from tests.isolation.sweep import Sweep
from tests.isolation.test_ways_rows import test_a_row_of_one_is_not_written_in_another as way_7
from tests.isolation.test_ways_rows import test_rows_read_in_one_are_not_shown_in_another as way_6
from tests.isolation.twins import Twins
from tests.tenants.test_context import test_member_rows_are_the_tenants_own as rows_are_own
from tests.tenants.test_context import test_raw_sql_into_another_tenant_is_refused_by_the_database as way_1
from tests.tenants.test_separation import test_one_file_name_is_two_files_in_two_organizations as way_27
from tests.tenants.test_separation import test_one_key_is_two_entries_in_two_organizations as way_25

_FAILS = (AssertionError, pytest.fail.Exception)


def test_a_switch_that_does_not_switch_is_caught(
    acme: Organization, globex: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stay(self: DatabaseWrapper) -> None:
        self._applied = self.scope

    with in_organization(globex), monkeypatch.context() as planted:
        planted.setattr(DatabaseWrapper, "_apply", stay)
        with pytest.raises(_FAILS):
            rows_are_own(acme, globex)


def test_a_switch_without_the_role_is_caught(
    acme: Organization, globex: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = DatabaseWrapper._send

    def without_role(self: DatabaseWrapper, switch: bytes) -> None:
        sent(self, switch.split(b"; SET ROLE")[0])

    with monkeypatch.context() as planted:
        planted.setattr(DatabaseWrapper, "_send", without_role)
        with pytest.raises(_FAILS):
            way_1(acme, globex)


def test_cache_keys_without_the_organization_are_caught(
    acme: Organization, globex: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as planted:
        planted.setattr(cache._connections[cache._alias], "key_func", default_key_func)  # type: ignore[attr-defined]
        with pytest.raises(_FAILS):
            way_25(acme, globex)
        cache.delete("colour")


def test_one_folder_for_all_is_caught(
    acme: Organization, globex: Organization, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as planted:
        planted.setattr(OrganizationFileSystemStorage, "base_location", str(tmp_path))
        with pytest.raises(_FAILS):
            way_27(acme, globex)


@pytest.mark.parametrize("label", ["a query", "a row"])
def test_rows_that_forget_where_they_come_from_are_caught(
    label: str, twins: Twins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "_check", lambda belongs_to, what: None)
    with pytest.raises(_FAILS):
        way_6(twins) if label == "a query" else way_7("save", twins)


def _answer(twins: Twins) -> bytes:
    return f"Location: /courses/{twins.b.mark}".encode()


def _log(twins: Twins) -> bytes:
    structlog.get_logger("planted").info("seen", title=twins.b.mark)
    return b""


def _write_b(twins: Twins) -> bytes:
    with in_organization(twins.b.organization):
        Course.objects.update(title="changed")
    return b""


def _write_bs_shared_row(twins: Twins) -> bytes:
    AuditEvent.objects.create(
        organization_id=twins.b.organization.id, actor_kind="member", actor_label="x", action="x"
    )
    return b""


def _copy_into_a(twins: Twins) -> bytes:
    with in_organization(twins.a.organization):
        Course.objects.update(title=twins.b.mark)
    return b""


def _event(twins: Twins) -> bytes:
    OutboxMessage.objects.create(
        organization_id=twins.a.organization.id, topic="mail.send", payload={"title": twins.b.mark}
    )
    return b""


def _cache(twins: Twins) -> bytes:
    with in_organization(twins.a.organization):
        cache.set("planted", twins.b.mark)
    return b""


def _file(twins: Twins) -> bytes:
    folder = Path(settings.MEDIA_ROOT) / twins.a.organization.id.hex
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "planted.txt").write_text(twins.b.mark)
    return b""


def _raw(twins: Twins) -> bytes:
    with in_public(), connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{twins.b.organization.schema_name}".learning_courseprogress')
    return b""


PLANTED: dict[str, tuple[Callable[[Twins], bytes], str]] = {
    "an answer": (_answer, "planted: answered"),
    "a log line": (_log, "planted: logged"),
    "a write to B": (_write_b, "planted: B's rows of courses_course changed"),
    "a write to B's shared row": (
        _write_bs_shared_row,
        "planted: B's rows of public.audit_auditevent changed",
    ),
    "a row of B in A": (_copy_into_a, "planted: B's mark stands in A's table courses_course"),
    "an event": (_event, "planted: B's rows of public.outbox_outboxmessage changed"),
    "the cache": (_cache, "cache or broker: "),
    "a file": (_file, "file "),
    "raw SQL": (_raw, "planted: B's rows of learning_courseprogress changed"),
}


@pytest.mark.sweep
@pytest.mark.feature("M07")
@pytest.mark.parametrize("label", list(PLANTED))
def test_the_sweep_finds_a_planted_leak(label: str, twins: Twins, request: Any) -> None:
    plant, wanted = PLANTED[label]
    sweep = Sweep(twins)
    sweep.act("planted", lambda: ("done", plant(twins)))
    found = sweep.finish()
    assert any(leak.startswith(wanted) for leak in found.leaks), found.leaks
    with in_organization(twins.a.organization):
        cache.delete("planted")


@pytest.mark.sweep
def test_the_sweep_finds_nothing_where_nothing_leaks(twins: Twins) -> None:
    sweep = Sweep(twins)
    sweep.act("honest", lambda: ("done", twins.a.mark.encode()))
    assert sweep.finish().leaks == []
