"""Reads on acts on many seats."""

import uuid

from django.db.models import F, Func, IntegerField, QuerySet

from billing.enums import SeatActKind
from billing.models import SeatAct, SeatAssignment
from billing.selectors.seats import list_holdings


def list_acts(*, organization_id: uuid.UUID, kind: SeatActKind | None = None) -> QuerySet[SeatAct]:
    """Return the acts of an organization without whom they were about, but with how many: `seats`."""
    rows = (
        SeatAct.objects.filter(organization_id=organization_id)
        .defer("membership_ids")
        .annotate(seats=Func(F("membership_ids"), function="jsonb_array_length", output_field=IntegerField()))
    )
    return rows if kind is None else rows.filter(kind=kind)


def history_page(*, organization_id: uuid.UUID, after: uuid.UUID | None, most: int) -> list[SeatAssignment]:
    """Return the holdings that follow one, oldest first, as many as fit in a page."""
    rows = list_holdings(organization_id=organization_id)
    if after is not None:
        rows = rows.filter(id__gt=after)
    return list(rows.order_by("id")[:most])
