"""The sweep: do everything the product can do as A, and look for B in everything that came out of it."""

import io
import json
import re
import uuid
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import TestCase

from shared_apps.core.errors import DomainError
from tests.api.isolation import BODY_KINDS
from tests.isolation.stores import (
    Watch,
    count_keys,
    differences,
    files_of_b,
    holds,
    log_lines,
    marked_files,
    marked_keys,
    mixed_mails,
)
from tests.isolation.twins import Twins
from tests.support.client import Caller
from tests.support.operations import Operation, sample
from tests.support.world import World

# Tasks of the platform work for all organizations at once: what changes of B is B's own affair there.
_EVERYBODYS = "B's rows of public."


@dataclass
class Findings:
    """What a part of the sweep did and found.

    Attributes:
        leaks: one line each; none is the proof.
        done: what was run, with how it ended.
    """

    leaks: list[str] = field(default_factory=list)
    done: list[tuple[str, str]] = field(default_factory=list)
    log_lines: int = 0
    rows_watched: int = 0
    tables_watched: int = 0
    looks: int = 0

    def counts(self) -> dict[str, int]:
        """Return the numbers for the report."""
        return {
            "calls": len(self.done),
            "log_lines": self.log_lines,
            "rows_watched": self.rows_watched,
            "tables_watched": self.tables_watched,
            "checksums_compared": self.looks * self.tables_watched,
        }

    def answered(self, first: str) -> int:
        """Return how many calls ended with a status that starts so."""
        return sum(how.startswith(first) for _, how in self.done)


class Sweep:
    """Runs acts one after the other, undoes what each wrote, and looks at all stores."""

    def __init__(self, twins: Twins) -> None:
        self.twins, self.found = twins, Findings()
        self._watch = Watch(twins)
        self._before, self._files = self._watch.look(), files_of_b(twins)
        self._keys, self._marked = set(marked_keys(twins)), marked_files(twins)
        self.found.rows_watched, self.found.tables_watched = self._before.rows(), self._watch.tables

    def act(self, name: str, work: Callable[[], tuple[str, bytes]], *, for_everybody: bool = False) -> None:
        """Do one thing inside a savepoint, with what it does after the commit, and look.

        Args:
            work: returns how it ended and what came out of it.
            for_everybody: it works for all organizations, so B's own shared rows may move.
        """
        point = transaction.savepoint()
        try:
            with log_lines() as lines, TestCase.captureOnCommitCallbacks(execute=True):
                ended, output = work()
            after = self._watch.look()
        finally:
            transaction.savepoint_rollback(point)
        needles = self.twins.needles
        for found in differences(self._before, after):
            if not (for_everybody and found.startswith(_EVERYBODYS)):
                self.found.leaks.append(f"{name}: {found}")
        if needle := holds(output, needles):
            self.found.leaks.append(f"{name}: answered {needle!r} ({ended}): {_around(output, needle)}")
        for line in lines:
            # A line of a platform's task may be about B; it must not be about both.
            if holds(line.encode(), needles) and (not for_everybody or self.twins.a.mark in line):
                self.found.leaks.append(f"{name}: logged {line[:300]}")
        self.found.log_lines += len(lines)
        self.found.looks += 1
        self.found.done.append((name, ended))

    def finish(self) -> Findings:
        """Look at what no savepoint undoes: files, cache, broker, mails."""
        twins = self.twins
        for key in sorted(set(marked_keys(twins)) - self._keys):
            self.found.leaks.append(f"cache or broker: {key} holds a text of B")
        fresh = marked_files(twins) - self._marked
        self.found.leaks += [f"file {path} holds a text of B" for path in sorted(fresh)]
        self.found.leaks += [f"mail {subject!r} holds texts of both" for subject in mixed_mails(twins)]
        if files_of_b(twins) != self._files:
            self.found.leaks.append("B's files changed")
        assert count_keys(), "the cache must have been used, or looking at it proves nothing"
        return self.found


def request(client: Caller, operation: Operation, world: World, bodies: dict[str, Any]) -> Callable[[], Any]:
    """Return the call of an operation with the world's ids in path and body.

    Args:
        bodies: operation id -> names of the body to set otherwise than the document's samples.
    """

    def send() -> tuple[str, bytes]:
        url = operation.url(lambda parameter: _path_value(operation, parameter, world))
        headers: dict[str, Any] = {"HTTP_IF_MATCH": '"1"'}
        if operation.method in {"get", "delete"}:
            answer = getattr(client, operation.method)(url, **headers)
        elif operation.content_type.startswith("multipart/"):
            name = "sample.csv" if "roster" in operation.id else "sample.pdf"
            content = (
                b"email,first_name\nnew@example.com,New\n" if "roster" in operation.id else b"%PDF-1.4\n"
            )
            file = io.BytesIO(content)
            file.name = name
            answer = client.post(url, {"file": file}, format="multipart", **headers)
        else:
            body = body_of(operation, world) | bodies.get(operation.id, {})
            answer = getattr(client, operation.method)(url, body, format="json", **headers)
        return str(answer.status_code), everything(answer)

    return send


def _path_value(operation: Operation, parameter: dict[str, Any], world: World) -> object:
    """Return the world's id for the segment before the parameter; 2 for a number, an unknown id else."""
    if parameter.get("schema", {}).get("type") == "integer":
        return 2
    before = re.search(r"([a-z-]+)/\{" + parameter["name"] + r"\}", operation.path)
    return world.ids.get(before.group(1) if before else "", uuid.UUID(int=9))


def body_of(operation: Operation, world: World) -> dict[str, Any]:
    """Return a body as the document asks, with ids that exist."""
    if operation.body is None:
        return {}
    made = sample(
        operation.body,
        operation.document,
        lambda name: world.ids.get(BODY_KINDS.get(name, ""), world.organization.id),
    )
    return dict(made)


def everything(answer: Any) -> bytes:
    """Return headers and body of a response."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    headers = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
    cookies = answer.cookies.output()
    return f"{headers}{cookies}\n".encode() + bytes(body)


def task(run: Callable[[], Any]) -> Callable[[], tuple[str, bytes]]:
    """Return a task's run as an act; refusals of the domain are answers."""

    def work() -> tuple[str, bytes]:
        try:
            return "ran", json.dumps(run(), default=str).encode()
        except DomainError as error:
            return f"refused: {error.code}", json.dumps(error.facts, default=str).encode()

    return work


def command(name: str, arguments: Iterable[str]) -> Callable[[], tuple[str, bytes]]:
    """Return a management command's run as an act, with all it prints."""

    def work() -> tuple[str, bytes]:
        output = io.StringIO()
        ended = "ran"
        with redirect_stdout(output), redirect_stderr(output):
            try:
                call_command(name, *arguments, stdout=output, stderr=output)
            except (CommandError, SystemExit) as error:
                ended = f"refused: {error}"
        return ended, output.getvalue().encode() + ended.encode()

    return work


def _around(output: bytes, needle: str) -> str:
    text = output.decode(errors="replace")
    place = re.search(re.escape(needle), text, re.IGNORECASE)
    start = max(0, place.start() - 80) if place else 0
    return text[start : start + 200]
