"""Prerequisites under load: two edges that would close a circle together."""

from functools import partial

import pytest

from shared_apps.core.actors import system_actor
from tenant_apps.courses.models import CoursePrerequisite
from tenant_apps.courses.services.links import Link, set_prerequisites
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.support.measures import in_parallel

SYSTEM = system_actor("test")


@pytest.mark.feature("CAT-12")
@pytest.mark.parametrize("attempt", range(3))
def test_two_edges_at_once_close_no_circle(committed: None, acme: Organization, attempt: int) -> None:
    a, b, c = (make_published_course(acme, modules=1, lessons=1).course_id for _ in "abc")
    with in_organization(acme):
        set_prerequisites(actor=SYSTEM, course_id=b, links=[Link(c, "required")])

    results = in_parallel(
        acme,
        [
            partial(set_prerequisites, actor=SYSTEM, course_id=a, links=[Link(b, "required")]),
            partial(set_prerequisites, actor=SYSTEM, course_id=c, links=[Link(a, "advised")]),
        ],
    )

    assert sorted(map(str, results)) == ["None", "prerequisite_loop"]
    with in_organization(acme):
        assert CoursePrerequisite.objects.count() == 2
