"""Categories under load: two moves that would close a circle together."""

from functools import partial

import pytest

from shared_apps.core.actors import system_actor
from tenant_apps.courses.models import Category
from tenant_apps.courses.services.categories import create_category, update_category
from tenants.context import in_organization
from tenants.models import Organization
from tests.support.measures import in_parallel

SYSTEM = system_actor("test")


@pytest.mark.feature("CAT-01")
@pytest.mark.parametrize("attempt", range(3))
def test_two_moves_at_once_make_no_loop(committed: None, acme: Organization, attempt: int) -> None:
    with in_organization(acme):
        a, b = (create_category(actor=SYSTEM, slug=f"{slug}{attempt}", name=slug) for slug in "ab")

    results = in_parallel(
        acme,
        [
            partial(update_category, actor=SYSTEM, category_id=a, parent_id=b),
            partial(update_category, actor=SYSTEM, category_id=b, parent_id=a),
        ],
    )

    assert sorted(map(str, results)) == ["None", "category_loop"]
    with in_organization(acme):
        parents = dict(Category.objects.filter(pk__in=[a, b]).values_list("pk", "parent_id"))
    assert sorted(parents.values(), key=str) in ([b, None], [a, None])
