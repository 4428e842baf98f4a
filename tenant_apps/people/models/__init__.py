"""What a company knows of its people."""

from tenant_apps.people.models.member import Member

__all__ = ["Member"]
