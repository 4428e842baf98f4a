"""Cursor pagination: stable under inserts, constant cost at any depth."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError
from rest_framework import serializers
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


DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200


class PageSizeQuery(serializers.Serializer[Any]):
    """How many rows a page has. Another number is refused: silently capped, a client would miss rows."""

    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_PAGE_SIZE, default=DEFAULT_PAGE_SIZE, help_text="Rows on a page."
    )


class PageByCursor(CursorPagination):
    """`?limit=` from 1 to 200; `next` and `previous` are whole addresses with an opaque cursor."""

    page_size = DEFAULT_PAGE_SIZE
    page_size_query_param = "limit"
    max_page_size = MAX_PAGE_SIZE
    ordering: str | tuple[str, ...] = "-id"

    def get_page_size(self, request: Request) -> int:
        """Return the number of rows asked for.

        Raises:
            serializers.ValidationError: `limit` is no number from 1 to 200.
        """
        query = PageSizeQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        size: int = query.validated_data["limit"]
        return size

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """Return the rows of the page that the query asks for.

        Raises:
            serializers.ValidationError: `limit` is no number from 1 to 200.
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

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Describe cursor and limit for the API document."""
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        size = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": DEFAULT_PAGE_SIZE}
        for parameter in parameters:
            if parameter["name"] == self.page_size_query_param:
                parameter.update(description="Rows on a page.", schema=size)
        return parameters

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        """Describe one page for the API document."""
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["results", "next", "previous"],
            "properties": {"results": schema, "next": link, "previous": link},
        }
