"""Fixtures of the tests of organizations' domains and of sign-ups."""

from collections.abc import Iterator

import pytest
from django.test import override_settings

from tests.fakes.dns import FakeDns, fake_dns
from tests.support.sign_ups import stripe, visitor  # noqa: F401  fixtures


@pytest.fixture
def dns() -> Iterator[FakeDns]:
    """A DNS server that says what the test tells it; the product asks it alone, and waits for it long."""
    with (
        fake_dns() as answers,
        override_settings(DNS_RESOLVERS=[answers.address], DNS_TIMEOUT_SECONDS=30.0),
    ):
        yield answers
