"""Plain views of the platform host that machines ask: may a certificate be had, which key signs."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from api.core.errors import django_problem
from shared_apps.core.signing import key_id, public_key
from tenants.errors import HostNotFound
from tenants.selectors.hosts import may_have_certificate

_LONGEST_NAME = 253


@require_safe
def tls_ask(request: HttpRequest) -> HttpResponse:
    """Answer a proxy that would get a certificate for `?domain=` on demand: 200 yes, 404 no.

    It tells no more than a request to that host would, and costs no query for a host that is known.
    """
    domain = request.GET.get("domain", "").rstrip(".").lower()
    # What is no text of a name never reaches the registry: a NUL is an error to the database.
    is_name = domain.isascii() and domain.isprintable() and 0 < len(domain) <= _LONGEST_NAME
    if is_name and may_have_certificate(domain):
        return HttpResponse(status=200)
    return django_problem(request, HostNotFound())


@require_safe
def public_keys(request: HttpRequest) -> HttpResponse:
    """Publish the key that receipts, archives and evidence are signed with."""
    key = public_key()
    published = {"keys": [{"id": key_id(key), "algorithm": "ed25519", "public_key": key}]}
    return JsonResponse(published, headers={"Cache-Control": "public, max-age=3600"})
