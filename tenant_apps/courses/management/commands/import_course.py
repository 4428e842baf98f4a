"""`manage.py import_course FOLDER --organization SLUG`: bring in a course from a folder."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shared_apps.core.actors import system_actor
from shared_apps.core.errors import DomainError
from shared_apps.core.text import normal_email
from tenant_apps.courses.content.errors import ContentError, CourseFolderError
from tenant_apps.courses.selectors.authors import find_author, find_first_owner
from tenant_apps.courses.services.importing import ImportOutcome, import_course
from tenants.context import in_organization, in_public
from tenants.selectors.organizations import organizations_with_schema


class Command(BaseCommand):
    """Import a course folder into one organization."""

    help = "Makes or updates a course from a folder with a course.yaml. Repeating it changes nothing."

    def add_arguments(self, parser: Any) -> None:
        """Take folder, organization, owner and whether to publish."""
        parser.add_argument("folder", type=Path)
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--owner", metavar="EMAIL", help="owner of a new course; else the organization's")
        parser.add_argument("--publish", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import and say what happened; mistakes of the folder go to standard error, one a line."""
        folder: Path = options["folder"]
        with in_public():
            organization = organizations_with_schema().filter(slug=options["organization"]).first()
        if organization is None:
            raise CommandError(f"There is no organization {options['organization']!r}.")
        with in_organization(organization):
            email = options["owner"]
            owner = find_author(email=normal_email(email)) if email else find_first_owner()
            if owner is None:
                raise CommandError(f"There is no active member {email or 'who owns the organization'}.")
            try:
                outcome = import_course(
                    actor=system_actor("import_course", organization.id),
                    folder=folder,
                    publish=options["publish"],
                    owner_id=owner.member_id,
                )
            except CourseFolderError as error:
                for problem in error.problems:
                    place = folder / problem.file
                    self.stderr.write(f"{place}:{problem.line}: {problem.message} {problem.advice}")
                sys.exit(1)
            except DomainError as error:
                raise CommandError(f"{error.title} {error.advice} {error.facts or ''}".strip()) from error
            except ContentError as error:
                raise CommandError(str(error)) from error
        self.stdout.write(_sentence(outcome))


def _sentence(outcome: ImportOutcome) -> str:
    state = "published" if outcome.published else "draft"
    if not outcome.changed:
        return f"Nothing to do: the course {outcome.course_id} holds this already ({state})."
    if outcome.created:
        return f"Made the course {outcome.course_id}: version {outcome.version_id} ({state})."
    done = [f"new {name}" for name in outcome.changed_facts]
    if outcome.new_version:
        done.append(f"new version {outcome.version_id} ({state})")
    elif outcome.published_here:
        done.append(f"published version {outcome.version_id}")
    said = f"Updated the course {outcome.course_id}: {', '.join(done)}."
    if outcome.new_version or outcome.published_here:
        return said
    return f"{said} Version {outcome.version_id} stays as it is ({state})."
