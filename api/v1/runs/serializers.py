"""Shapes of runs and enrollments."""

from typing import Any

from rest_framework import serializers

from tenant_apps.runs.enums import EnrollmentSource, EnrollmentState, RunState
from tenant_apps.runs.policies import RIGHTS
from tenant_apps.runs.services.enrolling import EnrollOutcome


class RunOut(serializers.Serializer[Any]):
    """A run, with how many people are in it. Times are UTC; show them in `timezone`."""

    id = serializers.UUIDField()
    course_id = serializers.UUIDField()
    course_title = serializers.CharField()
    version_id = serializers.UUIDField()
    version_number = serializers.IntegerField()
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=RunState.choices)
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    timezone = serializers.CharField()
    capacity = serializers.IntegerField(allow_null=True)
    enrolled_count = serializers.IntegerField()
    completed_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class RunChangeIn(serializers.Serializer[Any]):
    """What can be changed of a run; its version cannot."""

    title = serializers.CharField(max_length=200, required=False)
    starts_at = serializers.DateTimeField(allow_null=True, required=False)
    ends_at = serializers.DateTimeField(allow_null=True, required=False)
    timezone = serializers.CharField(max_length=64, required=False)
    capacity = serializers.IntegerField(min_value=1, max_value=1_000_000, allow_null=True, required=False)


class RunIn(RunChangeIn):
    """A new run."""

    course_id = serializers.UUIDField()
    version_id = serializers.UUIDField()
    title = serializers.CharField(max_length=200)


class RunQuery(serializers.Serializer[Any]):
    """Filters of the list of runs."""

    course_id = serializers.UUIDField(required=False)


class StaffOut(serializers.Serializer[Any]):
    """Somebody with rights on a run."""

    member_id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    email = serializers.EmailField()
    rights = serializers.ListField(child=serializers.ChoiceField(choices=RIGHTS))


class StaffIn(serializers.Serializer[Any]):
    """The rights a member is to have; an empty list takes all away."""

    member_id = serializers.UUIDField()
    rights = serializers.ListField(child=serializers.ChoiceField(choices=RIGHTS), max_length=len(RIGHTS))


class EnrollmentOut(serializers.Serializer[Any]):
    """An enrollment."""

    id = serializers.UUIDField()
    run_id = serializers.UUIDField()
    member_id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=EnrollmentState.choices)
    source = serializers.ChoiceField(choices=EnrollmentSource.choices)  # type: ignore[assignment]
    enrolled_by_id = serializers.UUIDField(allow_null=True)
    activated_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class EnrollmentDetailOut(EnrollmentOut):
    """An enrollment with the person's name."""

    member_name = serializers.CharField(allow_blank=True)
    member_email = serializers.EmailField()


class EnrollmentIn(serializers.Serializer[Any]):
    """Whom to enrol, and until when."""

    member_id = serializers.UUIDField()
    expires_at = serializers.DateTimeField(allow_null=True, required=False)


class EnrollmentChangeIn(serializers.Serializer[Any]):
    """The instant access ends; null for never."""

    expires_at = serializers.DateTimeField(allow_null=True)


class BulkEnrollmentIn(serializers.Serializer[Any]):
    """Whom to enrol, and until when."""

    member_ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=1000)
    expires_at = serializers.DateTimeField(allow_null=True, required=False)


class EnrollRowOut(serializers.Serializer[Any]):
    """The result for one person."""

    member_id = serializers.UUIDField()
    outcome = serializers.ChoiceField(choices=[(outcome.value, outcome.value) for outcome in EnrollOutcome])
    enrollment_id = serializers.UUIDField(allow_null=True)
    code = serializers.CharField(allow_null=True, help_text="Why the person was refused.")
    facts = serializers.DictField()


class BulkEnrollmentOut(serializers.Serializer[Any]):
    """One result for each person asked for, in the order asked."""

    results = EnrollRowOut(many=True)


class EnrollmentQuery(serializers.Serializer[Any]):
    """Filters of the list of enrollments."""

    state = serializers.ChoiceField(choices=EnrollmentState.choices, required=False)
