"""Shapes of a run's own dates."""

from typing import Any

from rest_framework import serializers

from api.v1.runs.serializers import WallTimeField


class RunDateIn(serializers.Serializer[Any]):
    """When one module or lesson opens and is due in this run; what is empty goes by the version."""

    lineage = serializers.UUIDField(help_text="Of the module or lesson, as the tree of the version has it.")
    opens_local = WallTimeField()
    due_local = WallTimeField()


class RunDatesIn(serializers.Serializer[Any]):
    """All dates of the run; units left out go by the version."""

    dates = serializers.ListField(child=RunDateIn(), max_length=2000)


class RunDateOut(serializers.Serializer[Any]):
    """The dates of one unit. `kind` is null when the run's version has it no more."""

    lineage = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=["module", "lesson", "topic"], allow_null=True)
    title = serializers.CharField(allow_blank=True)
    opens_local = serializers.CharField(allow_null=True)
    opens_at = serializers.DateTimeField(allow_null=True)
    due_local = serializers.CharField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)


class RunDatesOut(serializers.Serializer[Any]):
    """The run's dates in the order of the course, as wall time of its zone and as instants."""

    timezone = serializers.CharField()
    dates = RunDateOut(many=True)
