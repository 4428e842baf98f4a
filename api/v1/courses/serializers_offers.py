"""The page of one course in the catalogue."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.core.money import MoneyOut, money
from api.v1.courses.serializers_catalogue import CatalogueCardOut, SeoOut, SwitchesOut, words_of
from tenant_apps.courses.enums import InstructorRole, LessonKind, NeedKind, RelationKind
from tenant_apps.runs.enums import Pacing
from tenant_apps.runs.selectors.catalogue import JoinableRun


class OfferedTopicOut(serializers.Serializer[Any]):
    """A topic by its title."""

    id = serializers.UUIDField()
    lineage = serializers.UUIDField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=LessonKind.choices)
    minutes = serializers.IntegerField()
    is_preview = serializers.BooleanField()
    is_required = serializers.BooleanField()


class OfferedLessonOut(OfferedTopicOut):
    """A lesson by its title; its body is for those in a run, unless it is a preview."""

    topics = OfferedTopicOut(many=True)


class OfferedModuleOut(serializers.Serializer[Any]):
    """A module with the titles of its lessons."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)
    lessons = OfferedLessonOut(many=True)


class InstructorCardOut(serializers.Serializer[Any]):
    """Who teaches the course."""

    member_id = serializers.UUIDField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=InstructorRole.choices)
    headline = serializers.CharField(allow_blank=True)
    short_bio = serializers.CharField(allow_blank=True)


class PrerequisiteOut(serializers.Serializer[Any]):
    """A course to have completed before; `is_completed` is the caller's."""

    course_id = serializers.UUIDField(source="needed.course_id")
    slug = serializers.CharField(source="needed.slug")
    title = serializers.CharField(source="needed.title")
    kind = serializers.ChoiceField(choices=NeedKind.choices, source="needed.kind")
    is_completed = serializers.BooleanField()


class RelatedOut(serializers.Serializer[Any]):
    """A related course."""

    course_id = serializers.UUIDField()
    slug = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=RelationKind.choices)


class JoinableRunOut(serializers.Serializer[Any]):
    """A run that takes members who come by themselves, now; `free` is null where everybody fits."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    timezone = serializers.CharField()
    pacing = serializers.ChoiceField(choices=Pacing.choices)
    is_always_open = serializers.BooleanField()
    enrollment_closes_at = serializers.DateTimeField(allow_null=True)
    free = serializers.IntegerField(allow_null=True)
    has_waiting_list = serializers.BooleanField()
    price = serializers.SerializerMethodField(help_text="Instead of the course's; null leaves that.")

    @extend_schema_field(MoneyOut(allow_null=True))
    def get_price(self, run: JoinableRun) -> dict[str, Any] | None:
        """Return the run's own price."""
        return None if run.price_minor is None else money(run.price_minor, run.currency)


class OfferOut(CatalogueCardOut):
    """A course of the catalogue with all that its page shows."""

    requirements = serializers.ListField(child=serializers.CharField())
    outcomes = serializers.ListField(child=serializers.CharField())
    audience = serializers.ListField(child=serializers.CharField())
    seo = SeoOut()
    switches = SwitchesOut()
    outline = OfferedModuleOut(many=True)
    instructors = InstructorCardOut(many=True)
    prerequisites = PrerequisiteOut(many=True)
    related = RelatedOut(many=True)
    runs = JoinableRunOut(many=True)

    class Meta(CatalogueCardOut.Meta):
        fields = (
            *CatalogueCardOut.Meta.fields,
            "requirements",
            "outcomes",
            "audience",
            "seo",
            "switches",
            "outline",
            "instructors",
            "prerequisites",
            "related",
            "runs",
        )

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Add what surrounds the course."""
        return (
            super().to_representation(instance.entry)
            | words_of(instance.entry)
            | {
                "outline": OfferedModuleOut(instance.outline, many=True).data,
                "instructors": InstructorCardOut(instance.instructors, many=True).data,
                "prerequisites": PrerequisiteOut(instance.prerequisites, many=True).data,
                "related": RelatedOut(instance.related, many=True).data,
                "runs": JoinableRunOut(instance.runs, many=True).data,
            }
        )
