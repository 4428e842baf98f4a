"""What the operations of the OpenAPI documents share: the problem shape, its answers, and headers."""

from typing import Any

from api.core.errors import PROBLEM_TYPE

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem document: every refusal has this shape.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "description": "`urn:palaestra:problem:` and the code."},
        "title": {"type": "string", "description": "What happened, the same sentence for every occurrence."},
        "status": {"type": "integer", "description": "The HTTP status again."},
        "code": {"type": "string", "description": "Stable word for programs; decide by this one."},
        "detail": {"type": "string", "description": "What to do next."},
        "instance": {"type": "string", "description": "The path that was asked."},
        "request_id": {"type": "string", "description": "Finds the request in our logs; name it to support."},
        "facts": {
            "type": "object",
            "additionalProperties": True,
            "description": "Values about this one occurrence, such as `seats_free`.",
        },
        "why": {
            "type": "string",
            "description": "Where a 403 on a learner's way is explained, link by link.",
        },
        "errors": {
            "type": "array",
            "description": "One entry for each value that was not accepted.",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string", "description": "Dotted path in the body or query."},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}

# status -> (what it means, code and title of the example)
_REFUSALS: dict[str, tuple[str, str, str]] = {
    "400": ("A value was not accepted.", "invalid_input", "Some fields were not accepted."),
    "401": (
        "Nobody is signed in, or the sign-in is for another host.",
        "not_authenticated",
        "Sign in first.",
    ),
    "402": (
        "The subscription, or its plan, does not allow it until something is done.",
        "subscription_read_only",
        "Your subscription lets people only read for now.",
    ),
    "403": ("Signed in, but without the right.", "forbidden", "You may not do this."),
    "404": ("Nothing there that the caller may see.", "not_found", "There is nothing here."),
    "406": ("The format is not offered.", "not_acceptable", "No such format."),
    "409": (
        "The state of things does not allow it.",
        "conflict",
        "The object's state does not allow this.",
    ),
    "410": (
        "The link is used up, expired or taken back.",
        "invitation_not_valid",
        "This invitation is not valid any more.",
    ),
    "412": (
        "The object has changed since it was read.",
        "stale_version",
        "The object has changed since you read it.",
    ),
    "413": ("The body is too large.", "too_large", "The body is too large."),
    "415": (
        "The media type is not taken here.",
        "unsupported_media_type",
        "The body's media type is not taken here.",
    ),
    "428": ("If-Match is missing.", "if_match_required", "Say which state you are changing."),
    "429": ("Too many requests.", "rate_limited", "Too many requests."),
    "503": ("Not ready or busy; try again.", "busy", "Somebody else is changing this."),
}
_HEADERS_OF = {"401": ("WWW-Authenticate",), "429": ("Retry-After",), "503": ("Retry-After",)}


def _response(status: str) -> dict[str, Any]:
    text, code, title = _REFUSALS[status]
    example = {
        "type": f"urn:palaestra:problem:{code}",
        "title": title,
        "status": int(status),
        "code": code,
        "request_id": "0199f3b2c5d77b1e8a3f4c5d6e7f8091",
    }
    if status == "400":
        example["errors"] = [{"field": "name", "code": "required", "message": "This field is required."}]
    response: dict[str, Any] = {
        "description": text,
        "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}},
    }
    names = ("X-Request-ID", *_HEADERS_OF.get(status, ()))
    response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return response


RESPONSES: dict[str, Any] = {f"Problem{status}": _response(status) for status in _REFUSALS}

_COUNT = {"type": "integer", "minimum": 0}
RATE_LIMIT_HEADERS = (
    "RateLimit",
    "RateLimit-Policy",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
)
RESPONSE_HEADERS: dict[str, Any] = {
    "ETag": {
        "description": "The state of the object; send it back as If-Match.",
        "schema": {"type": "string"},
    },
    "Location": {
        "description": "Path of what was made, or of the job that makes it.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {"description": "Seconds to wait before asking again.", "schema": _COUNT},
    "RateLimit": {
        "description": "What is left of each budget, and the seconds until it is whole again: "
        '`"caller";r=1187;t=24`.',
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": 'Each budget, in requests and seconds: `"caller";q=1200;w=60`.',
        "schema": {"type": "string"},
    },
    "RateLimit-Limit": {"description": "Requests allowed in each 60 seconds.", "schema": _COUNT},
    "RateLimit-Remaining": {"description": "Requests left in this window.", "schema": _COUNT},
    "RateLimit-Reset": {"description": "Seconds until the window ends.", "schema": _COUNT},
    "WWW-Authenticate": {"description": "How to sign in.", "schema": {"type": "string"}},
    "X-Request-ID": {
        "description": "The request's id in our logs: the caller's own, where one of 8 to 64 letters, "
        "digits, dots, dashes or underscores was sent.",
        "required": True,
        "schema": {"type": "string"},
    },
}

REQUEST_HEADERS: dict[str, Any] = {
    "Idempotency-Key": {
        "in": "header",
        "name": "Idempotency-Key",
        "required": False,
        "schema": {"type": "string", "minLength": 8, "maxLength": 200, "pattern": "^[ -~]+$"},
        "description": "A fresh value for each act, such as a UUID. A repeat with the same key and body gets "
        "the first answer, marked `Idempotency-Replayed: true`; another body is refused with 400 "
        "`idempotency_key_reused`.",
    },
    "If-Match": {
        "in": "header",
        "name": "If-Match",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
        "description": "The ETag of the object as it was read.",
    },
}
