"""The code's tenant migrations in the order in which they run, and where a schema stands among them."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField, AlterField, RunSQL, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from tenants.ddl import tenant_app_labels, tenant_migrations, version_of
from tenants.services.migrating.errors import MigrationIrreversible, MigrationUnknown

Key = tuple[str, str]
# Defaults that are the same each time they are called.
_STEADY_DEFAULTS = (dict, list, set, tuple, str, int, bool)


class Way(Enum):
    """How a migration is brought to a tenant."""

    SQL = "sql"  # the same text for every tenant, one message
    PYTHON = "python"  # by Django in each tenant, one transaction
    STEPWISE = "stepwise"  # outside of transactions, operation by operation


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a schema stands: the tenant migrations it went through."""

    names: frozenset[Key]
    level: int
    version: str


def stand_of(names: Iterable[Key]) -> Stand:
    """Return the stand of a schema that went through these migrations, (app, name) each."""
    known = frozenset(names)
    return Stand(known, len(known), version_of(list(known)))


@dataclass(frozen=True, slots=True)
class Act:
    """One operation of a migration with the states it goes from and to."""

    operation: Operation
    app: str
    before: ProjectState
    after: ProjectState
    is_forward: bool

    def perform(self, editor: Any) -> None:
        """Change the database through a schema editor."""
        run = self.operation.database_forwards if self.is_forward else self.operation.database_backwards
        run(self.app, editor, self.before, self.after)


@dataclass(frozen=True, slots=True)
class Step:
    """One migration on its way in one direction, from one stand to the next.

    Attributes:
        records: the rows of django_migrations that come (forward) or go (back) with it.
        acts: in the order in which they are performed.
    """

    key: Key
    way: Way
    is_forward: bool
    before: Stand
    after: Stand
    records: tuple[Key, ...]
    acts: tuple[Act, ...]

    def __str__(self) -> str:
        return f"{self.key[0]}.{self.key[1]}"


