"""Console pages of the life of organizations, of sign-ups and of failed background work."""

from shared_apps.onboarding.admin import (
    domains,
    migrations,
    offboarding,
    operations,
    organizations,
    pool,
    sign_ups,
)

__all__ = ["domains", "migrations", "offboarding", "operations", "organizations", "pool", "sign_ups"]
