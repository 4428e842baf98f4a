"""Shapes of courses as folders."""

from typing import Any

from rest_framework import serializers


class ImportCourseIn(serializers.Serializer[Any]):
    """The form of an import: a zip of a course folder."""

    file = serializers.FileField(max_length=200, allow_empty_file=True)
    publish = serializers.BooleanField(default=False, help_text="Publish the version as well.")


class ImportJobOut(serializers.Serializer[Any]):
    """The job that imports the course; poll it at its Location. Its result names course and version, or
    every mistake of the folder with file, line and column."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    state = serializers.CharField()
    done = serializers.IntegerField()
    total = serializers.IntegerField()
