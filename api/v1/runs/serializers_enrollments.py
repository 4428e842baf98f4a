"""Shapes of enrollments, of the reasons for their access, and of waiting lists."""

from typing import Any

from rest_framework import serializers

from api.core.callers import caller_of
from api.core.money import MoneyOut, money
from tenant_apps.runs.enums import EnrollmentSource, EnrollmentState
from tenant_apps.runs.selectors.acts import enrollment_acts
from tenant_apps.runs.services.enrolling import EnrollOutcome, EnrollRow


class EnrollmentOut(serializers.Serializer[Any]):
    """An enrollment. Access ends at `expires_at`, where the last live grant ends; null is for ever."""

    id = serializers.UUIDField()
    run_id = serializers.UUIDField()
    member_id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=EnrollmentState.choices)
    state_reason = serializers.CharField(allow_blank=True)
    source = serializers.ChoiceField(choices=EnrollmentSource.choices)  # type: ignore[assignment]
    enrolled_by_id = serializers.UUIDField(allow_null=True)
    activated_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    attempt = serializers.IntegerField()
    started_at = serializers.DateTimeField(allow_null=True)
    price_paid = MoneyOut(allow_null=True, help_text="What was paid, as it was then.")
    order_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def to_representation(self, instance: Any) -> Any:
        """Tell the price as a sum."""
        return super().to_representation(shown_enrollment(instance))


class NeededCourseOut(serializers.Serializer[Any]):
    """A course that should have been completed before."""

    course_id = serializers.UUIDField()
    slug = serializers.CharField()
    title = serializers.CharField()


class EnrolledOut(EnrollmentOut):
    """The enrollment that asking made or found."""

    advised = NeededCourseOut(many=True, help_text="Courses advised before this one, not completed yet.")


class WaitingAnswerOut(serializers.Serializer[Any]):
    """The run is full: the person is on its waiting list."""

    outcome = serializers.ChoiceField(choices=["waiting"])
    run_id = serializers.UUIDField()
    member_id = serializers.UUIDField()
    place = serializers.IntegerField(min_value=1)


class EnrollmentCanOut(serializers.Serializer[Any]):
    """What the caller can do to the enrollment now."""

    withdraw = serializers.BooleanField()
    suspend = serializers.BooleanField()
    reactivate = serializers.BooleanField()
    set_expiry = serializers.BooleanField()
    grants = serializers.BooleanField()


class EnrollmentDetailOut(EnrollmentOut):
    """An enrollment with whose it is and where."""

    member_name = serializers.CharField(allow_blank=True)
    member_email = serializers.EmailField()
    department = serializers.CharField(allow_blank=True)
    run_title = serializers.CharField()
    course_id = serializers.UUIDField()
    course_title = serializers.CharField()
    can = EnrollmentCanOut()

    def to_representation(self, instance: Any) -> Any:
        """Add what the caller can do."""
        acts = enrollment_acts(caller_of(self.context["request"]), instance)
        return super().to_representation({**instance, "can": acts})


class EnrollmentIn(serializers.Serializer[Any]):
    """Whom to enrol, and until when; without that, by the course's terms of access."""

    member_id = serializers.UUIDField()
    expires_at = serializers.DateTimeField(allow_null=True, required=False)
    ignore_prerequisites = serializers.BooleanField(
        required=False, help_text="Enrol without the courses that are required before; for administrators."
    )


class EnrollmentChangeIn(serializers.Serializer[Any]):
    """The instant access ends; null for never."""

    expires_at = serializers.DateTimeField(allow_null=True)


class EnrollmentReasonIn(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)


class BulkEnrollmentIn(serializers.Serializer[Any]):
    """Whom to enrol, and until when."""

    member_ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=1000)
    expires_at = serializers.DateTimeField(allow_null=True, required=False)
    ignore_prerequisites = serializers.BooleanField(required=False)


