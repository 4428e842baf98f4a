"""An installation for one organization serves it at the base domain, by the same code."""

from typing import Any

import pytest
from django.db import transaction

from tenants.enums import OrganizationState
from tenants.errors import NameNotAvailable
from tenants.models import Organization
from tenants.services.organizations import do_create_organization, host_of
from tests.support.client import Caller


def _create(slug: str) -> Organization:
    with transaction.atomic():
        return do_create_organization(
            name=slug.capitalize(),
            slug=slug,
            owner_email="owner@solo.example",
            timezone="UTC",
            language="en",
            creation_key=None,
        )


@pytest.mark.feature("TEN-04")
def test_the_only_organization_answers_at_the_base_domain(shared: None, settings: Any) -> None:
    settings.SINGLE_ORGANIZATION = "solostudio"
    made = _create("solostudio")
    assert made.state == OrganizationState.TRIAL
    assert host_of("solostudio") == "palaestra.test"
    assert Caller("palaestra.test").get("/api/v1/profile").json()["code"] == "not_authenticated"
    assert Caller("solostudio.palaestra.test").get("/api/v1/profile").json()["code"] == "host_not_found"


@pytest.mark.feature("TEN-04")
def test_a_second_organization_is_refused(shared: None, settings: Any) -> None:
    settings.SINGLE_ORGANIZATION = "solostudio"
    _create("solostudio")
    before = Organization.objects.count()
    with pytest.raises(NameNotAvailable) as refused:
        _create("otherstudio")
    assert refused.value.facts["only"] == "solostudio"
    with pytest.raises(NameNotAvailable):
        _create("solostudio")
    assert Organization.objects.count() == before
