"""What the person who started the demo sees: steps, progress, tables."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

_IS_TERMINAL = sys.stdout.isatty()


def _colored(text: str, color: int) -> str:
    return f"\033[{color}m{text}\033[0m" if _IS_TERMINAL else text


def headline(text: str) -> None:
    """Print the beginning of a chapter."""
    print(f"\n{_colored(text, 1)}", flush=True)


def note(text: str) -> None:
    """Print a line that belongs to the step above."""
    print(f"    {text}", flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print the step when it is done, with the seconds it took; a failing one is marked and raised on."""
    started = time.monotonic()
    try:
        yield
    except BaseException:
        print(f"  {_colored('✗', 31)} {text}", flush=True)
        raise
    print(f"  {_colored('✓', 32)} {text}  {_colored(f'{time.monotonic() - started:.1f} s', 90)}", flush=True)


def progress(text: str, done: int, total: int) -> None:
    """Draw a bar on one line of a terminal; elsewhere print a line each quarter."""
    share = done / total if total else 0.0
    if _IS_TERMINAL:
        bar = "█" * round(share * 30)
        print(f"\r    {text} {bar:<30} {done}/{total}", end="\n" if share >= 1 else "", flush=True)
    elif total and done and done * 4 // total > (done - 1) * 4 // total:
        note(f"{text} {done}/{total}")


def table(rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns as wide as they need."""
    found = [list(map(str, row)) for row in rows]
    widths = [max(len(row[column]) for row in found) for column in range(len(found[0]))]
    for row in found:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    sys.stdout.flush()
