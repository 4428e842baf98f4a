"""Shapes of the archives slice."""

from typing import Any

from rest_framework import serializers

from shared_apps.archives.enums import ArchiveState
from shared_apps.archives.models import Archive


class ArchiveFilter(serializers.Serializer[Any]):
    """Query of the platform's list."""

    organization_id = serializers.UUIDField(required=False)


class ExportIn(serializers.Serializer[Any]):
    """What an export is for."""

    reason = serializers.CharField(
        max_length=200, required=False, default="", allow_blank=True, help_text="Stands in the audit log."
    )


class PlatformExportIn(ExportIn):
    """Which organization, for operators."""

    organization_id = serializers.UUIDField()


class ArchiveDownloadIn(serializers.Serializer[Any]):
    """Query of a download."""

    sig = serializers.CharField(max_length=500, help_text="The signature in the link.")


class ArchiveLinkOut(serializers.Serializer[Any]):
    """Where to download from, for five minutes."""

    url = serializers.CharField()
    expires_at = serializers.DateTimeField()


class ArchiveOut(serializers.ModelSerializer[Archive]):
    """One export: how far it is, and what the archive holds once it is ready."""

    organization_id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=ArchiveState.choices)
    percent = serializers.SerializerMethodField()
    requested_by = serializers.CharField()

    class Meta:
        model = Archive
        fields = (
            "id",
            "organization_id",
            "job_id",
            "state",
            "percent",
            "reason",
            "requested_by",
            "size",
            "sha256",
            "rows",
            "files",
            "schema_level",
            "key_id",
            "error_code",
            "created_at",
            "finished_at",
            "expires_at",
        )

    def get_percent(self, archive: Archive) -> int:
        """Return whole percents; 100 only once the archive is ready, at most 99 before."""
        if archive.state in {ArchiveState.READY, ArchiveState.REMOVED}:
            return 100
        done, total = getattr(archive, "done", 0), getattr(archive, "total", 0)
        return min(99, done * 100 // total) if total else 0
