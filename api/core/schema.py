"""How the OpenAPI documents are made: stable operation ids, tags by slice, shared error answers."""

from typing import Any

from drf_spectacular.openapi import AutoSchema

from api.core.errors import PROBLEM_TYPE

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem document.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable word for programs."},
        "detail": {"type": "string", "description": "What to do next."},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "facts": {"type": "object", "additionalProperties": True},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}

_SHARED = {
    "400": "A value was not accepted.",
    "401": "Nobody is signed in, or the sign-in is for another host.",
    "403": "Signed in, but without the right.",
    "404": "Nothing there that the caller may see.",
    "405": "The address does not take the method.",
    "406": "The format is not offered.",
    "409": "The object's state does not allow it.",
    "412": "The object has changed since it was read.",
    "413": "The body is too large.",
    "415": "The media type is not taken.",
    "428": "If-Match is missing.",
    "429": "Too many requests.",
    "503": "Not ready or busy; try again.",
}


class PalaestraSchema(AutoSchema):
    """Operation ids are `<slice>_<action>`, so that generated clients read well."""

    def get_operation_id(self) -> str:
        """Return `<basename>_<action>`."""
        action = getattr(self.view, "action", self.method.lower())
        basename = getattr(self.view, "basename", None) or self.view.__class__.__name__.lower()
        return f"{basename}_{action}".replace("-", "_")

    def get_tags(self) -> list[str]:
        """Return the slice the view lives in."""
        return [self.view.__module__.split(".")[2]]


def add_shared_answers(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add the problem schema and the refusals every operation can answer with."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _PROBLEM
    components["responses"] = {
        f"Problem{code}": {
            "description": text,
            "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for code, text in _SHARED.items()
    }
    for operations in result.get("paths", {}).values():
        for method, operation in operations.items():
            if method not in {"get", "post", "put", "patch", "delete"}:
                continue
            for code in _codes_for(method, operation):
                operation["responses"].setdefault(code, {"$ref": f"#/components/responses/Problem{code}"})
            if method == "post":
                operation.setdefault("parameters", []).append(
                    {
                        "in": "header",
                        "name": "Idempotency-Key",
                        "required": False,
                        "schema": {"type": "string", "minLength": 8, "maxLength": 200},
                        "description": "A repeat with the same key gets the first answer.",
                    }
                )
    return result


def _codes_for(method: str, operation: dict[str, Any]) -> list[str]:
    codes = ["400", "401", "403", "404", "405", "406", "429", "503"]
    if method != "get":
        codes += ["409", "412", "413", "415", "428"]
    return codes
