"""Shapes of the files slice."""

from typing import Any

from rest_framework import serializers

from tenant_apps.media.models import StoredFile


class FileFilter(serializers.Serializer[Any]):
    """Query of the list."""

    search = serializers.CharField(
        max_length=100, required=False, help_text="Part of the name, the alternative text or the caption."
    )
    content_type = serializers.CharField(
        max_length=100,
        required=False,
        help_text='A type such as "application/pdf", or "image" for all pictures.',
    )


class UploadFileIn(serializers.Serializer[Any]):
    """The form of an upload."""

    file = serializers.FileField(max_length=200, allow_empty_file=True)


class DownloadIn(serializers.Serializer[Any]):
    """Query of a download."""

    sig = serializers.CharField(max_length=500, help_text="From the link.")


class FileOut(serializers.ModelSerializer[StoredFile]):
    """A file; `size` is in bytes, `width` and `height` of a picture in pixels."""

    class Meta:
        model = StoredFile
        fields = (
            "id",
            "name",
            "content_type",
            "size",
            "sha256",
            "width",
            "height",
            "alt_text",
            "caption",
            "created_at",
        )


class DescribeFileIn(serializers.Serializer[Any]):
    """What the library says of a file; a fact left out stays."""

    alt_text = serializers.CharField(max_length=300, required=False, allow_blank=True)
    caption = serializers.CharField(max_length=500, required=False, allow_blank=True)


class DownloadLinkOut(serializers.Serializer[Any]):
    """Where to fetch the file, and until when."""

    url = serializers.CharField(help_text="Path on this host.")
    expires_at = serializers.DateTimeField()
