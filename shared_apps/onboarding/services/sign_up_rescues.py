"""What operators do for a sign-up whose money is here and whose name is not: give another, or pay it back."""

import uuid

from billing.services.customers.sign_up_purchases import give_back_purchase
from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from shared_apps.onboarding.enums import SignUpStatus
from shared_apps.onboarding.errors import SignUpNeedsNoHelp
from shared_apps.onboarding.models import SignUp
from shared_apps.onboarding.policies import SIGN_UPS_MANAGE
from shared_apps.onboarding.services.sign_up_mails import do_mail_refunded
from shared_apps.onboarding.services.sign_up_provisioning import PAID_TOPIC, do_hold_again
from shared_apps.outbox.services.messages import Message, do_send

REFUNDING = "refunding"


def finish_sign_up(*, actor: Actor, sign_up_id: uuid.UUID, slug: str) -> SignUp:
    """Let a paid sign-up go on under a subdomain that is free; it is set up by the message that follows.

    Raises:
        NotFound: there is none.
        SignUpNeedsNoHelp: it does not wait for an operator, or its money is going back.
        NameMalformed, NameNotAvailable: the subdomain cannot be had.
    """
    with entry_transaction():
        require(actor, SIGN_UPS_MANAGE)
        row = _do_lock(sign_up_id)
        if row.problem == REFUNDING:
            raise SignUpNeedsNoHelp(status=row.status, problem=row.problem)
        former, row.slug = row.slug, slug
        do_hold_again(row)
        row.status, row.problem = SignUpStatus.PROVISIONING, ""
        row.save_fields("status", "problem", "slug", "held_name", "held_skeleton")
        do_record(
            actor=actor,
            action="sign_ups.finish",
            organization_id=None,
            target=row,
            changes={"slug": [former, row.slug]},
        )
        do_send([Message(PAID_TOPIC, {"checkout_id": str(row.checkout_id)})], organization_id=None)
    return row


def refund_sign_up(*, actor: Actor, sign_up_id: uuid.UUID) -> SignUp:
    """Give a paid sign-up's money back, and end its subscription. After a failure, called again, it goes on.

    Raises:
        NotFound: there is none.
        SignUpNeedsNoHelp: it does not wait for an operator.
        GatewayUnavailable, GatewayRefused: not all is given back; try again.
    """
    with entry_transaction():
        require(actor, SIGN_UPS_MANAGE)
        row = _do_lock(sign_up_id)
        checkout_id = row.checkout_id
        if checkout_id is None or row.organization_id is not None:
            raise SignUpNeedsNoHelp(status=row.status)
        # Written down first: nobody finishes it while the money is going back.
        row.problem = REFUNDING
        row.save_fields("problem")
    give_back_purchase(checkout_id)
    with entry_transaction():
        row = SignUp.objects.select_for_update(no_key=True).get(id=sign_up_id)
        if row.status == SignUpStatus.NEEDS_ATTENTION:
            row.status, row.problem, row.ended_by = SignUpStatus.REFUNDED, "", actor.label
            row.save_fields("status", "problem", "ended_by")
            do_mail_refunded(row)
            do_record(actor=actor, action="sign_ups.refund", organization_id=None, target=row)
    return row


def _do_lock(sign_up_id: uuid.UUID) -> SignUp:
    require_transaction()
    row = SignUp.objects.select_for_update(no_key=True).filter(id=sign_up_id).first()
    if row is None:
        raise NotFound(sign_up=str(sign_up_id))
    if row.status != SignUpStatus.NEEDS_ATTENTION:
        raise SignUpNeedsNoHelp(status=row.status)
    return row
