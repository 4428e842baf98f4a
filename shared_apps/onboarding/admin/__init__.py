"""Console pages of the life of organizations and of failed background work."""

from shared_apps.onboarding.admin import migrations, operations, organizations, pool

__all__ = ["migrations", "operations", "organizations", "pool"]
