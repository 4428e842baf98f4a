"""A paid sign-up becomes an organization. Only what the gateway says is paid counts, never a browser.

Told as often as it may be, by a message, the sweep or both at once, and killed between any two steps: each
step finds what the one before left, so one organization comes of it and one charge.
"""

import uuid

import structlog

from billing.errors import PaymentsNotSetUp
from billing.services.customers.sign_up_purchases import (
    Purchase,
    adopt_purchase,
    do_adopt_payer,
    find_purchases,
    sign_up_of,
)
from shared_apps.audit.services import do_record
from shared_apps.core.actors import system_actor
from shared_apps.core.transactions import entry_transaction, require_transaction
from shared_apps.onboarding.enums import UNPAID_SIGN_UPS, SignUpStatus
from shared_apps.onboarding.models import SignUp
from shared_apps.onboarding.parsing import comparable
from shared_apps.onboarding.services.provisioning import complete_provisioning, do_provision
from shared_apps.onboarding.services.sign_up_mails import do_mail_attention
from shared_apps.onboarding.types import NewOrganization
from shared_apps.outbox.types import Outgoing
from tenants.enums import OrganizationState
from tenants.errors import NameMalformed, NameNotAvailable
from tenants.models import Organization
from tenants.names import check_name, skeleton
from tenants.services.organizations import do_refuse_taken

log = structlog.get_logger(__name__)

ACTOR = system_actor("onboarding.follow_sign_up")
_GIVEN_UP = frozenset({SignUpStatus.EXPIRED, SignUpStatus.CANCELED})
# Of the outbox: {"checkout_id": ...}.
PAID_TOPIC = "billing.checkout_paid"
NAME_LOST = "name_lost"
PAID_TWICE = "paid_twice"


def follow_sign_up(sign_up_id: uuid.UUID) -> SignUpStatus | None:
    """Take a sign-up as far as it goes now; return where it stands, None when there is none. Safe to repeat,
    at once too.

    Raises:
        GatewayUnavailable, DatabaseError: gone on with by the next call.
    """
    if not SignUp.objects.filter(id=sign_up_id).exists():
        return None
    try:
        settled = [each for each in find_purchases(sign_up_id) if each.is_settled]
    except PaymentsNotSetUp:
        settled = []
    if settled:
        _begin(sign_up_id, settled)
    row = SignUp.objects.get(id=sign_up_id)
    if row.status != SignUpStatus.PROVISIONING or row.checkout_id is None:
        return SignUpStatus(row.status)
    organization = _make_organization(sign_up_id)
    if organization is None:
        return SignUpStatus(SignUp.objects.get(id=sign_up_id).status)
    if organization.state == OrganizationState.PROVISIONING:
        complete_provisioning(organization_id=organization.id)
    adopt_purchase(checkout_id=row.checkout_id, organization_id=organization.id)
    return _finish(sign_up_id)


def on_checkout_paid(message: Outgoing) -> None:
    """Go on with the sign-up whose page the gateway says is paid. Does nothing for an organization's own.

    Raises:
        Exception: tried again.
    """
    sign_up_id = sign_up_of(uuid.UUID(message.payload["checkout_id"]))
    if sign_up_id is not None:
        follow_sign_up(sign_up_id)


def do_hold_again(row: SignUp) -> None:
    """Hold the row's subdomain, and the name where nobody else does by now; the caller saves.

    Raises:
        NameMalformed, NameNotAvailable: the subdomain cannot be had.
    """
    require_transaction()
    row.slug = check_name(row.slug)
    do_refuse_taken(row.slug, owner_id=None)
    row.held_skeleton = skeleton(row.slug)
    name = comparable(row.name)
    # Companies may share a name; one that another sign-up holds meanwhile is no reason to stop.
    row.held_name = None if SignUp.objects.filter(held_name=name).exclude(id=row.id).exists() else name


