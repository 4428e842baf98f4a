"""JSON in, by orjson: strict UTF-8, no lone surrogates, no NaN, and no deeper than anything here asks for."""

from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

# Far above any shape of the API, and below what serializing the body again could not follow.
DEEPEST = 64


class JSONParser(BaseParser):
    """Parses JSON bodies. The standard library's parser takes text that no database stores, and a body of
    nested lists alone exhausts its stack."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the parsed body.

        Raises:
            ParseError: not JSON in UTF-8, or nested deeper than DEEPEST.
            RequestDataTooBig: more than DATA_UPLOAD_MAX_MEMORY_SIZE, which Django asks of forms only; anybody
                could have a process read gigabytes into its memory.
        """
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(most + 1)
        if len(body) > most:
            raise RequestDataTooBig
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ParseError from error
        if _deeper_than(found, DEEPEST):
            raise ParseError
        return found


def _deeper_than(node: Any, limit: int) -> bool:
    if isinstance(node, dict):
        node = node.values()
    elif not isinstance(node, list):
        return False
    return limit == 0 or any(_deeper_than(inner, limit - 1) for inner in node)
