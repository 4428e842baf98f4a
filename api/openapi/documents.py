"""The two OpenAPI documents, made once in a process: what a host serves is what the committed file holds."""

import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.settings import patched_settings
from drf_spectacular.validation import validate_schema

from api.openapi.prose import CONVENTIONS, PLATFORM, TAGS, TENANT

FOLDER = Path(__file__).parent
# The generator keeps settings and warnings in module globals.
_generating = threading.Lock()


class DocumentIncomplete(Exception):
    """The generator had to guess something about an operation; each message says what and where."""

    def __init__(self, messages: list[str]) -> None:
        self.messages = messages
        super().__init__("\n".join(messages))


@dataclass(frozen=True, slots=True)
class Document:
    """One document.

    Attributes:
        urlconf: module whose operations it lists.
        introduction: Markdown above the conventions.
    """

    urlconf: str
    title: str
    introduction: str


DOCUMENTS = {
    "platform": Document("api.urls_public", "Palaestra platform API", PLATFORM),
    "tenant": Document("api.urls_tenant", "Palaestra tenant API", TENANT),
}


@cache
def make_document(name: str) -> dict[str, Any]:
    """Return one document.

    Args:
        name: "platform" or "tenant".

    Raises:
        DocumentIncomplete: the generator warned; what it guessed would be a promise nobody made.
    """
    document = DOCUMENTS[name]
    settings = {
        "TITLE": document.title,
        "DESCRIPTION": f"{document.introduction}\n\n{CONVENTIONS}",
        "TAGS": [{"name": tag, "description": text} for tag, text in TAGS.items()],
    }
    with _generating, patched_settings(settings):
        GENERATOR_STATS.reset()
        generator = SchemaGenerator(urlconf=document.urlconf)
        made = generator.get_schema(request=None, public=True)
        messages = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    if messages:
        raise DocumentIncomplete(messages)
    return dict(made)


def as_yaml(name: str) -> str:
    """Return one document as the committed file holds it, validated against the OpenAPI specification."""
    document = make_document(name)
    validate_schema(document)
    return str(OpenApiYamlRenderer().render(document, renderer_context={}).decode())


@cache
def document_json(name: str) -> bytes:
    """Return one document as JSON."""
    return orjson.dumps(make_document(name), option=orjson.OPT_NON_STR_KEYS)