class EnrollRowOut(serializers.Serializer[Any]):
    """The result for one person."""

    member_id = serializers.UUIDField()
    outcome = serializers.ChoiceField(choices=[(outcome.value, outcome.value) for outcome in EnrollOutcome])
    enrollment_id = serializers.UUIDField(allow_null=True)
    place = serializers.IntegerField(allow_null=True, help_text="On the waiting list, counted from 1.")
    advised = NeededCourseOut(many=True)
    code = serializers.CharField(allow_null=True, help_text="Why the person was refused.")
    facts = serializers.DictField()


class BulkEnrollmentOut(serializers.Serializer[Any]):
    """One result for each person asked for, in the order asked."""

    results = EnrollRowOut(many=True)


class EnrollmentQuery(serializers.Serializer[Any]):
    """Filters and order of a list of enrollments."""

    state = serializers.ChoiceField(choices=EnrollmentState.choices, required=False)
    source = serializers.ChoiceField(choices=EnrollmentSource.choices, required=False)  # type: ignore[assignment]
    department = serializers.CharField(max_length=150, required=False)
    search = serializers.CharField(max_length=200, required=False, help_text="In names and addresses.")
    sort = serializers.ChoiceField(choices=["newest", "oldest", "name", "-name", "updated"], default="newest")


class AllEnrollmentsQuery(EnrollmentQuery):
    """Filters of the list over all runs."""

    member_id = serializers.UUIDField(required=False)
    course_id = serializers.UUIDField(required=False)


class GrantOut(serializers.Serializer[Any]):
    """One reason for access. It is over with `ends_at` or `revoked_at`, whichever comes first."""

    id = serializers.UUIDField()
    source = serializers.ChoiceField(choices=EnrollmentSource.choices)  # type: ignore[assignment]
    reference = serializers.CharField(allow_blank=True)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    granted_by_id = serializers.UUIDField(allow_null=True)
    is_live = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class GrantIn(serializers.Serializer[Any]):
    """A reason for access. The same source and reference again is the same grant."""

    source = serializers.ChoiceField(
        choices=EnrollmentSource.choices,
        default=EnrollmentSource.ADMIN,  # type: ignore[assignment]
    )
    reference = serializers.CharField(max_length=64, required=False, allow_blank=True)
    ends_at = serializers.DateTimeField(allow_null=True, required=False)
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True)


class WaitingPlaceOut(serializers.Serializer[Any]):
    """Somebody on a waiting list."""

    place = serializers.IntegerField()
    member_id = serializers.UUIDField()
    member_name = serializers.CharField()
    member_email = serializers.EmailField()
    source = serializers.ChoiceField(choices=EnrollmentSource.choices)  # type: ignore[assignment]
    asked_by_id = serializers.UUIDField(allow_null=True)
    waiting_since = serializers.DateTimeField()
    passed_over = serializers.CharField(
        allow_null=True, help_text="Code of what would keep them out if a place became free now."
    )


def shown_enrollment(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row of an enrollment with its price as a sum."""
    minor = row["price_paid_minor"]
    return {**row, "price_paid": None if minor is None else money(minor, row["price_currency"])}


def enrolled(row: EnrollRow) -> dict[str, Any]:
    """Return the answer to one enrolment, shaped as `EnrolledOut`; plain, since it is asked for often."""
    shown = shown_enrollment(row.enrollment)
    del shown["price_paid_minor"], shown["price_currency"]
    return shown | {"advised": list(row.advised)}


def row_result(row: EnrollRow) -> dict[str, Any]:
    """Return one row of a bulk answer, shaped as `EnrollRowOut`."""
    return {
        "member_id": row.member_id,
        "outcome": row.outcome,
        "enrollment_id": row.enrollment.get("id"),
        "place": row.place,
        "advised": list(row.advised),
        "code": row.refusal.code if row.refusal else None,
        "facts": row.refusal.facts if row.refusal else {},
    }
