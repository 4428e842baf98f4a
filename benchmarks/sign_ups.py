"""Creating organizations over HTTP, one after the other and many at once: what the operators' API takes."""

import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings

from benchmarks.clients import send_one
from benchmarks.load import LoadFailed, render
from benchmarks.stack import Web
from shared_apps.accounts.models import SignIn, User
from shared_apps.accounts.tokens import AccessClaims, encode_access
from tenants.services.organizations import host_of

PATH = "/api/v1/organizations"
# The first page of a host that anybody may see.
_PAGE = "/api/docs/"
_MOST_SECONDS = 30.0


def operator_token() -> str:
    """Return the access token of a new operator; in the shared scope."""
    user = User.objects.create_user(f"operator-{uuid.uuid4().hex[:8]}@palaestra.example", is_staff=True)
    sign_in = SignIn.objects.create(user=user)
    return encode_access(AccessClaims(user.id, None, None, sign_in.id, user.sign_in_epoch))


def creation(slug: str, token: str) -> bytes:
    """Return the request that creates one organization."""
    return render(
        "POST",
        PATH,
        {
            "Host": settings.PLATFORM_HOST,
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": uuid.uuid4().hex,
        },
        {
            "name": slug,
            "slug": slug,
            "owner_email": f"owner@{slug}.example",
            "timezone": "Europe/Berlin",
            "language": "en",
        },
    )


def create(web: Web, request: bytes) -> tuple[float, str]:
    """Create one organization; return milliseconds and its state.

    Raises:
        LoadFailed: it was refused.
    """
    started = time.perf_counter()
    status, body = send_one(web.port, request)
    took = (time.perf_counter() - started) * 1000
    answer: dict[str, Any] = json.loads(body) if status == 201 else {}
    if not answer.get("state"):
        raise LoadFailed(f"creating an organization answered {status}: {body[:500].decode(errors='replace')}")
    return took, str(answer["state"])


def storm(web: Web, token: str, *, size: int, name: str) -> list[float]:
    """Create organizations all at once; return for each the time to the first page at its host, in ms.

    Raises:
        LoadFailed: one was refused, or its host did not answer in 30 s.
    """
    together = threading.Barrier(size)

    def sign_up(number: int) -> float:
        slug = f"{name}-{number}"
        request = creation(slug, token)
        page = render("GET", _PAGE, {"Host": host_of(slug)})
        together.wait()
        started = time.perf_counter()
        create(web, request)
        while (status := send_one(web.port, page)[0]) != 200:
            if time.perf_counter() - started > _MOST_SECONDS:
                raise LoadFailed(f"the host of a new organization answers {status} after {_MOST_SECONDS} s")
            time.sleep(0.02)
        return (time.perf_counter() - started) * 1000

    with ThreadPoolExecutor(size) as threads:
        return list(threads.map(sign_up, range(size)))
