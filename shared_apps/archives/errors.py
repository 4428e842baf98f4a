"""Refusals around archives."""

from shared_apps.core.errors import Conflict, DomainError, InvalidInput, Kind


class ExportRunning(Conflict):
    """Another export of the organization has not ended."""

    code = "export_running"
    title = "An export of this organization is running."
    advice = "Wait for it: its archive tells how far it is."


class ArchiveNotReady(Conflict):
    """The archive is not written yet, or the export failed."""

    code = "archive_not_ready"
    title = "The archive is not ready."
    advice = "Read the archive again; once its state is ready it can be downloaded."


class ArchiveGone(DomainError):
    """The archive was kept for its time and removed."""

    code = "archive_gone"
    kind = Kind.GONE
    title = "The archive is no longer kept."
    advice = "Ask for a new export."


class ArchiveLinkExpired(DomainError):
    """The link was good, for five minutes."""

    code = "link_expired"
    kind = Kind.GONE
    title = "The link has expired."
    advice = "Ask for a new link."


class NothingToExport(Conflict):
    """The organization has no schema: it is being made, or was deleted."""

    code = "nothing_to_export"
    title = "The organization has no data to export."


class StorageFull(DomainError):
    """There is no room for the archive."""

    code = "storage_full"
    kind = Kind.UNAVAILABLE
    title = "There is no room left to write the archive."
    advice = "Make room, then retry the job."


class ArchiveDamaged(InvalidInput):
    """The bytes are not what was signed."""

    code = "archive_damaged"
    title = "The archive is damaged or was changed."
    advice = "Fetch it again from where it was made."


class SignatureNotTrusted(InvalidInput):
    """The archive was signed with a key that was not said to be trusted."""

    code = "signature_not_trusted"
    title = "The archive's signature is not one that is trusted here."
    advice = "Get the public key of the installation that made it, by another way than the archive."


class ArchiveRefused(InvalidInput):
    """The archive is whole, but cannot be taken in here."""

    code = "archive_refused"
    title = "The archive cannot be imported here."


class ImportDiffers(DomainError):
    """What stands in the tables after the load is not what the archive holds. Nothing was kept."""

    code = "import_differs"
    title = "The loaded rows differ from the archive's, so nothing was kept."
