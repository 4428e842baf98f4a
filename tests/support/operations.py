"""Walk the operations of an OpenAPI document, and make acceptable values for what they ask."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.urls import set_urlconf
from drf_spectacular.generators import SchemaGenerator

URLCONFS = {"tenant": "api.urls_tenant", "platform": "api.urls_public"}
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    id: str
    method: str
    path: str
    parameters: tuple[dict[str, Any], ...] = ()
    body: dict[str, Any] | None = None
    content_type: str = "application/json"
    document: dict[str, Any] = field(default_factory=dict, repr=False, compare=False, hash=False)

    def url(self, value_of: Callable[[dict[str, Any]], Any]) -> str:
        """Return the path with its parameters filled in by `value_of(parameter)`."""
        url = self.path
        for parameter in self.parameters:
            if parameter["in"] == "path":
                url = url.replace("{" + parameter["name"] + "}", str(value_of(parameter)))
        return url


@cache
def document_of(host: str) -> dict[str, Any]:
    """Return the OpenAPI document of "tenant" or "platform"."""
    set_urlconf(URLCONFS[host])
    try:
        return dict(SchemaGenerator(urlconf=URLCONFS[host]).get_schema(request=None, public=True))
    finally:
        set_urlconf(None)


@cache
def operations_of(host: str) -> tuple[Operation, ...]:
    """Return every operation of the host's document, in order of path."""
    return tuple(_walk(document_of(host)))


def _walk(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method not in METHODS or operation["operationId"] == "openapi_get":
                continue
            content = operation.get("requestBody", {}).get("content", {})
            content_type = next(iter(content), "application/json")
            yield Operation(
                id=operation["operationId"],
                method=method,
                path=path,
                parameters=tuple(operation.get("parameters", ())),
                body=content.get(content_type, {}).get("schema") if content else None,
                content_type=content_type,
                document=document,
            )


def sample(
    schema: dict[str, Any], document: dict[str, Any], uuid_of: Callable[[str], Any], name: str = ""
) -> Any:
    """Return a value that fits the schema.

    Args:
        schema: a JSON schema of the document.
        document: resolves `$ref`.
        uuid_of: gives the id to use for a property of that name.
    """
    if "$ref" in schema:
        return sample(
            document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]], document, uuid_of, name
        )
    for key in ("allOf", "oneOf", "anyOf"):
        if key in schema:
            return sample(schema[key][0], document, uuid_of, name)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if isinstance(kind, list):  # ["string", "null"]
        kind = kind[0]
    if kind == "object":
        properties = schema.get("properties", {})
        return {
            key: sample(inner, document, uuid_of, key)
            for key, inner in properties.items()
            if not inner.get("readOnly")
        }
    if kind == "array":
        return [sample(schema.get("items", {}), document, uuid_of, name)]
    if kind == "integer":
        return max(int(schema.get("minimum", 1)), 1)
    if kind == "number":
        return 1.0
    if kind == "boolean":
        return True
    return _text(schema, uuid_of, name)


def _text(schema: dict[str, Any], uuid_of: Callable[[str], Any], name: str) -> str:
    known = {
        "date-time": "2027-01-04T09:00:00Z",
        "date": "2027-01-04",
        "email": f"sample-{uuid.uuid4().hex[:8]}@example.com",
        "uri": "https://www.youtube-nocookie.com/embed/abc",
        "binary": "",
    }
    if schema.get("format") == "uuid":
        return str(uuid_of(name))
    if schema.get("format") in known:
        return known[schema["format"]]
    if name == "timezone":
        return "Europe/Berlin"
    text = f"sample {name}"
    return text[: schema.get("maxLength", 100)].ljust(schema.get("minLength", 0), "x")
