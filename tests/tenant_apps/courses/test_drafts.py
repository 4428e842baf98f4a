"""Copies of versions: the same content, in a number of statements that does not grow."""

from collections.abc import Callable
from typing import Any

import pytest

from shared_apps.accounts.models import Membership
from shared_apps.core.actors import Role
from tenant_apps.courses.selectors.outline import digest_of, get_outline
from tenant_apps.courses.services.drafts import copy_version
from tenants.context import in_organization
from tenants.models import Organization
from tests.factories.courses import make_published_course
from tests.support.actors import actor_as
from tests.support.measures import statements


@pytest.mark.feature("VER-01")
def test_a_copy_takes_the_same_number_of_statements_at_any_size(
    acme: Organization, member: Callable[..., Membership]
) -> None:
    small = make_published_course(acme, modules=1, lessons=1)
    large = make_published_course(acme, modules=20, lessons=50)
    actor = actor_as(member(acme, Role.ADMIN))
    with in_organization(acme):
        with statements() as few:
            copy_version(actor=actor, version_id=small.version_id)
        with statements() as many:
            copy = copy_version(actor=actor, version_id=large.version_id)

        assert len(few) == len(many)
        assert sum(len(module.lessons) for module in get_outline(copy.id).modules) == 1000
        assert digest_of(get_outline(copy.id)) == digest_of(get_outline(large.version_id))
        assert _lineages(get_outline(copy.id)) == _lineages(get_outline(large.version_id))


def _lineages(outline: Any) -> list[Any]:
    return [(module.lineage, [lesson.lineage for lesson in module.lessons]) for module in outline.modules]
