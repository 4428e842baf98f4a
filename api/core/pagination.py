"""Cursor pagination: stable under inserts, constant cost at any depth."""

from typing import Any

from rest_framework.pagination import CursorPagination
from rest_framework.response import Response


class PageByCursor(CursorPagination):
    """`?limit=` up to 200; `next` and `previous` are whole addresses with an opaque cursor."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering: str | tuple[str, ...] = "-id"

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
