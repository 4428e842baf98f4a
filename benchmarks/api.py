"""The four calls that make up most of a day, over HTTP, with everything in between that production has."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from benchmarks.bare.tables import make_tables
from benchmarks.calls import completions, course_tree, enrollments, learner_requests, my_courses
from benchmarks.dataset import SLUG, Size, make_academy
from benchmarks.load import CLIENTS, SECONDS, WARM_UP_SECONDS, Requests, measure_all, tool
from benchmarks.stack import Stack, Web, procfile
from tenants.context import in_organization, in_public
from tenants.models import Organization

NAME = "api"
DESCRIPTION = (
    "my courses, course tree, completing a lesson, enrolling; 20 courses of 100 lessons, 1,000 learners"
)
CALLS = ("my_courses", "course_tree", "lesson_complete", "enroll")
# The most a machine may answer each second before prepared acts run out.
_MOST_EACH_SECOND = 2_000


def run(
    stack: Stack,
    *,
    size: Size | None = None,
    clients: Sequence[int] = CLIENTS,
    seconds: int = SECONDS,
    warm_up: int = WARM_UP_SECONDS,
    most_acts: int | None = None,
) -> dict[str, Any]:
    """Return the figures `<call>.c<clients>.<figure>`, those of a bare view for comparison, and their ratio.

    Reads come before writes, so that every learner has the five courses meant while they are measured.
    """
    size = size or Size()
    stack.say(f"load by {tool()}")
    academy = make_academy(size)
    stack.say(f"{len(academy.learner_ids)} learners in {len(academy.enrollments)} places")
    acts = most_acts or _MOST_EACH_SECOND * (seconds + warm_up) * len(clients)
    figures: dict[str, Any] = {"load_generator": tool()}
    options: dict[str, Any] = {"clients": clients, "seconds": seconds, "warm_up": warm_up}
    figures |= _bare(stack, options)
    with stack.web() as web:
        with my_courses(academy) as requests:
            figures |= measure_all(stack, web, "my_courses", requests, **options)
        with course_tree(academy) as requests:
            figures |= measure_all(stack, web, "course_tree", requests, **options)
        acts_of = completions(academy, size, acts)
        figures |= _written(stack, web, "lesson_complete", acts_of, "learning_lessonrecord", options)
        acts_of = enrollments(academy, acts)
        figures |= _written(stack, web, "enroll", acts_of, "runs_enrollment", options)
        figures["web_memory_mb"] = round(web.memory_mb())
    number = 8 if 8 in clients else clients[0]
    for call in CALLS:
        times = figures[f"{call}.c{number}.cpu_ms"] / figures[f"bare.c{number}.cpu_ms"]
        figures[f"{call}.cpu_times_bare"] = round(times, 2)
    return figures


def _bare(stack: Stack, options: dict[str, Any]) -> dict[str, Any]:
    """Measure a bare DRF view of three queries and a nested serializer under the very same server command."""
    make_tables(stack.environment["DATABASE_URL"])
    command = procfile("web").replace("config.wsgi:application", "benchmarks.bare.wsgi:application")
    environment = {"DJANGO_SETTINGS_MODULE": "benchmarks.bare.settings"}
    with stack.web(command, environment=environment) as web, learner_requests() as requests:
        return measure_all(stack, web, "bare", requests, **options)


def _written(
    stack: Stack, web: Web, call: str, requests: Requests, table: str, options: dict[str, Any]
) -> dict[str, Any]:
    """Measure acts that each add a row, and count the rows: an answer without its row would be no result."""
    with requests:
        before = _rows(table)
        figures = measure_all(stack, web, call, requests, **options)
        return figures | {
            f"{call}.rows_written": _rows(table) - before,
            f"{call}.requests": requests.position,
        }


def _rows(table: str) -> int:
    with in_public():
        organization = Organization.objects.get(slug=SLUG)
    with in_organization(organization), connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])
