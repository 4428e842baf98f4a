"""How the OpenAPI documents are made: readable operation ids, tags by slice, and for every operation the
sign-in it needs, the headers it takes and gives, and the refusals it can answer with.

What a document says of an operation is read off the view itself (its policy, its parsers, whether it asks for
If-Match), so that it cannot say something else than the code does.
"""

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, TypeVar

from django.conf import settings
from drf_spectacular.openapi import AutoSchema

from api.core.schema_parts import PROBLEM, RATE_LIMIT_HEADERS, REQUEST_HEADERS, RESPONSE_HEADERS, RESPONSES
from shared_apps.core.policies import get_rule

Action = TypeVar("Action", bound=Callable[..., Any])

_PARAMETER = re.compile(r"\{\w+\}")
_METHODS = ("get", "post", "put", "patch", "delete")


def refuses(*codes: int) -> Callable[[Action], Action]:
    """Declare refusals of an action that cannot be read off its shape, such as 410 for a dead link."""

    def mark(action: Action) -> Action:
        action.refusal_codes = codes  # type: ignore[attr-defined]
        return action

    return mark


class PalaestraSchema(AutoSchema):
    """Operation ids are `<slice>_<action>`, so that generated clients read well."""

    def get_operation_id(self) -> str:
        """Return `<basename>_<action>`."""
        action = getattr(self.view, "action", self.method.lower())
        basename = getattr(self.view, "basename", None) or self.view.__class__.__name__.lower()
        return f"{basename}_{action}".replace("-", "_")

    def get_tags(self) -> list[str]:
        """Return the slice the view lives in."""
        return [self.view.__module__.split(".")[2].replace("_", "-")]

    def get_summary(self) -> str | None:
        """Return the first sentence of the action's docstring."""
        return _sentences(super().get_description())[0]

    def get_description(self) -> str:  # type: ignore[override]
        """Return what follows the first sentence."""
        return _sentences(super().get_description())[1]

    def get_auth(self) -> list[dict[str, Any]]:
        """Return the ways to sign in; none where the policy lets anyone in."""
        found = super().get_auth()
        return [] if self._is_open() else list(found)

    def get_operation(self, *args: Any, **options: Any) -> dict[str, Any] | None:
        """Return the operation with its security, headers and refusals."""
        operation = super().get_operation(*args, **options)
        if operation is None:
            return None
        operation.setdefault("security", [])
        parameters = operation.setdefault("parameters", [])
        if self.method == "POST" and operation["security"] and getattr(self.view, "remembers_answers", False):
            parameters.append(REQUEST_HEADERS["Idempotency-Key"])
        named = {parameter["name"] for parameter in parameters}
        if (self._uses("if_match") or self._uses("claimed_if_match")) and "If-Match" not in named:
            parameters.append(REQUEST_HEADERS["If-Match"])
        if not parameters:
            del operation["parameters"]
        for code, response in operation["responses"].items():
            self._complete(int(code), response)
        for code in sorted(self._refusals(operation)):
            reference = {"$ref": f"#/components/responses/Problem{code}"}
            operation["responses"].setdefault(str(code), reference)
        return dict(operation)

    def _complete(self, code: int, response: dict[str, Any]) -> None:
        response["description"] = response.get("description") or f"{HTTPStatus(code).phrase}."
        names = ["X-Request-ID", *RATE_LIMIT_HEADERS]
        if code in {201, 202} and self._uses_text("Location"):
            names.insert(0, "Location")
        for name in ("Retry-After", "ETag"):
            if self._uses_text(name):
                names.insert(0, name)
        headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        response["headers"] = {**headers, **response.get("headers", {})}

    def _refusals(self, operation: dict[str, Any]) -> set[int]:
        codes = {403, 406, 429, 503, *getattr(self._action(), "refusal_codes", ())}
        takes_body = "requestBody" in operation
        places = {parameter["in"] for parameter in operation.get("parameters", ())}
        if takes_body or places & {"query", "header"}:
            codes.add(400)
        if self.view.get_authenticators():
            codes.add(401)
        if "path" in places or (takes_body and not self._is_open()):
            codes.add(404)
        if self.method != "GET":
            codes.add(409)
        if takes_body:
            codes |= {413, 415}
        if self._uses("if_match") or self._uses("claimed_if_match"):
            codes |= {412, 428}
        if self._uses("optional_if_match"):
            codes.add(412)
        return codes

    def _is_open(self) -> bool:
        policy = getattr(self.view, "policies", {}).get(getattr(self.view, "action", None))
        return policy is not None and get_rule(policy).anyone

    def _action(self) -> Any:
        return getattr(self.view, getattr(self.view, "action", None) or "", None)

    def _code(self) -> list[Any]:
        """Return the code of the action and of the private methods and functions beside it that it calls."""
        action: Any = self._action()
        if not hasattr(action, "__code__"):
            return []
        called = [
            getattr(type(self.view), name, action.__globals__.get(name))
            for name in action.__code__.co_names
            if name.startswith("_")
        ]
        return [action.__code__, *(found.__code__ for found in called if hasattr(found, "__code__"))]

    def _uses(self, name: str) -> bool:
        return any(name in code.co_names for code in self._code())

    def _uses_text(self, text: str) -> bool:
        return any(_holds(code.co_consts, text) for code in self._code())


def _sentences(text: str) -> tuple[str, str]:
    """Return the first sentence without its full stop, and the rest."""
    first, _, rest = " ".join(text.split("\n\n")[0].split()).partition(". ")
    paragraphs = [rest, *(" ".join(paragraph.split()) for paragraph in text.split("\n\n")[1:])]
    return first.rstrip("."), "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _holds(constants: tuple[Any, ...], text: str) -> bool:
    """Tell whether code names the text, alone or among the keys of a dict (which compile to a tuple)."""
    return any(each == text or (isinstance(each, tuple) and text in each) for each in constants)


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from _references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _references(inner)


def _add_payment_refusals(result: dict[str, Any]) -> None:
    """Say 402 where an organization's host gives it: before every write but those that settle something."""
    for path, methods in result.get("paths", {}).items():
        sample = _PARAMETER.sub("0", path)
        if any(pattern.fullmatch(sample) for pattern in settings.UNSETTLED_WRITES):
            continue
        for method, operation in methods.items():
            if method in _METHODS and method != "get":
                reference = {"$ref": "#/components/responses/Problem402"}
                operation["responses"].setdefault("402", reference)


def add_shared_answers(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add the problem schema, its answers and the headers that operations refer to; drop unused tags."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    if generator.urlconf == settings.ROOT_URLCONF:
        _add_payment_refusals(result)
    operations = [
        operation
        for methods in result.get("paths", {}).values()
        for method, operation in methods.items()
        if method in _METHODS
    ]
    used = set(_references(operations))
    used |= set(
        _references([RESPONSES[name] for name in RESPONSES if f"#/components/responses/{name}" in used])
    )
    shared = {"responses": RESPONSES, "headers": RESPONSE_HEADERS}
    for kind, parts in shared.items():
        components[kind] = {
            name: part for name, part in parts.items() if f"#/components/{kind}/{name}" in used
        }
    tags = {tag for operation in operations for tag in operation.get("tags", ())}
    result["tags"] = [tag for tag in result.get("tags", []) if tag["name"] in tags]
    return result
