"""Gathers everything wrong with a course folder, so that an author mends it in one go."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from tenant_apps.courses.content.errors import CourseFolderError, SourceProblem


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file of the folder; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1


@dataclass(slots=True)
class Problems:
    """The problems found so far."""

    found: list[SourceProblem] = field(default_factory=list)

    def add(self, place: Place, code: str, message: str, advice: str) -> None:
        """Note one problem; the same problem at the same place is kept once."""
        problem = SourceProblem(place.file, place.line, place.column, code, message, advice)
        if problem not in self.found:
            self.found.append(problem)

    def raise_if_any(self) -> None:
        """Raise CourseFolderError with everything found, in order of file, line and column."""
        if self.found:
            raise CourseFolderError(tuple(sorted(self.found)))


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """Return advice naming the nearest known word, or `otherwise` when none is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"Did you mean '{near[0]}'?" if near else otherwise
