"""What `import_organization` and `restore_organization` share: load an archive and say what came of it."""

from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from shared_apps.archives.management.telling import Progress, refusal
from shared_apps.archives.services.importing import Imported, import_archive, trusted_keys
from shared_apps.core.actors import system_actor
from shared_apps.core.errors import DomainError


def add_trust(parser: Any) -> None:
    """Let a command take further public keys."""
    parser.add_argument(
        "--trust", action="append", default=[], help="public key, base64; our own and the setting's too"
    )


def load(
    command: BaseCommand, archive: Path, *, slug: str | None, trust: list[str], as_copy: bool
) -> Imported:
    """Make an organization from the file, showing progress, and say what came of it.

    Args:
        slug: its subdomain here; the archive's own if None.
        as_copy: a suspended copy beside the live organization, without money.

    Raises:
        CommandError: it was refused or failed; nothing was kept.
    """
    name = "restore_organization" if as_copy else "import_organization"
    progress = Progress(command.stderr)
    try:
        with archive.open("rb") as source:
            made = import_archive(
                actor=system_actor(f"command:{name}"),
                source=source,
                trusted=trusted_keys(*trust),
                slug=slug,
                as_copy=as_copy,
                report=progress,
            )
    except DomainError as error:
        raise CommandError(refusal(error)) from error
    except (OSError, DatabaseError, psycopg.Error) as error:
        raise CommandError(f"Nothing was kept. {error}") from error
    finally:
        progress.end()
    command.stdout.write(
        f"{made.host} ({made.organization_id}): {made.rows} rows and {made.files} files,"
        f" {made.tables_compared} tables read back and equal; {made.users_made} people new,"
        f" {made.users_found} known here; {made.ids_changed} ids changed."
    )
    return made
