"""Shapes of runs."""

from typing import Any

from rest_framework import serializers

from api.core.callers import caller_of
from api.core.money import MoneyOut, money
from billing.money import MOST_MINOR, STRIPE
from tenant_apps.courses.enums import CourseState
from tenant_apps.runs.content.times import MOMENTS, shown_moments
from tenant_apps.runs.enums import EnrollmentState, Pacing, RunState
from tenant_apps.runs.policies import RIGHTS
from tenant_apps.runs.selectors.acts import run_acts

WALL_TIME = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$"


class WallTimeField(serializers.RegexField):
    """Wall time of a zone: a date with hours and minutes, without an offset; empty for none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            WALL_TIME,
            max_length=16,
            allow_blank=True,
            required=False,
            help_text="As clocks show it in the run's `timezone`: 2026-03-29T09:00. Instead of `..._at`.",
            **options,
        )


class MoneyOverrideIn(serializers.Serializer[Any]):
    """A sum; nothing makes the run free."""

    amount_minor = serializers.IntegerField(min_value=0, max_value=MOST_MINOR)
    currency = serializers.ChoiceField(choices=sorted(code.upper() for code in STRIPE))


class RunCanOut(serializers.Serializer[Any]):
    """What the caller can do to the run now."""

    edit = serializers.BooleanField()
    close = serializers.BooleanField()
    reopen = serializers.BooleanField()
    cancel = serializers.BooleanField()
    staff = serializers.BooleanField()
    dates = serializers.BooleanField()
    see_roster = serializers.BooleanField()
    enrol = serializers.BooleanField()
    join = serializers.BooleanField()
    leave = serializers.BooleanField()


class RunPlaceOut(serializers.Serializer[Any]):
    """Where the caller stands in the run."""

    enrollment_id = serializers.UUIDField(allow_null=True)
    state = serializers.ChoiceField(choices=EnrollmentState.choices, allow_null=True)
    waiting_since = serializers.DateTimeField(allow_null=True)


class RunOut(serializers.Serializer[Any]):
    """A run, with how many people are in it. `..._at` is UTC; `..._local` is the same moment as clocks show
    it in `timezone`. Moments in `kept_as_wall_time` follow the zone when that changes."""

    id = serializers.UUIDField()
    course_id = serializers.UUIDField()
    course_title = serializers.CharField()
    course_state = serializers.ChoiceField(choices=CourseState.choices)
    version_id = serializers.UUIDField()
    version_number = serializers.IntegerField()
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=RunState.choices)
    starts_at = serializers.DateTimeField(allow_null=True)
    starts_local = serializers.CharField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    ends_local = serializers.CharField(allow_null=True)
    enrollment_opens_at = serializers.DateTimeField(allow_null=True)
    enrollment_opens_local = serializers.CharField(allow_null=True)
    enrollment_closes_at = serializers.DateTimeField(allow_null=True)
    enrollment_closes_local = serializers.CharField(allow_null=True)
    kept_as_wall_time = serializers.ListField(child=serializers.CharField(), help_text=", ".join(MOMENTS))
    timezone = serializers.CharField()
    pacing = serializers.ChoiceField(choices=Pacing.choices)
    capacity = serializers.IntegerField(allow_null=True)
    has_waiting_list = serializers.BooleanField()
    is_open_to_members = serializers.BooleanField()
    is_always_open = serializers.BooleanField()
    price_override = MoneyOut(allow_null=True, help_text="Instead of the course's price; null leaves that.")
    enrolled_count = serializers.IntegerField()
    completed_count = serializers.IntegerField()
    waiting_count = serializers.IntegerField()
    mine = RunPlaceOut()
    can = RunCanOut()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def to_representation(self, instance: Any) -> Any:
        """Add what is told from the row: wall times, the caller's place and acts."""
        actor, minor = caller_of(self.context["request"]), instance["price_minor"]
        more = {
            "price_override": None if minor is None else money(minor, instance["currency"]),
            "mine": {
                "enrollment_id": instance["my_enrollment_id"],
                "state": instance["my_state"],
                "waiting_since": instance["my_waiting_since"],
            },
            "can": run_acts(actor, instance),
        }
        return super().to_representation({**instance, **shown_moments(instance), **more})


class RunChangeIn(serializers.Serializer[Any]):
    """What can be changed of a run; its version cannot. A moment comes as an instant or as wall time."""

    title = serializers.CharField(max_length=200, required=False)
    starts_at = serializers.DateTimeField(allow_null=True, required=False)
    starts_local = WallTimeField()
    ends_at = serializers.DateTimeField(allow_null=True, required=False)
    ends_local = WallTimeField()
    enrollment_opens_at = serializers.DateTimeField(allow_null=True, required=False)
    enrollment_opens_local = WallTimeField()
    enrollment_closes_at = serializers.DateTimeField(allow_null=True, required=False)
    enrollment_closes_local = WallTimeField()
    timezone = serializers.CharField(max_length=64, required=False)
    pacing = serializers.ChoiceField(choices=Pacing.choices, required=False)
    capacity = serializers.IntegerField(min_value=1, max_value=1_000_000, allow_null=True, required=False)
    has_waiting_list = serializers.BooleanField(required=False)
    is_open_to_members = serializers.BooleanField(required=False)
    price_override = MoneyOverrideIn(allow_null=True, required=False)


class RunIn(RunChangeIn):
    """A new run."""

    course_id = serializers.UUIDField()
    version_id = serializers.UUIDField()
    title = serializers.CharField(max_length=200)


class RunQuery(serializers.Serializer[Any]):
    """Filters and order of the list of runs."""

    course_id = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(choices=RunState.choices, required=False)
    window = serializers.ChoiceField(choices=["current", "upcoming", "past"], required=False)
    taught_by_me = serializers.BooleanField(required=False, help_text="Runs the caller holds a right on.")
    joinable = serializers.BooleanField(required=False, help_text="Runs that are open to members.")
    search = serializers.CharField(max_length=200, required=False, help_text="In run and course titles.")
    sort = serializers.ChoiceField(
        choices=["newest", "oldest", "starts", "-starts", "title", "-title"], default="newest"
    )


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


class RunPageOut(RunOut):
    """A run with all that its screen shows. The last two are null for whoever may not see the roster."""

    state_counts = serializers.DictField(
        child=serializers.IntegerField(), allow_null=True, help_text="People by state of their enrollment."
    )
    staff = StaffOut(many=True, allow_null=True)


class AlwaysOpenOut(serializers.Serializer[Any]):
    """The run that stands in for a course without dates."""

    run_id = serializers.UUIDField()
