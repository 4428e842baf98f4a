"""Files of the organization."""

from tenant_apps.media.models.stored_file import StoredFile

__all__ = ["StoredFile"]
