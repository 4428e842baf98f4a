"""Fixtures of the tests of version 1."""

from tests.support.sign_ups import stripe, visitor  # noqa: F401  fixtures
