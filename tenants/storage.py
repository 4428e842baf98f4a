"""Files of an organization live under its id, whatever name the caller gives."""

import shutil
import uuid
from pathlib import Path

from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage

from tenants.context import current_organization


class OrganizationFileSystemStorage(FileSystemStorage):
    """Local folder; each organization's files below `<MEDIA_ROOT>/<organization uuid>/`.

    django-tenants' storage shares one folder between all tenants once a location is given.
    """

    @property
    def base_location(self) -> str:
        """Return the folder of the organization the code runs for."""
        return str(Path(settings.MEDIA_ROOT) / current_organization().id.hex)

    @property
    def location(self) -> str:
        """Return the absolute form of `base_location`."""
        return str(Path(self.base_location).resolve())

    def path(self, name: str) -> str:
        """Return the absolute path of a stored file.

        Raises:
            SuspiciousFileOperation: the name leads out of the organization's folder.
        """
        target = Path(self.location, name).resolve()
        if not target.is_relative_to(self.location):
            raise SuspiciousFileOperation(f"{name!r} leads out of the organization's folder")
        return str(target)


def remove_all_files(organization_id: uuid.UUID) -> None:
    """Remove the folder of an organization that is being deleted. Safe to repeat."""
    folder = Path(settings.MEDIA_ROOT) / organization_id.hex
    if folder.is_dir():
        shutil.rmtree(folder)


def measure_files(organization_id: uuid.UUID) -> tuple[int, int]:
    """Return how many files an organization has, and their bytes."""
    folder = Path(settings.MEDIA_ROOT) / organization_id.hex
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)
