"""The ledger of seats, and the monthly statements that explain invoices by it."""

import uuid
from typing import ClassVar

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.billing.serializers_statements import (
    EntryFilter,
    EntryOut,
    LineFilter,
    StatementDetailOut,
    StatementOut,
    StatementPersonOut,
)
from api.v1.billing.statement_file import statement_lines
from billing.enums import EntryKind
from billing.selectors.ledger import list_entries
from billing.selectors.statements import (
    get_current_statement,
    get_statement,
    list_people,
    list_statements,
)
from tenants.context import current_organization


class LedgerViewSet(DomainViewSet):
    """Every change of seats, as the database posted it."""

    policies: ClassVar[dict[str, str]] = {"list": "billing.view"}

    @extend_schema(parameters=[EntryFilter], responses={200: EntryOut(many=True)})
    def list(self, request: Request) -> Response:
        """List postings, newest first."""
        wanted = self.parsed_query(EntryFilter)
        rows = list_entries(
            organization_id=current_organization().id,
            membership_id=wanted.get("member_id"),
            kind=EntryKind(wanted["kind"]) if "kind" in wanted else None,
            since=wanted.get("since"),
            until=wanted.get("until"),
        )
        return self.page(EntryOut, rows)


class StatementsViewSet(DomainViewSet):
    """What each line of an invoice stands for, in seats, time and people."""

    policies: ClassVar[dict[str, str]] = {
        "list": "billing.view",
        "retrieve": "billing.view",
        "current": "billing.view",
        "people": "billing.view",
        "file": "billing.view",
    }

    @extend_schema(responses={200: StatementOut(many=True)})
    def list(self, request: Request) -> Response:
        """List the statements of months that are over, newest first."""
        rows = list_statements(actor=self.actor, organization_id=current_organization().id)
        return self.page(StatementOut, rows, ordering=("-starts_at", "-id"))

    @extend_schema(responses={200: StatementDetailOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Read one statement with its lines."""
        found = get_statement(actor=self.actor, organization_id=current_organization().id, statement_id=pk)
        return self.answer(StatementDetailOut, found)

    @extend_schema(responses={200: StatementDetailOut})
    @action(detail=False, methods=["get"])
    def current(self, request: Request) -> Response:
        """Tell what the statement of the running month would say now. Nothing of it is kept."""
        found = get_current_statement(actor=self.actor, organization_id=current_organization().id)
        return self.answer(StatementDetailOut, found)

    @extend_schema(parameters=[LineFilter], responses={200: StatementPersonOut(many=True)})
    @action(detail=True, methods=["get"])
    def people(self, request: Request, pk: uuid.UUID) -> Response:
        """List who held seats, in the month or in the time of one line."""
        line = self.parsed_query(LineFilter)["line"]
        found = get_statement(actor=self.actor, organization_id=current_organization().id, statement_id=pk)
        return self.page(StatementPersonOut, list_people(statement=found, line=line), ordering="position")

    @extend_schema(
        operation_id="billing_statements_file",
        responses={
            (200, "text/csv"): OpenApiResponse(
                OpenApiTypes.STR, description="One line for each holding under each line of the invoices."
            )
        },
    )
    @action(detail=True, methods=["get"], url_path="people.csv")
    def file(self, request: Request, pk: uuid.UUID) -> StreamingHttpResponse:
        """Download who held seats, by the lines of the invoices; line 0 is the whole month.

        Cells that a spreadsheet would take for a formula begin with an apostrophe.
        """
        organization = current_organization()
        found = get_statement(actor=self.actor, organization_id=organization.id, statement_id=pk)
        name = f"seats-{organization.slug}-{found.starts_at:%Y-%m-%d}.csv"
        return StreamingHttpResponse(
            statement_lines(organization, found),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "private, no-store",
            },
        )
