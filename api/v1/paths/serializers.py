"""Shapes of learning paths."""

from typing import Any

from rest_framework import serializers

from tenant_apps.courses.enums import Level, PriceType
from tenant_apps.paths.enums import PathEnrollmentState, PathState, StepKind, StepState
from tenant_apps.paths.services.enrolling import PathOutcome

MAX_STEPS = 200
LONGEST_AMOUNT = 10**12


class PathQuery(serializers.Serializer[Any]):
    """Query of the list."""

    state = serializers.ChoiceField(choices=PathState.choices, required=False)
    level = serializers.ChoiceField(choices=Level.choices, required=False)
    search = serializers.CharField(max_length=100, required=False)


class PathPriceOut(serializers.Serializer[Any]):
    """An amount in minor units, with its currency."""

    amount_minor = serializers.IntegerField()
    currency = serializers.CharField()


class MyPlaceOut(serializers.Serializer[Any]):
    """The caller's own place on a path."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=PathEnrollmentState.choices)
    percent = serializers.IntegerField()


class PathCanOut(serializers.Serializer[Any]):
    """What the caller can do to this path."""

    edit = serializers.BooleanField()
    publish = serializers.BooleanField()
    archive = serializers.BooleanField()
    delete = serializers.BooleanField()
    enroll = serializers.BooleanField()
    join = serializers.BooleanField()
    set_managers = serializers.BooleanField()


class PathOut(serializers.Serializer[Any]):
    """A path. `revision` is its ETag."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)
    level = serializers.ChoiceField(choices=Level.choices)
    hours = serializers.IntegerField()
    outcomes = serializers.ListField(child=serializers.CharField())
    is_sequential = serializers.BooleanField()
    is_open_to_members = serializers.BooleanField()
    price_type = serializers.ChoiceField(choices=PriceType.choices)
    price = PathPriceOut(allow_null=True)
    state = serializers.ChoiceField(choices=PathState.choices)
    revision = serializers.IntegerField()
    owner_id = serializers.UUIDField()
    step_count = serializers.IntegerField()
    enrolled_count = serializers.IntegerField()
    my_enrollment = MyPlaceOut(allow_null=True)
    can = PathCanOut()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class PathStepOut(serializers.Serializer[Any]):
    """A step of a path."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=StepKind.choices)
    title = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)
    position = serializers.IntegerField()
    is_required = serializers.BooleanField()
    is_locked = serializers.BooleanField()
    due_days = serializers.IntegerField(allow_null=True)
    course_id = serializers.UUIDField(allow_null=True)
    course_title = serializers.CharField(allow_null=True)
    run_id = serializers.UUIDField(allow_null=True)
    run_title = serializers.CharField(allow_null=True)
    pass_percent = serializers.IntegerField(allow_null=True)
    is_by_hand = serializers.BooleanField()


class PathDetailOut(PathOut):
    """A path with its steps."""

    steps = PathStepOut(many=True)


class PathChangeIn(serializers.Serializer[Any]):
    """Facts to write; fields left out stay. A priced path needs an amount and a currency."""

    slug = serializers.SlugField(max_length=80, required=False)
    title = serializers.CharField(max_length=200, required=False)
    summary = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    level = serializers.ChoiceField(choices=Level.choices, required=False)
    hours = serializers.IntegerField(min_value=0, max_value=10_000, required=False)
    outcomes = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=50, required=False
    )
    is_sequential = serializers.BooleanField(required=False)
    is_open_to_members = serializers.BooleanField(required=False)
    price_type = serializers.ChoiceField(choices=(PriceType.FREE, PriceType.PAID), required=False)
    price_minor = serializers.IntegerField(
        min_value=0, max_value=LONGEST_AMOUNT, allow_null=True, required=False
    )
    currency = serializers.CharField(max_length=3, allow_blank=True, required=False)


class PathIn(PathChangeIn):
    """A new path."""

    slug = serializers.SlugField(max_length=80)
    title = serializers.CharField(max_length=200)


class StepIn(serializers.Serializer[Any]):
    """A step the path is to have; with `id` one that is there, whose facts left out stay."""

    id = serializers.UUIDField(required=False)
    kind = serializers.ChoiceField(choices=StepKind.choices)
    title = serializers.CharField(max_length=200)
    summary = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    is_required = serializers.BooleanField(required=False)
    is_locked = serializers.BooleanField(required=False)
    due_days = serializers.IntegerField(min_value=0, max_value=3650, allow_null=True, required=False)
    course_id = serializers.UUIDField(allow_null=True, required=False)
    run_id = serializers.UUIDField(allow_null=True, required=False)
    pass_percent = serializers.IntegerField(min_value=0, max_value=100, allow_null=True, required=False)
    is_by_hand = serializers.BooleanField(required=False)


class StepsIn(serializers.Serializer[Any]):
    """All steps of the path, in order."""

    steps = serializers.ListField(child=StepIn(), max_length=MAX_STEPS)


class PlaceQuery(serializers.Serializer[Any]):
    """Query of the people on a path."""

    state = serializers.ChoiceField(choices=PathEnrollmentState.choices, required=False)
    search = serializers.CharField(max_length=100, required=False)


class PathPlaceOut(serializers.Serializer[Any]):
    """Somebody on a path."""

    id = serializers.UUIDField()
    member_id = serializers.UUIDField()
    member_name = serializers.CharField(allow_blank=True)
    member_email = serializers.EmailField()
    state = serializers.ChoiceField(choices=PathEnrollmentState.choices)
    percent = serializers.IntegerField()
    current_step_id = serializers.UUIDField(allow_null=True)
    current_step_title = serializers.CharField(allow_null=True)
    started_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)
    paused_at = serializers.DateTimeField(allow_null=True)


class PathMembersIn(serializers.Serializer[Any]):
    """Who is meant."""

    member_ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=1000)


class PathRowOut(serializers.Serializer[Any]):
    """The result for one person."""

    member_id = serializers.UUIDField()
    outcome = serializers.ChoiceField(choices=[(outcome.value, outcome.value) for outcome in PathOutcome])
    enrollment_id = serializers.UUIDField(allow_null=True)
    code = serializers.CharField(allow_null=True, help_text="Why the person was refused.")
    facts = serializers.DictField()


class PathRowsOut(serializers.Serializer[Any]):
    """One result for each person asked for, in the order asked."""

    results = PathRowOut(many=True)


class PathRefOut(serializers.Serializer[Any]):
    """The path of a place."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    title = serializers.CharField()


