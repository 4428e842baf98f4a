"""Shapes of roster imports."""

from typing import Any

from rest_framework import serializers

from shared_apps.core.actors import Role
from tenant_apps.rosters.enums import ImportState, RowAction, RowResult
from tenant_apps.rosters.models import RosterImport, RosterRow

_ROLES = [role.value for role in Role if role is not Role.OWNER]


class RosterUploadIn(serializers.Serializer[Any]):
    """An HR export and what to do with it."""

    file = serializers.FileField(help_text="CSV in any of the usual encodings and delimiters.")
    create_cohorts = serializers.BooleanField(
        default=False, help_text="Make cohorts that do not exist; else their rows are refused."
    )
    default_role = serializers.ChoiceField(
        choices=_ROLES, default=Role.LEARNER.value, help_text="Role of new people whose row names none."
    )
    run_id = serializers.UUIDField(
        required=False, allow_null=True, default=None, help_text="A run to enrol everybody of the list in."
    )


class ApplyRosterIn(serializers.Serializer[Any]):
    """How to apply a plan."""

    partial = serializers.BooleanField(  # type: ignore[assignment]  # a declared field, not DRF's attribute
        default=False, help_text="Apply the good rows although others are refused."
    )


class RosterRowFilter(serializers.Serializer[Any]):
    """Which rows to list."""

    action = serializers.ChoiceField(choices=RowAction.choices, required=False)
    result = serializers.ChoiceField(choices=RowResult.choices, required=False)
    code = serializers.RegexField(r"^[a-z_]{1,60}$", required=False)


class RosterOptionsOut(serializers.Serializer[Any]):
    """What the uploader chose."""

    create_cohorts = serializers.BooleanField()
    default_role = serializers.ChoiceField(choices=_ROLES)
    run_id = serializers.UUIDField(allow_null=True)


class RosterCountsOut(serializers.Serializer[Any]):
    """Rows by what the plan would do with them."""

    rows = serializers.IntegerField()
    add = serializers.IntegerField()
    change = serializers.IntegerField()
    skip = serializers.IntegerField()
    refuse = serializers.IntegerField()
    warned = serializers.IntegerField(help_text="Rows that are taken, with a repair that their issues state.")


class RosterOut(serializers.ModelSerializer[RosterImport]):
    """One import with the summary of its plan."""

    columns = serializers.DictField(
        child=serializers.CharField(), help_text="Our column name to the header cell that was taken for it."
    )
    ignored_columns = serializers.ListField(child=serializers.CharField())
    options = RosterOptionsOut()
    counts = RosterCountsOut()
    state = serializers.ChoiceField(choices=ImportState.choices)

    class Meta:
        model = RosterImport
        fields = (
            "id",
            "created_at",
            "file_name",
            "file_size",
            "file_sha256",
            "encoding",
            "delimiter",
            "columns",
            "ignored_columns",
            "options",
            "state",
            "counts",
            "seats_needed",
            "seats_free",
            "uploaded_by_id",
            "job_id",
            "applied_at",
        )
        read_only_fields = fields


class RosterRowIssueOut(serializers.Serializer[Any]):
    """One finding about one cell."""

    column = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    severity = serializers.ChoiceField(choices=["refuse", "warn"])
    value = serializers.CharField(allow_blank=True)
    advice = serializers.CharField()
    related_row = serializers.IntegerField(required=False)


class RosterRowOut(serializers.ModelSerializer[RosterRow]):
    """One row of the list: what the plan says, and what applying did."""

    values = serializers.DictField(
        child=serializers.CharField(), help_text="What was understood, by column; empty cells are left out."
    )
    changes = serializers.DictField(
        child=serializers.ListField(child=serializers.JSONField()), help_text="By column: [old, new]."
    )
    issues = RosterRowIssueOut(many=True)

    class Meta:
        model = RosterRow
        fields = ("number", "action", "values", "changes", "issues", "result", "result_code", "member_id")
        read_only_fields = fields


class StartedJobOut(serializers.Serializer[Any]):
    """The job that applies the plan; poll it at its Location."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    state = serializers.CharField()
    done = serializers.IntegerField()
    total = serializers.IntegerField()
