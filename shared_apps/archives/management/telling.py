"""What the commands of archives say: a refusal in one line, and progress where somebody looks on."""

import contextlib

from django.core.management.base import OutputWrapper

from shared_apps.core.errors import DomainError


def refusal(error: DomainError) -> str:
    """Return title, facts and advice of a refusal as one line for a terminal."""
    facts = ", ".join(f"{name}: {value}" for name, value in error.facts.items())
    return " ".join(part for part in (error.title, f"({facts})" if facts else "", error.advice) if part)


class Progress:
    """Overwrites one line of a terminal with what is done; says nothing where the output goes to a file."""

    def __init__(self, stream: OutputWrapper) -> None:
        self._stream = stream
        self._started = False

    def __call__(self, done: int, expected: int) -> None:
        """Show how many kB of how many are done."""
        if self._stream.isatty():
            self._started = True
            with contextlib.suppress(OSError):
                self._stream.write(f"{done} of about {expected} kB", ending="\r")

    def end(self) -> None:
        """Leave the line, so that what follows stands below it."""
        if self._started:
            with contextlib.suppress(OSError):
                self._stream.write("")
