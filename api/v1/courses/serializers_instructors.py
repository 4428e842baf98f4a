"""Shapes of instructors: their cards, and their parts in courses."""

from typing import Any

from rest_framework import serializers

from tenant_apps.courses.enums import InstructorRole, InstructorState
from tenant_apps.courses.services.profiles import MOST_HEADLINE, MOST_SHORT_BIO

MOST_INSTRUCTORS = 50


class MeritShape(serializers.Serializer[Any]):
    """A certification or an achievement."""

    title = serializers.CharField(max_length=200)
    issuer = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    year = serializers.IntegerField(
        min_value=1900, max_value=2200, required=False, allow_null=True, default=None
    )


class CardIn(serializers.Serializer[Any]):
    """Facts of one's own card; fields left out stay."""

    headline = serializers.CharField(max_length=MOST_HEADLINE, required=False, allow_blank=True)
    short_bio = serializers.CharField(max_length=MOST_SHORT_BIO, required=False, allow_blank=True)
    bio = serializers.CharField(
        max_length=20_000, required=False, allow_blank=True, trim_whitespace=False, help_text="Markdown."
    )
    expertise = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=30, required=False
    )
    links = serializers.DictField(
        child=serializers.CharField(max_length=500),
        required=False,
        help_text="Name of a site -> https address.",
    )
    certifications = serializers.ListField(child=MeritShape(), max_length=50, required=False)
    achievements = serializers.ListField(child=MeritShape(), max_length=50, required=False)

    def validate_links(self, links: dict[str, str]) -> dict[str, str]:
        """Refuse more, or longer, names than a card has room for."""
        if len(links) > 20 or any(len(site) > 60 or "\x00" in site for site in links):
            raise serializers.ValidationError("At most 20 links, each named in at most 60 characters.")
        return links


class CardFilter(serializers.Serializer[Any]):
    """Query of the cards."""

    state = serializers.ChoiceField(choices=InstructorState.choices, required=False)
    search = serializers.CharField(
        max_length=100, required=False, help_text="Words that each occur in the name or the headline."
    )


class DecideIn(serializers.Serializer[Any]):
    """What is decided about an instructor, and why; the instructor reads it."""

    state = serializers.ChoiceField(
        choices=[choice for choice in InstructorState.choices if choice[0] != InstructorState.PENDING]
    )
    reason = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Demand a reason for every decision against somebody."""
        if attrs["state"] != InstructorState.APPROVED and not attrs["reason"]:
            raise serializers.ValidationError({"reason": "Say why."})
        return attrs


class CardRowOut(serializers.Serializer[Any]):
    """A card in the list, with the name the company knows."""

    id = serializers.UUIDField(source="member_id")
    display_name = serializers.CharField(source="member.display_name")
    headline = serializers.CharField(allow_blank=True)
    short_bio = serializers.CharField(allow_blank=True)
    expertise = serializers.ListField(child=serializers.CharField())
    state = serializers.ChoiceField(choices=InstructorState.choices)


class CardCourseOut(serializers.Serializer[Any]):
    """A published course of an instructor."""

    id = serializers.UUIDField()
    slug = serializers.SlugField()
    title = serializers.CharField()
    summary = serializers.CharField(allow_blank=True)


class CardCanOut(serializers.Serializer[Any]):
    """What is open to the caller."""

    edit = serializers.BooleanField()
    approve = serializers.BooleanField()
    reject = serializers.BooleanField()
    suspend = serializers.BooleanField()


class CardOut(CardRowOut):
    """A whole card; `bio_html` is safe to show."""

    bio = serializers.CharField(allow_blank=True)
    bio_html = serializers.CharField(allow_blank=True)
    links = serializers.DictField(child=serializers.CharField())
    certifications = MeritShape(many=True)
    achievements = MeritShape(many=True)
    state_reason = serializers.CharField(allow_blank=True)
    state_changed_at = serializers.DateTimeField(allow_null=True)
    courses = CardCourseOut(many=True)
    can = CardCanOut()

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Put the profile's own fields beside courses and acts: the instance is an `InstructorCard`."""
        profile = instance.profile
        profile.courses, profile.can = instance.courses, instance.can
        return {**super().to_representation(profile), "state_reason": instance.state_reason}


class PartIn(serializers.Serializer[Any]):
    """What one member is in the making of a course."""

    member_id = serializers.UUIDField()
    role = serializers.ChoiceField(choices=InstructorRole.choices)
    share_percent = serializers.DecimalField(max_digits=5, decimal_places=2, min_value=0, max_value=100)


class PartsIn(serializers.Serializer[Any]):
    """All instructors of a course, in the order they are shown: one primary, shares of 100 together."""

    instructors = serializers.ListField(child=PartIn(), max_length=MOST_INSTRUCTORS)


class PartOut(serializers.Serializer[Any]):
    """Somebody's part in a course; the share is null for those who do not set the parts."""

    member_id = serializers.UUIDField()
    display_name = serializers.CharField()
    headline = serializers.CharField(allow_blank=True)
    role = serializers.ChoiceField(choices=InstructorRole.choices)
    share_percent = serializers.DecimalField(max_digits=5, decimal_places=2, allow_null=True)
