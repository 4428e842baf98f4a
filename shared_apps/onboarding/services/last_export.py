"""The export that comes before a deletion: asked for at the request, waited for at the end of the grace."""

from datetime import timedelta
from typing import Any

from django.conf import settings

from shared_apps.archives.errors import ExportRunning
from shared_apps.archives.models import Archive
from shared_apps.archives.selectors.archives import finished_export
from shared_apps.archives.services.exporting import do_request_export
from shared_apps.core import clock
from shared_apps.core.actors import Actor, system_actor
from shared_apps.core.transactions import require_transaction
from shared_apps.onboarding.models import Offboarding
from tenants.models import Organization

_ACTOR = system_actor("onboarding.last_export")
_ASK_AGAIN_AFTER = timedelta(hours=1)
REASON = "before the deletion"


def do_ask_for_export(*, actor: Actor, organization: Organization, offboarding: Offboarding) -> None:
    """Ask for an archive of a closed organization, kept until after its deletion. While another export runs,
    whose snapshot may be older, it is asked again later."""
    require_transaction()
    keep = max(offboarding.delete_after - clock.now(), timedelta(0)) + settings.LAST_ARCHIVE_LIFETIME
    offboarding.export_asked_at = clock.now()
    offboarding.save_fields("export_asked_at")
    try:
        do_request_export(organization=organization, actor=actor, reason=REASON, keep_for=keep)
    except ExportRunning:
        offboarding.export_asked_at = None
        offboarding.save_fields("export_asked_at")


def do_settle_export(organization: Organization, offboarding: Offboarding) -> str:
    """Return why the export stands against the deletion, empty when it does not. Only an archive that was
    asked for after the organization was closed counts, since nobody wrote after that; a failed one is asked
    for again."""
    require_transaction()
    if offboarding.waiver:
        return ""
    archive = finished_export(organization.id)
    if archive is not None and archive.created_at >= offboarding.created_at:
        offboarding.export = _facts(archive)
        offboarding.save_fields("export")
        return ""
    asked_at = offboarding.export_asked_at
    if asked_at is None or clock.now() - asked_at >= _ASK_AGAIN_AFTER:
        do_ask_for_export(actor=_ACTOR, organization=organization, offboarding=offboarding)
    return "export_unfinished"


def _facts(archive: Archive) -> dict[str, Any]:
    return {
        "archive": str(archive.id),
        "bytes": archive.size,
        "sha256": archive.sha256,
        "rows": archive.rows,
        "files": archive.files,
        "kept_until": archive.expires_at.isoformat() if archive.expires_at else None,
    }
