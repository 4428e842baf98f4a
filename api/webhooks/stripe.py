"""Stripe's messages: verified on their raw bytes, kept once, answered at once."""

import structlog
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from api.core.errors import django_problem
from billing.gateways.stripe_gateway import BadSignature, stripe_gateway
from billing.services.inbox import take_in
from shared_apps.core.errors import InvalidInput, NotFound

log = structlog.get_logger(__name__)

MOST_BYTES = 1_048_576


class SignatureRefused(InvalidInput):
    """The message is not one that Stripe signed for this endpoint, or it is too old."""

    code = "signature_refused"
    title = "The signature of the message is not good."
    advice = "Check the endpoint's secret and the clock of this server."


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """Keep a message of Stripe; 404 where payments are not set up, never "verified" without a secret."""
    gateway = stripe_gateway()
    if gateway is None or not gateway.can_verify:
        return django_problem(request, NotFound())
    if int(request.headers.get("Content-Length") or 0) > MOST_BYTES:
        return django_problem(request, SignatureRefused())
    try:
        notice = gateway.verify(request.body, request.headers.get("Stripe-Signature", ""))
    except BadSignature:
        log.warning("gateway_signature_refused", gateway="stripe")
        return django_problem(request, SignatureRefused())
    take_in([notice])
    return HttpResponse(status=200)
