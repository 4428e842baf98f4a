"""Stripe's messages: verified on their raw bytes, kept once, answered at once."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from api.core.errors import django_problem
from billing.gateways.stripe_gateway import BadSignature, stripe_gateway
from billing.services.gateway.inbox import take_in
from billing.services.gateway.signatures import note_refused_signature
from shared_apps.core.errors import DomainError, InvalidInput, Kind, NotFound

MOST_BYTES = 1_048_576


class SignatureRefused(InvalidInput):
    """The message is not one that Stripe signed for this endpoint, or it is too old."""

    code = "signature_refused"
    title = "The signature of the message is not good."
    advice = "Check the endpoint's secret and the clock of this server."


class MessageTooLarge(DomainError):
    """Stripe's messages are a few kilobytes."""

    code = "message_too_large"
    kind = Kind.TOO_LARGE
    title = "The message is larger than any that Stripe sends."


@csrf_exempt
def receive(request: HttpRequest) -> HttpResponse:
    """Keep a message of Stripe; 404 where payments are not set up, never "verified" without a secret."""
    gateway = stripe_gateway()
    if gateway is None or not gateway.can_verify:
        return django_problem(request, NotFound())
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    # The server reads a body no further than its Content-Length, and nothing of one without it.
    if _declared_bytes(request) > MOST_BYTES:
        return django_problem(request, MessageTooLarge())
    try:
        notice = gateway.verify(request.body, request.headers.get("Stripe-Signature", ""))
    except BadSignature:
        note_refused_signature()
        return django_problem(request, SignatureRefused())
    take_in([notice])
    return HttpResponse(status=200)


def _declared_bytes(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
