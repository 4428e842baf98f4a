"""New migrations expand; contracting ones are marked and come a release later."""

from pathlib import Path
from typing import Any

import pytest

from tenants.models import Organization
from tests.architecture.migration_lint import Register, own_migrations, read_register, squawk, violations
from tests.tenants.migrating_ground import Scratch, make_scratch

MOST_EXEMPT = 26  # the number there was when the check came: the list only shrinks


def test_migrations_expand(committed: None, acme: Organization) -> None:
    register = read_register()
    found = {
        name: violations(migration, acme, register)
        for name, migration in own_migrations().items()
        if name not in register.exempt
    }
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_the_list_of_old_ones_is_true_and_only_shrinks() -> None:
    register = read_register()
    assert register.exempt | register.released <= own_migrations().keys()
    assert len(register.exempt) <= MOST_EXEMPT


def test_the_linter_that_is_pinned_is_the_one_that_looks() -> None:
    assert squawk('ALTER TABLE "a" DROP COLUMN "b";', True) != []
    assert "ban-drop-column" not in squawk('CREATE TABLE "a" ("b" text);', True)


COLUMN = "migrations.AddField('rosterimport', 'planted', models.IntegerField({}))"
TABLE = "migrations.CreateModel('Planted', [('id', models.BigAutoField(primary_key=True))])"


@pytest.mark.parametrize(
    ("label", "operation", "rules"),
    [
        ("a column that must be given", COLUMN.format(""), ["adding-required-field"]),
        ("a default only this code knows", COLUMN.format("default=3"), ["ban-drop-default"]),
        ("a dropped column", "migrations.RemoveField('rosterimport', 'file_name')", ["ban-drop-column"]),
        ("a dropped table", "migrations.DeleteModel('RosterRow')", ["ban-drop-table"]),
        (
            "a renamed column",
            "migrations.RenameField('rosterimport', 'file_name', 'title')",
            ["renaming-column"],
        ),
        ("a column that may be empty", COLUMN.format("null=True"), []),
        ("a default of the database", COLUMN.format("db_default=3"), []),
        ("a new table", TABLE, []),
    ],
)
def test_a_planted_migration_is_caught(
    acme: Organization,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    label: str,
    operation: str,
    rules: list[str],
) -> None:
    scratch = make_scratch(tmp_path, monkeypatch, settings)
    scratch.write("0900_planted", operation, before=last_own(scratch))
    found = violations(own_migrations()["rosters.0900_planted"], acme, read_register())
    assert [line.partition(":")[0] for line in found] == rules, label


def test_a_contract_step_passes_only_when_what_it_ends_was_released(
    acme: Organization, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    scratch = make_scratch(tmp_path, monkeypatch, settings)
    drop = "migrations.RemoveField('rosterimport', 'file_name')"
    scratch.write("0900_contract", drop, before=last_own(scratch))
    source = scratch.folder / scratch.package / "0900_contract.py"
    source.write_text(source.read_text() + "    contract_of = 'rosters.0001_initial'\n")
    planted = own_migrations()["rosters.0900_contract"]

    assert violations(planted, acme, Register(frozenset(), frozenset({"rosters.0001_initial"}))) == []
    refused = violations(planted, acme, Register(frozenset(), frozenset()))
    assert [line.partition(":")[0] for line in refused] == ["contract_of"]


def last_own(scratch: Scratch) -> str:
    return max(path.stem for path in (scratch.folder / scratch.package).glob("0*.py"))
