"""Shapes of cohorts."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenant_apps.cohorts.selectors.cohorts import cohort_acts
from tenant_apps.cohorts.services.places import PlaceOutcome
from tenant_apps.runs.services.enrolling import EnrollOutcome

LEAVE_RULES = (("keep", "Keep the enrollment"), ("withdraw", "Withdraw from the run"))


class CohortCanOut(serializers.Serializer[Any]):
    """What is open to the caller; `place` puts people in and takes them out."""

    edit = serializers.BooleanField()
    delete = serializers.BooleanField()
    place = serializers.BooleanField()
    set_managers = serializers.BooleanField()


class CohortOut(serializers.Serializer[Any]):
    """A cohort, with how many people are in it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    run_id = serializers.UUIDField(allow_null=True)
    run_title = serializers.CharField(allow_null=True)
    starts_on = serializers.DateField(allow_null=True)
    leave_rule = serializers.ChoiceField(choices=LEAVE_RULES)
    member_count = serializers.IntegerField()
    can = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    @extend_schema_field(CohortCanOut)
    def get_can(self, cohort: dict[str, Any]) -> dict[str, bool]:
        """Return what is open to the caller."""
        return cohort_acts(self.context["view"].actor)


class CohortChangeIn(serializers.Serializer[Any]):
    """What can be changed of a cohort. A new run enrols everybody who is in the cohort."""

    name = serializers.CharField(max_length=120, required=False)
    run_id = serializers.UUIDField(allow_null=True, required=False)
    starts_on = serializers.DateField(allow_null=True, required=False)
    leave_rule = serializers.ChoiceField(choices=LEAVE_RULES, required=False)


class CohortIn(CohortChangeIn):
    """A new cohort."""

    name = serializers.CharField(max_length=120)


class PlaceOut(serializers.Serializer[Any]):
    """Somebody in a cohort."""

    id = serializers.UUIDField()
    member_id = serializers.UUIDField()
    member_name = serializers.CharField(allow_blank=True)
    member_email = serializers.EmailField()
    joined_at = serializers.DateTimeField()


class PlacesIn(serializers.Serializer[Any]):
    """Who is meant."""

    member_ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=1000)


class PlaceRowOut(serializers.Serializer[Any]):
    """The result for one person."""

    member_id = serializers.UUIDField()
    outcome = serializers.ChoiceField(choices=[(outcome.value, outcome.value) for outcome in PlaceOutcome])
    enrollment = serializers.ChoiceField(
        choices=[(outcome.value, outcome.value) for outcome in EnrollOutcome], allow_null=True
    )
    enrollment_id = serializers.UUIDField(allow_null=True)
    code = serializers.CharField(allow_null=True, help_text="Why the person was refused.")
    facts = serializers.DictField()


class PlacesOut(serializers.Serializer[Any]):
    """One result for each person asked for, in the order asked."""

    results = PlaceRowOut(many=True)


class CohortManagerOut(serializers.Serializer[Any]):
    """Somebody who may manage the cohort."""

    member_id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    email = serializers.EmailField()


class CohortManagerIn(serializers.Serializer[Any]):
    """Whether a member may manage the cohort."""

    member_id = serializers.UUIDField()
    manages = serializers.BooleanField()
