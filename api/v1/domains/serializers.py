"""Shapes of the domains slice."""

from typing import Any, TypedDict

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from shared_apps.onboarding.enums import DomainProblem, DomainState
from shared_apps.onboarding.selectors.domains import challenge_name, dns_target
from tenants.models import DomainClaim


class DomainIn(serializers.Serializer[Any]):
    """A host name of the organization's own."""

    domain = serializers.CharField(
        max_length=253, help_text="`learn.acme.example`; umlauts and the like too."
    )


class DnsRecord(TypedDict):
    """One record."""

    type: str
    name: str
    value: str


class DnsRecordOut(serializers.Serializer[DnsRecord]):
    """A DNS record that the domain's owner makes."""

    type = serializers.CharField(help_text="`TXT` proves the domain, `CNAME` leads people here.")
    name = serializers.CharField()
    value = serializers.CharField()


class DomainOut(serializers.ModelSerializer[DomainClaim]):
    """One custom domain: the records that prove it, and where it stands."""

    state = serializers.SerializerMethodField()
    problem = serializers.SerializerMethodField(help_text="What the last look at DNS found wrong.")
    is_primary = serializers.BooleanField(help_text="Whether links and mails name it.")
    stops_at = serializers.DateTimeField(
        allow_null=True, help_text="When a domain whose record is gone stops answering."
    )
    records = serializers.SerializerMethodField()

    class Meta:
        model = DomainClaim
        fields = (
            "id",
            "domain",
            "state",
            "problem",
            "is_primary",
            "proven_at",
            "checked_at",
            "stops_at",
            "records",
            "created_at",
        )

    @extend_schema_field(serializers.ChoiceField(choices=[state.value for state in DomainState]))
    def get_state(self, claim: Any) -> str:
        """Return where the domain stands."""
        if not claim.is_served:
            return DomainState.WAITING
        return DomainState.PROVEN if claim.stops_at is None else DomainState.FAILING

    @extend_schema_field(
        serializers.ChoiceField(choices=[each.value for each in DomainProblem], allow_null=True)
    )
    def get_problem(self, claim: Any) -> str | None:
        """Return the last look's finding."""
        return claim.problem or None

    @extend_schema_field(DnsRecordOut(many=True))
    def get_records(self, claim: Any) -> list[DnsRecord]:
        """Return the records to make."""
        return [
            {"type": "TXT", "name": challenge_name(claim.domain), "value": claim.token},
            {"type": "CNAME", "name": claim.domain, "value": dns_target()},
        ]
