"""`Idempotency-Key` on POST: the second sending of a request gets the first one's answer."""

import hashlib
from typing import Any, ClassVar

import orjson
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.callers import caller_of
from api.core.errors import PROBLEM_TYPE
from api.core.renderers import JSONRenderer, to_json
from shared_apps.core.errors import InvalidInput
from shared_apps.idempotency.models import RememberedAnswer
from shared_apps.idempotency.services import begin, finish, forget

HEADER = "Idempotency-Key"
_KEPT_HEADERS = ("Location", "ETag", "Retry-After")
# An answer that says "try again" must not be remembered: the repeat would hear it for ever.
_RETRYABLE = frozenset({401, 403, 408, 409, 412, 423, 425, 428, 429})


class BadIdempotencyKey(InvalidInput):
    """The key has a wrong form."""

    code = "bad_idempotency_key"
    title = "The Idempotency-Key has a wrong form."
    advice = "Send 8 to 200 printable ASCII characters, fresh for each act; a UUID does well."


class _Replay(Exception):
    """Leaves the view early with a remembered answer."""

    def __init__(self, answer: RememberedAnswer) -> None:
        self.answer = answer
        super().__init__()


class IdempotentPosts:
    """Mixin for viewsets. A key belongs to the caller and the organization; the same key with another body
    is refused, and while the first request still runs the second gets 409.

    Attributes:
        remembers_answers: False where bodies and answers hold secrets: remembering would keep tokens in clear
            in a table, and the body's fingerprint would be a fast hash of a password. Keys are not looked at.
    """

    remembers_answers: ClassVar[bool] = True
    _running: RememberedAnswer | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After authentication, permission and throttle: look the key up.

        Raises:
            BadIdempotencyKey: wrong form.
        """
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        key = request.headers.get(HEADER)
        actor = caller_of(request)
        # Without a sign-in there is nobody the key could belong to: a stranger might hear another's answer.
        if request.method != "POST" or key is None or actor.user_id is None or not self.remembers_answers:
            return
        if not 8 <= len(key) <= 200 or not key.isascii() or not key.isprintable():
            raise BadIdempotencyKey(field=HEADER)
        organization = getattr(request._request, "organization", None)
        answer = begin(
            organization_id=organization.id if organization else None,
            caller=actor.user_id.hex,
            key=key,
            request_hash=_fingerprint(request),
        )
        if answer.status is not None:
            raise _Replay(answer)
        self._running = answer

    def handle_exception(self, error: Exception) -> Response:
        """Turn a replay into the remembered response; forget the key when the view failed with a fault."""
        if isinstance(error, _Replay):
            return _response_of(error.answer)
        try:
            return super().handle_exception(error)  # type: ignore[misc,no-any-return]
        except Exception:
            if self._running is not None:
                forget(self._running)
                self._running = None
            raise

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Remember a final answer, forget a retryable one."""
        finished: Response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        if self._running is not None:
            if finished.status_code >= 500 or finished.status_code in _RETRYABLE:
                forget(self._running)
            else:
                body = b"" if finished.data is None else to_json(finished.data)
                headers = {name: finished[name] for name in _KEPT_HEADERS if name in finished}
                finish(self._running, status=finished.status_code, headers=headers, body=body)
            self._running = None
        return finished


def _fingerprint(request: Request) -> bytes:
    digest = hashlib.sha256(request.get_full_path().encode())
    if request.content_type.startswith("multipart/"):
        # Boundaries differ between two sendings of one form; names, sizes and bytes of the parts do not.
        for name, value in sorted(dict(request.data.items()).items()):  # type: ignore[union-attr]  # a form, here
            digest.update(name.encode())
            digest.update(value.read() if hasattr(value, "read") else str(value).encode())
            if hasattr(value, "seek"):
                value.seek(0)
    else:
        digest.update(to_json(request.data))
    return digest.digest()


def _response_of(answer: RememberedAnswer) -> Response:
    data = orjson.loads(bytes(answer.body)) if answer.body else None
    status = answer.status or 200
    response = Response(data, status=status, content_type=PROBLEM_TYPE if status >= 400 else None)
    for name, value in answer.headers.items():
        response[name] = value
    response["Idempotency-Replayed"] = "true"
    response.accepted_renderer = JSONRenderer()
    return response
