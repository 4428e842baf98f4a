"""States and kinds around people and sign-in."""

from django.db import models

from shared_apps.core.actors import Role

ROLE_CHOICES = [(role.value, role.value.replace("_", " ").capitalize()) for role in Role]


class MembershipStatus(models.TextChoices):
    """Where a person stands in an organization."""

    INVITED = "invited", "Invited"
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"
    REMOVED = "removed", "Removed"


class SignInKind(models.TextChoices):
    """How a sign-in is carried."""

    BROWSER = "browser", "Browser session"
    API = "api", "Access and refresh token"
    SUPPORT = "support", "Operator's entry, reading only"
