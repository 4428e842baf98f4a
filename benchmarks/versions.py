"""Versions of courses: copied, compared, read, and a run with many learners moved from one to the next.

Services run in this process; pages go through the whole stack of middleware and views, without a network.
Times are medians in milliseconds or, where the name ends in `_s`, seconds.
"""

import time
from collections.abc import Callable
from statistics import median
from typing import Any, Final, TypeVar

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.dataset import Academy, Size, make_academy
from benchmarks.many import count_from_environment, quiet_log
from benchmarks.stack import Stack
from shared_apps.core.actors import Actor, system_actor
from tenant_apps.courses.models import Lesson, Module
from tenant_apps.courses.selectors.diff import read_diff
from tenant_apps.courses.selectors.outline import read_version
from tenant_apps.courses.services.drafts import copy_version
from tenant_apps.courses.services.publishing import publish_version
from tenant_apps.courses.services.texts import new_text
from tenant_apps.learning.services.moves import apply_move, dry_run_move
from tenants.context import in_organization, in_public
from tenants.models import Organization

NAME = "versions"
DESCRIPTION = "Copy, compare and read versions; move a run of 1,000 learners; a page of its roster"
_ROUNDS: Final = 5
_PAGE: Final = 100

Result = TypeVar("Result")


def run(
    stack: Stack, *, sizes: tuple[int, int, int] | None = None, learners: int | None = None
) -> dict[str, Any]:
    """Return the figures.

    Args:
        sizes: lessons of the three courses; the keys say 10, 100 and 1000 whatever they are.
        learners: people in each of their runs.
    """
    largest = count_from_environment("BENCH_LESSONS", 1000)
    sizes = sizes or (max(largest // 100, 2), max(largest // 10, 3), max(largest, 4))
    learners = learners or count_from_environment("BENCH_LEARNERS", 1000)
    with quiet_log():
        # A fourth course, since the ground spreads learners by threes.
        size = Size(
            courses=4,
            sizes=(*sizes, sizes[0]),
            learners=learners,
            courses_each=4,
            done_each=sizes[0] - 1,
            spare_runs=0,
        )
        academy = make_academy(size)
        with in_public():
            organization = Organization.objects.get(slug="bench-academy")
        stack.say(f"{learners} learners in courses of {sizes} lessons are there")
        figures: dict[str, Any] = {"learners": learners, "lessons": list(sizes)}
        figures |= _pages(academy)
        for place, name in enumerate(("10", "100", "1000")):
            with in_organization(organization):
                actor = system_actor("benchmarks", organization.id)
                figures |= _versions(actor, academy, place, name)
            stack.say(f"measured with {sizes[place]} lessons")
        figures |= {f"move_{act}_s": figures[f"move_{act}_1000_s"] for act in ("dry_run", "apply")}
    return figures


def _versions(actor: Actor, academy: Academy, place: int, name: str) -> dict[str, Any]:
    source = academy.version_ids[place]
    copy_ms, draft = _timed(lambda: copy_version(actor=actor, version_id=source))
    _edit(draft.id)
    diff_ms, _ = _timed(lambda: read_diff(actor=actor, before_id=source, after_id=draft.id))
    bodies_ms, _ = _timed(lambda: read_diff(actor=actor, before_id=source, after_id=draft.id, bodies=True))
    tree_ms, _ = _timed(lambda: read_version(actor=actor, version_id=source))
    publish_ms, _ = _timed(lambda: publish_version(actor=actor, version_id=draft.id, revision="*"), rounds=1)
    where: dict[str, Any] = {"run_id": academy.run_ids[place], "to_version_id": draft.id}
    dry_ms, seen = _timed(lambda: dry_run_move(actor=actor, **where), rounds=3)
    apply_ms, _ = _timed(lambda: apply_move(actor=actor, fingerprint=seen.fingerprint, **where), rounds=1)
    return {
        f"copy_{name}_ms": copy_ms,
        f"diff_{name}_ms": diff_ms,
        f"diff_bodies_{name}_ms": bodies_ms,
        f"tree_{name}_ms": tree_ms,
        f"publish_{name}_ms": publish_ms,
        f"move_dry_run_{name}_s": round(dry_ms / 1000, 3),
        f"move_apply_{name}_s": round(apply_ms / 1000, 3),
    }


def _edit(version_id: Any) -> None:
    """Change a tenth of a draft's lessons in each of the ways that authors change lessons."""
    lessons = list(Lesson.objects.filter(version_id=version_id).order_by("module__position", "position"))
    modules = list(Module.objects.filter(version_id=version_id).order_by("position"))
    tenth = max(len(lessons) // 10, 1)
    text = new_text("<p>Said anew.</p>\n" * 10, "html")
    text.save()
    for lesson in lessons[:tenth]:
        lesson.title, lesson.text, lesson.is_required = f"{lesson.title}, again", text, False
    # To the end of the last module: beyond every position that is taken.
    for number, lesson in enumerate(lessons[tenth : 2 * tenth]):
        lesson.module, lesson.position = modules[-1], len(lessons) + number
    Lesson.objects.bulk_update(lessons[: 2 * tenth], ["title", "text", "is_required", "module", "position"])
    Lesson.objects.filter(pk__in=[each.pk for each in lessons[-1:]]).delete()
    Lesson.objects.create(
        version_id=version_id, module=modules[-1], title="New", position=2 * len(lessons), text=text
    )


def _pages(academy: Academy) -> dict[str, Any]:
    """Measure the run roster with progress, and count the statements of explanations."""
    roster = f"/api/v1/runs/{academy.run_ids[1]}/progress?limit={_PAGE}"
    roster_ms, found = _timed(lambda: _get(academy, academy.admin_tokens[0], roster))
    learner, enrollment_id, lesson_ids = academy.enrollments[0]
    course = f"/api/v1/my-courses/{enrollment_id}"
    token = academy.learner_tokens[learner]
    return {
        "roster_page_ms": roster_ms,
        "roster_page_rows": len(found["results"]),
        "why_course_queries": _statements(academy, token, f"{course}/why"),
        "why_lesson_queries": _statements(academy, token, f"{course}/lessons/{lesson_ids[0]}/why"),
    }


def _get(academy: Academy, token: str, url: str) -> Any:
    answer = Client().get(url, headers={"host": academy.host, "authorization": f"Bearer {token}"})
    if answer.status_code != 200:
        raise AssertionError(f"{url}: {answer.status_code} {answer.content[:300]!r}")
    return answer.json()


def _statements(academy: Academy, token: str, url: str) -> int:
    _get(academy, token, url)
    with CaptureQueriesContext(connection) as seen:
        _get(academy, token, url)
    return len(seen.captured_queries)


def _timed(act: Callable[[], Result], *, rounds: int = _ROUNDS) -> tuple[float, Result]:
    """Return the median of some rounds in milliseconds, and what the last one answered."""
    spent = []
    for _ in range(rounds):
        started = time.perf_counter()
        result = act()
        spent.append((time.perf_counter() - started) * 1000)
    return round(median(spent), 1), result
