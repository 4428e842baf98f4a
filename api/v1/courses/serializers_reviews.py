"""Shapes of submissions and of how versions stand with their reviewers."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.v1.courses.serializers import VersionOut, VersionTreeOut
from tenant_apps.courses.enums import CourseState, ReviewStanding, ReviewState
from tenant_apps.courses.selectors.acts import VERSION_ACTS, review_standing, version_acts
from tenant_apps.courses.selectors.reviews import review_acts


class SubmitIn(serializers.Serializer[Any]):
    """What the author says to the reviewers."""

    message = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class ApproveIn(serializers.Serializer[Any]):
    """What the reviewer says to the author, if anything."""

    reason = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class RejectIn(serializers.Serializer[Any]):
    """Why the draft goes back."""

    reason = serializers.CharField(max_length=1000)


class ReasonIn(serializers.Serializer[Any]):
    """Why, for those who may work on the course."""

    reason = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class ReviewFilter(serializers.Serializer[Any]):
    """Query of the queue."""

    state = serializers.ChoiceField(choices=ReviewState.choices, required=False)
    course_id = serializers.UUIDField(required=False)
    version_id = serializers.UUIDField(required=False, help_text="The history of one version.")
    to_decide = serializers.BooleanField(
        default=False, help_text="Only what waits for the caller: pending, not edited since, not own work."
    )
    mine = serializers.BooleanField(default=False, help_text="Only what the caller submitted.")


class ReviewCountsOut(serializers.Serializer[Any]):
    """Numbers of submissions; `mine` counts the pending ones."""

    pending = serializers.IntegerField()
    approved = serializers.IntegerField()
    rejected = serializers.IntegerField()
    withdrawn = serializers.IntegerField()
    to_decide = serializers.IntegerField()
    mine = serializers.IntegerField()


class PersonOut(serializers.Serializer[Any]):
    """A member by name."""

    id = serializers.UUIDField(source="pk")
    display_name = serializers.CharField()


class ReviewCanOut(serializers.Serializer[Any]):
    """What is open to the caller."""

    approve = serializers.BooleanField()
    reject = serializers.BooleanField()
    withdraw = serializers.BooleanField()


class ReviewOut(serializers.Serializer[Any]):
    """A draft handed in at `revision`; `is_outdated` when it was edited since, so that it can be approved no
    more."""

    id = serializers.UUIDField()
    version_id = serializers.UUIDField()
    version_number = serializers.IntegerField(source="version.number")
    course_id = serializers.UUIDField(source="course_of")
    course_title = serializers.CharField()
    course_state = serializers.ChoiceField(choices=CourseState.choices)
    revision = serializers.IntegerField()
    state = serializers.ChoiceField(choices=ReviewState.choices)
    is_outdated = serializers.SerializerMethodField()
    message = serializers.CharField(allow_blank=True)
    submitted_by = PersonOut(allow_null=True)
    created_at = serializers.DateTimeField()
    reason = serializers.CharField(allow_blank=True)
    decided_by = PersonOut(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    can = serializers.SerializerMethodField()

    def get_is_outdated(self, review: Any) -> bool:
        """Return whether the draft is not what was handed in any more."""
        return bool(review.revision != review.version.revision)

    @extend_schema_field(ReviewCanOut)
    def get_can(self, review: Any) -> dict[str, bool]:
        """Return what is open to the caller."""
        return review_acts(self.context["view"].actor, review)


class VersionCanOut(serializers.Serializer[Any]):
    """What the caller may do to this version, as it stands."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return one flag for each act."""
        return {name: serializers.BooleanField() for name in VERSION_ACTS}


class VersionRowOut(VersionOut):
    """A version in the list of its course."""

    review_state = serializers.SerializerMethodField()
    can = serializers.SerializerMethodField()

    class Meta(VersionOut.Meta):
        fields = (*VersionOut.Meta.fields, "approved_revision", "review_state", "can")  # type: ignore[assignment]

    @extend_schema_field(serializers.ChoiceField(choices=ReviewStanding.choices))
    def get_review_state(self, version: Any) -> str:
        """Return how far it has come with its reviewers."""
        return review_standing(version)

    @extend_schema_field(VersionCanOut)
    def get_can(self, version: Any) -> dict[str, bool]:
        """Return what is open to the caller."""
        view = self.context["view"]
        return version_acts(view.actor, version, review_required=view.review_required)


class VersionPageOut(VersionTreeOut):
    """A version with its whole content, and what stands between it and its learners."""

    review_state = serializers.ChoiceField(choices=ReviewStanding.choices)
    approved_revision = serializers.IntegerField(allow_null=True)
    review_required = serializers.BooleanField(
        help_text="Whether somebody else must approve the draft before it is published."
    )
    can = VersionCanOut()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Put the tree and its standing side by side: the instance is a pair of both."""
        tree, standing = instance
        return {
            **VersionTreeOut(tree, context=self.context).data,
            "review_state": standing.review_state,
            "approved_revision": standing.approved_revision,
            "review_required": standing.review_required,
            "can": dict(standing.can),
        }
