"""Shapes of moves of runs to other versions."""

from typing import Any

from rest_framework import serializers

from tenant_apps.learning.content.mapping import KINDS, MAX_LINEAGES, MAX_RULES
from tenant_apps.learning.selectors.move_effects import EFFECTS
from tenant_apps.learning.selectors.moves import move_learner
from tenant_apps.learning.services.move_undoing import UNDO_EFFECTS
from tenant_apps.runs.enums import EnrollmentState

_WHENS = ("all", "any")
_LEVELS = ("lesson", "topic")
_CHANGES = ("same", "moved", "added", "removed", "split", "merged", "replaced")


class MapRuleShape(serializers.Serializer[Any]):
    """What became of one or more lessons (or topics), by lineage."""

    kind = serializers.ChoiceField(
        choices=KINDS,
        help_text="`split`: one became several. `merged`: several became one. `replaced`: one stands for "
        "another. `removed`: gone on purpose, nothing is given for it.",
    )
    to = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=MAX_LINEAGES,
        required=False,
        help_text="In the new version.",
    )
    when = serializers.ChoiceField(
        choices=_WHENS,
        required=False,
        help_text="A merged lesson is completed by whoever completed all of them (the default), or any.",
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `from`, which is no name in Python."""
        lineages = serializers.ListField(
            child=serializers.UUIDField(),
            min_length=1,
            max_length=MAX_LINEAGES,
            help_text="In the version left.",
        )
        return {"from": lineages, **super().get_fields()}


class MoveIn(serializers.Serializer[Any]):
    """Where the run is to move, and what stands for lessons that are not simply the same there."""

    to_version_id = serializers.UUIDField(help_text="Another published version of the run's course.")
    mapping = serializers.ListField(child=MapRuleShape(), required=False, max_length=MAX_RULES)


class MoveDryRunIn(MoveIn):
    """A move to look at, and which learners to list."""

    only = serializers.ChoiceField(
        choices=("affected", *EFFECTS), required=False, help_text="Lists these learners alone."
    )
    after = serializers.UUIDField(required=False, help_text="`next_after` of the page before.")
    limit = serializers.IntegerField(min_value=1, max_value=200, default=50, help_text="Learners on a page.")


class MoveApplyIn(MoveIn):
    """A move that was looked at."""

    fingerprint = serializers.CharField(max_length=64, help_text="Of the dry run; nothing else is applied.")


class MoveCountsOut(serializers.Serializer[Any]):
    """How many learners each effect meets, and completed lessons lost and given in all."""

    learners = serializers.IntegerField()
    affected = serializers.IntegerField()
    completes = serializers.IntegerField(help_text="Have now done everything, and complete the course.")
    finished_with_new_work = serializers.IntegerField(
        help_text="Completed the course, which stays so, and new required lessons exist."
    )
    loses_work = serializers.IntegerField()
    new_work = serializers.IntegerField()
    percent_rises = serializers.IntegerField()
    percent_falls = serializers.IntegerField()
    dates_change = serializers.IntegerField()
    lessons_lost = serializers.IntegerField()
    lessons_given = serializers.IntegerField()


class UndoCountsOut(serializers.Serializer[Any]):
    """How many learners each effect of undoing met."""

    completion_taken_back = serializers.IntegerField()
    completion_earned_since = serializers.IntegerField()
    stays_completed = serializers.IntegerField()
    completes = serializers.IntegerField()
    worked_since = serializers.IntegerField()


class LessonChangeOut(serializers.Serializer[Any]):
    """What becomes of one lesson or topic; those that stay the same in every respect are left out."""

    lineage = serializers.UUIDField()
    title = serializers.CharField()
    level = serializers.ChoiceField(choices=_LEVELS)
    change = serializers.ChoiceField(choices=_CHANGES)
    to = serializers.ListField(child=serializers.UUIDField())
    required_before = serializers.BooleanField(allow_null=True)
    required_after = serializers.BooleanField(allow_null=True)
    weight_before = serializers.IntegerField(allow_null=True)
    weight_after = serializers.IntegerField(allow_null=True)


class DateUnitOut(serializers.Serializer[Any]):
    """A module, lesson or topic."""

    lineage = serializers.UUIDField()
    title = serializers.CharField()


class DateRuleOut(serializers.Serializer[Any]):
    """A rule of opening or due date that becomes another, and the units it does for; null is no rule."""

    units = DateUnitOut(many=True)
    what = serializers.ChoiceField(choices=("opens", "due"))
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField(allow_null=True)


class LooseDateOut(serializers.Serializer[Any]):
    """A date of the run for a unit that the new version has not; it is kept, and without effect."""

    lineage = serializers.UUIDField()
    opens_local = serializers.CharField(allow_blank=True)
    due_local = serializers.CharField(allow_blank=True)


class StandingOut(serializers.Serializer[Any]):
    """Where a learner stands."""

    state = serializers.ChoiceField(choices=EnrollmentState.choices)
    completed = serializers.IntegerField()
    required_completed = serializers.IntegerField()
    weight = serializers.IntegerField()
    percent = serializers.IntegerField()


class ChangedDateOut(serializers.Serializer[Any]):
    """A date of this learner before and after; null where there is none, or none can be told yet."""

    lineage = serializers.UUIDField()
    what = serializers.ChoiceField(choices=("opens", "due"))
    before = serializers.DateTimeField(allow_null=True)
    after = serializers.DateTimeField(allow_null=True)


class MoveLearnerOut(serializers.Serializer[Any]):
    """What the move means for one learner. Lessons are named by lineage."""

    enrollment_id = serializers.UUIDField()
    member_id = serializers.UUIDField()
    member_name = serializers.CharField(allow_blank=True)
    before = StandingOut()
    after = StandingOut()
    lost = serializers.ListField(child=serializers.UUIDField(), help_text="Completed, and gone.")
    new = serializers.ListField(child=serializers.UUIDField(), help_text="To be done, not asked before.")
    given = serializers.ListField(child=serializers.UUIDField(), help_text="Completed by the move.")
    dates = ChangedDateOut(many=True)
    effects = serializers.ListField(child=serializers.ChoiceField(choices=EFFECTS))
    undo_effects = serializers.ListField(
        child=serializers.ChoiceField(choices=UNDO_EFFECTS), help_text="What undoing the move met."
    )


class MoveLearnerRowOut(MoveLearnerOut):
    """The same of an applied move, whose rows name lessons by their place in the move's own list; that list
    is `move_keys` of the context."""

    def to_representation(self, instance: dict[str, Any]) -> dict[str, Any]:
        """Return the row with lineages for places."""
        return super().to_representation(move_learner(instance, *self.context["move_keys"]))


class MoveDryRunOut(serializers.Serializer[Any]):
    """What a move would do; nothing was written."""

    fingerprint = serializers.CharField(help_text="To be named when applying.")
    counts = MoveCountsOut()
    lessons = LessonChangeOut(many=True)
    date_rules = DateRuleOut(many=True)
    dates_without_unit = LooseDateOut(many=True)
    learners = MoveLearnerOut(many=True)
    next_after = serializers.UUIDField(allow_null=True, help_text="For the next page of learners.")


class MoveCanOut(serializers.Serializer[Any]):
    """What you can do with the move now."""

    undo = serializers.BooleanField(source="can_undo")


class MoveOut(serializers.Serializer[Any]):
    """A move that was applied."""

    id = serializers.UUIDField()
    run_id = serializers.UUIDField()
    from_version_id = serializers.UUIDField()
    from_number = serializers.IntegerField()
    to_version_id = serializers.UUIDField()
    to_number = serializers.IntegerField()
    moved_by_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    undo_until = serializers.DateTimeField()
    undone_at = serializers.DateTimeField(allow_null=True)
    undone_by_id = serializers.UUIDField(allow_null=True)
    counts = MoveCountsOut()
    undo_counts = UndoCountsOut(allow_null=True)
    can = MoveCanOut(source="*")


class MoveRuleOut(MapRuleShape):
    """A rule of the mapping as it was applied."""


class MoveDetailOut(MoveOut):
    """A move with what it did to lessons and dates."""

    mapping = MoveRuleOut(many=True, source="rules")
    lessons = LessonChangeOut(many=True)
    date_rules = DateRuleOut(many=True)
    dates_without_unit = LooseDateOut(many=True)