class Chart:
    """The code's migrations. One for a run, shared by its threads."""

    def __init__(self) -> None:
        self._loader = MigrationLoader(None, ignore_no_migrations=True)
        self._labels = tenant_app_labels()
        self._all: list[Key] = []
        for leaf in self._loader.graph.leaf_nodes():
            self._all += [key for key in self._loader.graph.forwards_plan(leaf) if key not in self._all]
        self.order = tuple(key for key in self._all if key[0] in self._labels)
        self.target = stand_of(tenant_migrations())
        self._steps: dict[tuple[str, Key, bool], Step] = {}
        self._lock = threading.Lock()

    def missing(self, stand: Stand) -> list[Key]:
        """Return the migrations a schema lacks, in the order in which they run."""
        return [key for key in self.order if key not in stand.names]

    def stand_at(self, level: int) -> Stand:
        """Return the stand of a schema that went through the first `level` migrations of the order.

        Raises:
            MigrationUnknown: the code has not so many.
        """
        names: set[Key] = set()
        for key in self.order:
            if len(names) >= level:
                break
            names.update(self._records(key))
        if len(names) != level:
            raise MigrationUnknown(level=level, levels=len(self.target.names))
        return stand_of(names)

    def level_before_leaving(self, app: str, name: str) -> int:
        """Return the level of a schema whose last migration of `app` is `name`, with everything else that
        runs before the migrations that come after it.

        Raises:
            MigrationUnknown: there is no such migration; its name may be shortened while it is clear.
        """
        found = [key for key in self.order if key[0] == app and key[1].startswith(name)]
        if len(found) != 1:
            raise MigrationUnknown(app=app, migration=name, found=[key[1] for key in found])
        later = [key for key in self.order[self.order.index(found[0]) + 1 :] if key[0] == app]
        kept = self.order[: self.order.index(later[0])] if later else self.order
        return len({record for key in kept for record in self._records(key)})

    def way(self, key: Key) -> Way:
        """Return how a migration is brought to tenants."""
        migration = self.migration(key)
        if not migration.atomic:
            return Way.STEPWISE
        return Way.SQL if all(map(_is_text, migration.operations)) else Way.PYTHON

    def migration(self, key: Key) -> Migration:
        """Return one migration of the code."""
        found: Migration = self._loader.graph.nodes[key]
        return found

    def forward(self, stand: Stand) -> Step | None:
        """Return the next step of a schema on its way to the code's level, None when it is there."""
        missing = self.missing(stand)
        return self._step(missing[0], stand, is_forward=True) if missing else None

    def back(self, stand: Stand, to: Stand) -> Step | None:
        """Return the next step of a schema on its way back, None when it is there.

        Raises:
            MigrationIrreversible: the step cannot be taken.
        """
        leaving = [key for key in reversed(self.order) if key in stand.names and key not in to.names]
        if not leaving:
            return None
        if not is_reversible(self.migration(leaving[0])):
            raise MigrationIrreversible(migration=".".join(leaving[0]))
        return self._step(leaving[0], stand, is_forward=False)

    def _step(self, key: Key, stand: Stand, *, is_forward: bool) -> Step:
        """Rendering the states takes tens of milliseconds: once, whoever of the threads asks first."""
        with self._lock:
            place = (stand.version, key, is_forward)
            if place not in self._steps:
                self._steps[place] = self._make_step(key, stand, is_forward=is_forward)
            return self._steps[place]

    def _make_step(self, key: Key, stand: Stand, *, is_forward: bool) -> Step:
        records = self._records(key)
        with_it, without = stand.names | set(records), stand.names - set(records)
        # A squash of what the schema has already is only written down.
        is_noted = is_forward and len(records) > 1 and set(records) - {key} <= stand.names
        way = Way.SQL if is_noted else self.way(key)
        acts = () if is_noted else tuple(self._acts(key, without, is_forward=is_forward))
        if way is not Way.SQL:
            for act in acts:  # threads share the states: rendered before, since rendering is not for two
                _ = act.before.apps, act.after.apps
        return Step(
            key=key,
            way=way,
            is_forward=is_forward,
            before=stand,
            after=stand_of(with_it if is_forward else without),
            records=tuple(sorted(set(records) - stand.names)) if is_forward else records,
            acts=acts,
        )

    def _acts(self, key: Key, names: frozenset[Key], *, is_forward: bool) -> list[Act]:
        migration = self.migration(key)
        after = self._state(names)
        acts = []
        for operation in migration.operations:
            before, after = after, after.clone()
            operation.state_forwards(key[0], after)
            ends = (before, after) if is_forward else (after, before)
            acts.append(Act(operation, key[0], *ends, is_forward))
        return acts if is_forward else acts[::-1]

    def _state(self, names: frozenset[Key]) -> ProjectState:
        """The models as the shared schema has them now and as a tenant at these migrations has them."""
        state = ProjectState(real_apps=self._loader.unmigrated_apps)
        for key in self._all:
            if key[0] not in self._labels or set(self._records(key)) & names:
                state = self.migration(key).mutate_state(state, preserve=False)
        return state

    def _records(self, key: Key) -> tuple[Key, ...]:
        return (key, *((app, name) for app, name in self.migration(key).replaces))


def is_reversible(migration: Migration) -> bool:
    """Tell whether every operation of a migration knows its way back."""
    return all(each.reversible for operation in migration.operations for each in _parts(operation))


def _parts(operation: Operation) -> list[Operation]:
    if not isinstance(operation, SeparateDatabaseAndState):
        return [operation]
    return [part for each in operation.database_operations for part in _parts(each)]


def _is_text(operation: Operation) -> bool:
    """Tell whether an operation says the same to every tenant. Python does not; nor does an operation of
    ours that we cannot look into, nor a default that is drawn anew each time it is asked for."""
    return all(
        each.reduces_to_sql and type(each).__module__.startswith("django.") and not _draws(each)
        for each in _parts(operation)
    )


def _draws(operation: Operation) -> bool:
    if isinstance(operation, RunSQL) or not isinstance(operation, AddField | AlterField):
        return False
    default = operation.field.default
    return callable(default) and operation.field.has_default() and default not in _STEADY_DEFAULTS


@cache
def chart() -> Chart:
    """Return the chart of this process's code."""
    return Chart()
