"""Reads on refunds, for operators."""

import uuid

from django.db.models import QuerySet

from billing.models import Refund, SubscriptionInvoice
from billing.policies import SUBSCRIPTIONS_VIEW
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require


def list_refunds(*, actor: Actor, invoice_id: uuid.UUID) -> QuerySet[Refund]:
    """Return what was given back of an invoice, newest first; NotFound when there is no such invoice."""
    require(actor, SUBSCRIPTIONS_VIEW)
    if not SubscriptionInvoice.objects.filter(id=invoice_id).exists():
        raise NotFound(invoice=str(invoice_id))
    return Refund.objects.filter(invoice_id=invoice_id)


def get_refund(*, actor: Actor, refund_id: uuid.UUID) -> Refund:
    """Return one refund; NotFound when there is none of this id."""
    require(actor, SUBSCRIPTIONS_VIEW)
    refund = Refund.objects.filter(id=refund_id).first()
    if refund is None:
        raise NotFound(refund=str(refund_id))
    return refund
