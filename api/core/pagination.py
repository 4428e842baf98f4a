"""Cursor pagination: stable under inserts, constant cost at any depth."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from shared_apps.core.errors import InvalidInput


class BadCursor(InvalidInput):
    """The cursor is none that a page of this list gave out."""

    code = "bad_cursor"
    title = "The cursor does not belong to this list."
    advice = "Follow `next` and `previous` as they are, or start at the first page."


class PageByCursor(CursorPagination):
    """`?limit=` up to 200; `next` and `previous` are whole addresses with an opaque cursor."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering: str | tuple[str, ...] = "-id"

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """Return the rows of the page that the query asks for.

        Raises:
            BadCursor: not base64, or a position that the ordering's column cannot be compared with.
        """
        try:
            return super().paginate_queryset(queryset, request, view)
        except (NotFound, ValidationError, ValueError, DataError) as error:
            if self.cursor_query_param not in request.query_params:
                raise
            raise BadCursor(field=self.cursor_query_param) from error

    def get_paginated_response(self, data: Any) -> Response:
        """Return one page."""
        return Response({"results": data, "next": self.get_next_link(), "previous": self.get_previous_link()})

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        """Describe one page for the API document."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }
