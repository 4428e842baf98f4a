"""Console pages of the life of organizations and of failed background work."""

from shared_apps.onboarding.admin import domains, migrations, offboarding, operations, organizations, pool

__all__ = ["domains", "migrations", "offboarding", "operations", "organizations", "pool"]