def _begin(sign_up_id: uuid.UUID, settled: list[Purchase]) -> None:
    """Note that the sign-up is paid. Its names are its own until the organization has them; one that was
    given up before the money came takes them back, or waits for an operator."""
    with entry_transaction():
        row = SignUp.objects.select_for_update(no_key=True).get(id=sign_up_id)
        if row.checkout_id is not None:
            _do_notice_second(row, settled)
            return
        if row.status in UNPAID_SIGN_UPS:
            row.status = SignUpStatus.PROVISIONING
        elif row.status in _GIVEN_UP:
            try:
                do_hold_again(row)
                row.status = SignUpStatus.PROVISIONING
            except (NameMalformed, NameNotAvailable):
                _do_call_operator(row, NAME_LOST)
        row.checkout_id, row.closing_at, row.token_hash = settled[0].checkout_id, None, None
        row.save_fields(
            "status",
            "problem",
            "checkout_id",
            "closing_at",
            "token_hash",
            "slug",
            "held_name",
            "held_skeleton",
        )
        do_record(
            actor=ACTOR,
            action="sign_ups.paid",
            organization_id=None,
            target=row,
            changes={"status": str(row.status), "checkout": str(row.checkout_id)},
        )


def _do_notice_second(row: SignUp, settled: list[Purchase]) -> None:
    """Pages are closed before others are opened, so this should not be; if it is, somebody must pay back."""
    if len(settled) > 1 and row.problem != PAID_TWICE:
        log.error("sign_up_paid_twice", sign_up=str(row.id), checkouts=[str(e.checkout_id) for e in settled])
        row.problem = PAID_TWICE
        row.save_fields("problem")


def _make_organization(sign_up_id: uuid.UUID) -> Organization | None:
    """Give names and customer over to the organization, in one transaction; None where an operator has to
    choose, or chose since."""
    try:
        with entry_transaction():
            row = SignUp.objects.select_for_update(no_key=True).get(id=sign_up_id)
            if row.organization_id is not None:
                return Organization.objects.get(id=row.organization_id)
            if row.status != SignUpStatus.PROVISIONING or row.checkout_id is None:
                return None  # another call found the name gone; its money may be on the way back
            row.held_name = row.held_skeleton = None
            row.save_fields("held_name", "held_skeleton")
            organization = do_provision(
                actor=ACTOR,
                request=NewOrganization(
                    name=row.name,
                    slug=row.slug,
                    owner_email=row.email,
                    timezone=row.timezone,
                    language=row.language,
                    owner_name=row.owner_name,
                ),
                creation_key=f"sign-up:{row.id}",
            )
            do_adopt_payer(checkout_id=row.checkout_id, organization=organization)
            row.organization_id = organization.id
            row.save_fields("organization_id")
        return organization
    except (NameMalformed, NameNotAvailable):  # reserved since, or an archive brought it in
        with entry_transaction():
            row = SignUp.objects.select_for_update(no_key=True).get(id=sign_up_id)
            row.held_name = row.held_skeleton = None
            _do_call_operator(row, NAME_LOST)
            row.save_fields("status", "problem", "held_name", "held_skeleton")
        return None


def _do_call_operator(row: SignUp, problem: str) -> None:
    """The money is here and the name is not: nobody's payment is lost, but somebody must choose."""
    require_transaction()
    row.status, row.problem = SignUpStatus.NEEDS_ATTENTION, problem
    log.error("sign_up_needs_attention", sign_up=str(row.id), problem=problem)
    do_mail_attention(row)


def _finish(sign_up_id: uuid.UUID) -> SignUpStatus:
    with entry_transaction():
        row = SignUp.objects.select_for_update(no_key=True).get(id=sign_up_id)
        if row.status == SignUpStatus.PROVISIONING:
            row.status = SignUpStatus.READY
            row.save_fields("status")
            do_record(
                actor=ACTOR,
                action="sign_ups.ready",
                organization_id=row.organization_id,
                target=row,
                changes={"slug": row.slug, "seats": row.seats},
            )
    return SignUpStatus(row.status)
