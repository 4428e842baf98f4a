"""`manage.py export_course SLUG FOLDER --organization SLUG`: write a course into a folder."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shared_apps.core.actors import system_actor
from shared_apps.core.errors import DomainError
from tenant_apps.courses.selectors.versions import find_version
from tenant_apps.courses.services.exporting import export_to_folder
from tenants.context import in_organization, in_public
from tenants.selectors.organizations import organizations_with_schema


class Command(BaseCommand):
    """Export a version of a course of one organization."""

    help = "Writes a version of a course into a folder that import_course reads. Nothing else is changed."

    def add_arguments(self, parser: Any) -> None:
        """Take course, folder, organization and which version."""
        parser.add_argument("course", metavar="COURSE", help="the course's slug")
        parser.add_argument("folder", type=Path)
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--number", type=int, help="of the version; the newest unless given")

    def handle(self, *args: Any, **options: Any) -> None:
        """Export and say what was written."""
        folder: Path = options["folder"]
        if folder.exists() and any(folder.iterdir()):
            raise CommandError(f"{folder} is not empty; name a new folder.")
        with in_public():
            organization = organizations_with_schema().filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organization {options['organization']!r}.")
        actor = system_actor("export_course", organization.id)
        with in_organization(organization):
            version_id = find_version(actor, slug=options["course"], number=options["number"])
            if version_id is None:
                raise CommandError(f"There is no such version of a course {options['course']!r}.")
            try:
                done = export_to_folder(actor=actor, version_id=version_id, folder=folder)
            except DomainError as error:
                raise CommandError(f"{error.title} {error.advice} {error.facts or ''}".strip()) from error
        self.stdout.write(f"Wrote version {done.number} of {done.slug} into {folder}.")
