"""The benchmark of versions, at a tiny size: everything it measures really happens."""

import os
from pathlib import Path

import pytest

from benchmarks.stack import Stack
from benchmarks.versions import run
from tenant_apps.courses.enums import VersionState
from tenant_apps.courses.models import CourseVersion
from tenant_apps.runs.models import CourseRun
from tenants.context import in_organization
from tenants.models import Organization

PROMISED = {"copy_1000_ms", "diff_1000_ms", "move_dry_run_s", "move_apply_s", "roster_page_ms"}


@pytest.mark.slow
def test_the_versions_benchmark_moves_what_it_measures(committed: None, tmp_path: Path) -> None:
    figures = run(Stack(dict(os.environ), tmp_path), sizes=(4, 10, 30), learners=6)

    assert set(figures) >= PROMISED
    assert all(figures[name] > 0 for name in figures if name.endswith("_ms"))
    assert figures["roster_page_rows"] == 6
    assert max(figures["why_course_queries"], figures["why_lesson_queries"]) <= 10
    with in_organization(Organization.objects.get(slug="bench-academy")):
        versions = CourseVersion.objects.filter(state=VersionState.PUBLISHED)
        moved = CourseRun.objects.filter(version__number__gt=1).count()
        assert (versions.count(), moved) == (4 + 3, 3)
