"""The twins, and their files removed after."""

from collections.abc import Iterator

import pytest

from tenants.models import Organization
from tests.isolation.twins import Twins, build_twins, remove_files


@pytest.fixture
def twins(acme: Organization, globex: Organization) -> Iterator[Twins]:
    """Acme and Globex, filled alike."""
    made = build_twins(acme, globex)
    yield made
    remove_files(made)