class NextDueOut(serializers.Serializer[Any]):
    """The next deadline: in UTC, and as the learner's clock shows it."""

    step_id = serializers.UUIDField()
    at = serializers.DateTimeField()
    local = serializers.CharField()


class MyPathCanOut(serializers.Serializer[Any]):
    """What can be done with the place now."""

    pause = serializers.BooleanField()
    resume = serializers.BooleanField()
    withdraw = serializers.BooleanField()


class MyPathOut(serializers.Serializer[Any]):
    """A learner's place on a path."""

    id = serializers.UUIDField()
    path = PathRefOut()
    member_id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=PathEnrollmentState.choices)
    percent = serializers.IntegerField()
    current_step_id = serializers.UUIDField(allow_null=True)
    next_due = NextDueOut(allow_null=True)
    started_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)
    paused_at = serializers.DateTimeField(allow_null=True)
    timezone = serializers.CharField()
    can = MyPathCanOut()


class StepCourseOut(serializers.Serializer[Any]):
    """The course of a step."""

    id = serializers.UUIDField()
    title = serializers.CharField()


class MyStepOut(serializers.Serializer[Any]):
    """A step as its learner meets it: what became of it, whether it is open, and by when it is due."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=StepKind.choices)
    title = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)
    position = serializers.IntegerField()
    is_required = serializers.BooleanField()
    course = StepCourseOut(allow_null=True)
    pass_percent = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(choices=StepState.choices, allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    course_enrollment_id = serializers.UUIDField(allow_null=True)
    submission = serializers.CharField(allow_blank=True)
    submission_url = serializers.CharField(allow_blank=True)
    submitted_at = serializers.DateTimeField(allow_null=True)
    score_percent = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    access = serializers.CharField(help_text='"open", or the code of what is in the way.')
    access_facts = serializers.DictField()
    due_at = serializers.DateTimeField(allow_null=True)
    due_local = serializers.CharField(allow_null=True)


class MyPathDetailOut(MyPathOut):
    """A learner's place on a path, with its steps."""

    steps = MyStepOut(many=True)


class SubmissionIn(serializers.Serializer[Any]):
    """A project handed in: a text, an address, or both."""

    text = serializers.CharField(max_length=50_000, required=False, allow_blank=True, default="")
    url = serializers.URLField(max_length=500, required=False, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse an empty one."""
        if not attrs["text"].strip() and not attrs["url"]:
            raise serializers.ValidationError({"text": ["Send a text or an address."]})
        return attrs


class DecisionIn(serializers.Serializer[Any]):
    """What became of a step: `passed` for projects and milestones, `score_percent` for quizzes."""

    passed = serializers.BooleanField(required=False, allow_null=True, default=None)
    score_percent = serializers.IntegerField(
        min_value=0, max_value=100, required=False, allow_null=True, default=None
    )
    reason = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class CourseStartedOut(serializers.Serializer[Any]):
    """The enrollment in the course that a step led to, as in /my-courses."""

    course_enrollment_id = serializers.UUIDField()


class PathManagerOut(serializers.Serializer[Any]):
    """Somebody who may manage the path."""

    member_id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    email = serializers.EmailField()


class PathManagerIn(serializers.Serializer[Any]):
    """Whether a member may manage the path."""

    member_id = serializers.UUIDField()
    manages = serializers.BooleanField()
