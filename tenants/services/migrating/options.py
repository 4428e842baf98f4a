"""What a run is told; kept in its row, so that a resumed run goes on alike."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings

WAVES = (10, 50, 250)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a run is told.

    Attributes:
        workers: threads, each with a database connection of its own.
        canaries: slugs that go first; a failure among them ends the run.
        oldest_canaries: how many of the oldest tenants go first when none is named.
        waves: sizes of the waves after the canaries; one more takes the rest.
        most_failures_percent: share of a wave's tenants that may fail before the run stops.
        lock_ms, statement_ms: see `message.Limits`.
        lock_rounds: how often those whose table was locked are tried again at the end of their wave.
        failed_only: take those alone that failed before.
        slugs: take these organizations alone; empty means all, the pool's ready schemas included.
        to_level: take them back to this level; None for forward.
    """

    workers: int = 2
    canaries: tuple[str, ...] = ()
    oldest_canaries: int = 2
    waves: tuple[int, ...] = WAVES
    most_failures_percent: int = 10
    lock_ms: int = 2_000
    statement_ms: int = 60_000
    lock_rounds: int = 3
    failed_only: bool = False
    slugs: tuple[str, ...] = field(default=())
    to_level: int | None = None

    def document(self) -> dict[str, Any]:
        """Return what `RunOptions.read` takes."""
        return asdict(self)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "RunOptions":
        """Return the options kept in a run's row."""
        told: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
        }
        return cls(**told)


def is_plain(options: RunOptions) -> bool:
    """Tell whether a run is for everybody who is behind, as a deployment's is."""
    return options.to_level is None and not options.failed_only and not options.slugs


def usual_options() -> RunOptions:
    """Return what a run is told when nobody says otherwise: the settings of the installation."""
    return RunOptions(workers=settings.MIGRATION_WORKERS, canaries=tuple(settings.MIGRATION_CANARIES))
