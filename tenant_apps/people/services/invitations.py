"""Invite people into the organization, take it back, and let them in."""

import uuid
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from billing.services.seats.seats import do_activate_seat, do_revoke_seats, do_seat_newcomer
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.errors import AlreadyMember, InvitationNotValid
from shared_apps.accounts.models import Invitation, Membership, User
from shared_apps.accounts.selectors.invitations import get_invitation
from shared_apps.accounts.services.bulk import NewPerson, do_admit_people
from shared_apps.accounts.services.invitations import (
    Invitee,
    check_credentials,
    do_accept,
    do_mail_invitations,
    do_make_invitations,
    do_revoke_invitation,
    find_open_invitation,
    has_own_password,
)
from shared_apps.accounts.services.memberships import do_lock_membership, do_reinvite
from shared_apps.accounts.services.origins import as_person
from shared_apps.accounts.services.throttles import count_attempt, forget_attempts
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor, Role
from shared_apps.core.policies import require
from shared_apps.core.text import normal_email
from shared_apps.core.transactions import entry_transaction
from shared_apps.outbox.services.messages import Message, do_send
from tenant_apps.people.errors import AddressTaken, NameMissing
from tenant_apps.people.models import Member
from tenant_apps.people.policies import ACCEPT, INVITE, require_rank
from tenant_apps.people.services.bulk import NewMember, do_add_members
from tenant_apps.people.services.standing import do_end_membership
from tenants.context import current_organization
from tenants.scope import OrganizationRef

_ATTEMPT = "accept_invitation"


@dataclass(frozen=True, slots=True)
class InvitationPreview:
    """What the holder of a token may know before accepting.

    Attributes:
        has_account: accepting asks for the account's password instead of setting one.
        needs_name: nobody has said the person's name yet.
    """

    organization: str
    email: str
    role: Role
    has_account: bool
    needs_name: bool


def invite_member(
    *, actor: Actor, email: str, role: Role, first_name: str = "", last_name: str = ""
) -> Invitation:
    """Invite somebody by mail; they appear in lists as invited from now on.

    An open invitation of the same address is replaced, so one link at most works. Somebody removed earlier
    comes back as the same member, with their history.

    Raises:
        Forbidden: owners and admins are invited by owners only.
        AlreadyMember: active or suspended here.
        AddressTaken: a member of another account holds the address.
    """
    organization = current_organization()
    address = normal_email(email)
    with entry_transaction():
        require(actor, INVITE)
        require_rank(actor, role)
        membership = _find(organization.id, address)
        if membership is None:
            membership = _admit(organization, address, role, first_name, last_name)
        else:
            _invite_again(actor, membership, role)
        name = f"{first_name} {last_name}".strip()
        invitation = _do_invite(actor, membership, address, role, name)
        do_record(
            actor=actor,
            action=INVITE.name,
            organization_id=organization.id,
            target=invitation,
            changes={"email": address, "role": str(role)},
        )
    return invitation


def resend_invitation(*, actor: Actor, invitation_id: uuid.UUID) -> Invitation:
    """Make a new invitation in place of one that is open or expired, with a new link, and mail it.

    Raises:
        NotFound: not of this organization.
        InvitationNotValid: accepted or revoked.
    """
    organization = current_organization()
    with entry_transaction():
        require(actor, INVITE)
        before = get_invitation(organization_id=organization.id, invitation_id=invitation_id)
        require_rank(actor, before.role)
        if before.accepted_at or before.revoked_at:
            raise InvitationNotValid
        membership = None
        if before.membership_id is not None:
            membership = do_lock_membership(
                organization_id=organization.id, membership_id=before.membership_id
            )
            if membership.status != MembershipStatus.INVITED:
                raise InvitationNotValid
        invitation = _do_invite(actor, membership, before.email, Role(before.role), "")
        do_record(
            actor=actor,
            action="invitations.resend",
            organization_id=organization.id,
            target=invitation,
            changes={"email": before.email},
        )
    return invitation


def revoke_invitation(*, actor: Actor, invitation_id: uuid.UUID) -> None:
    """Take an invitation back: the link is dead, the invited membership ends and its seat is free.

    Revoking a revoked one changes nothing.

    Raises:
        NotFound: not of this organization.
        InvitationNotValid: accepted already; remove the member instead.
    """
    organization = current_organization()
    with entry_transaction():
        require(actor, INVITE)
        invitation = get_invitation(organization_id=organization.id, invitation_id=invitation_id)
        require_rank(actor, invitation.role)
        if invitation.revoked_at:
            return
        if invitation.membership_id is not None:
            do_revoke_seats(
                actor=actor,
                organization_id=organization.id,
                membership_ids=[invitation.membership_id],
                reason="invitation revoked",
            )
            membership = do_lock_membership(
                organization_id=organization.id, membership_id=invitation.membership_id
            )
            if membership.status == MembershipStatus.ACTIVE:
                raise InvitationNotValid
            do_end_membership(actor=actor, membership=membership)
        else:
            do_revoke_invitation(invitation_id)
        do_record(
            actor=actor, action="invitations.revoke", organization_id=organization.id, target=invitation
        )


def preview_invitation(*, token: str) -> InvitationPreview:
    """Return what the holder of a token may know.

    Raises:
        InvitationNotValid: unknown, expired, revoked, used, or of another organization.
    """
    organization = current_organization()
    invitation = find_open_invitation(organization_id=organization.id, token=token)
    user = User.objects.filter(email=invitation.email).first()
    return InvitationPreview(
        organization=organization.name,
        email=invitation.email,
        role=Role(invitation.role),
        has_account=has_own_password(invitation.email),
        needs_name=_known_name(invitation, user) == "",
    )


def accept_invitation(
    *, actor: Actor, token: str, password: str, first_name: str = "", last_name: str = ""
) -> Member:
    """Let the holder of a token in. The password is the account's own, or becomes its first.

    Args:
        actor: the caller, anonymous as a rule.
        first_name, last_name: asked for when nobody said the name before.

    Raises:
        InvitationNotValid: unknown, expired, revoked, used, or of another organization.
        WrongPassword, PasswordNotAccepted: see `check_credentials`.
        NameMissing: no name is known and none was given.
        TooManyAttempts: too many passwords tried.
    """
    require(actor, ACCEPT)
    organization = current_organization()
    invitation = find_open_invitation(organization_id=organization.id, token=token)
    user = User.objects.filter(email=invitation.email).first()
    given = f"{first_name} {last_name}".strip()
    if not (given or _known_name(invitation, user)):
        raise NameMissing(field="first_name")
    count_attempt(_ATTEMPT, account=invitation.email, address=actor.address)
    credentials = check_credentials(invitation, password=password)
    with entry_transaction():
        # The seat's subscription is locked first, as everywhere.
        has_seat = do_activate_seat(organization_id=organization.id, membership_id=invitation.membership_id)
        invitation, user, membership = do_accept(
            invitation.id, credentials, name=given or _known_name(invitation, user)
        )
        member = _do_keep_member(membership, user, first_name, last_name)
        if not has_seat:
            do_seat_newcomer(organization_id=organization.id, membership_id=membership.id)
        person = as_person(actor=actor, user=user, membership=membership)
        do_record(actor=person, action=ACCEPT.name, organization_id=organization.id, target=invitation)
        do_send(
            [Message("event.member_joined", {"member_id": str(membership.id)})],
            organization_id=organization.id,
        )
    forget_attempts(_ATTEMPT, account=invitation.email, address=actor.address)
    return member


def _find(organization_id: uuid.UUID, email: str) -> Membership | None:
    rows = Membership.objects.select_for_update(no_key=True, of=("self",))
    return rows.filter(organization_id=organization_id, user__email=email).first()


def _admit(
    organization: OrganizationRef, email: str, role: Role, first_name: str, last_name: str
) -> Membership:
    """Make user, membership and member; when somebody else makes them at this moment, say so.

    A user made now starts with the organization's time zone and language; a known one keeps their own.
    """
    person = NewPerson(
        email=email,
        role=role,
        name=f"{first_name} {last_name}".strip(),
        timezone=organization.timezone,
        language=organization.language,
    )
    facts = {"first_name": first_name, "last_name": last_name}
    try:
        with transaction.atomic():
            admitted = do_admit_people(organization_id=organization.id, people=[person])[email]
            do_add_members([NewMember(admitted.membership_id, admitted.user_id, email, facts)])
    except IntegrityError as error:
        if "one_member_per_email" in str(error):
            raise AddressTaken(field="email") from error
        if "one_membership_per_user" in str(error):
            raise AlreadyMember(field="email") from error
        raise
    return Membership.objects.get(pk=admitted.membership_id)


def _invite_again(actor: Actor, membership: Membership, role: Role) -> None:
    require_rank(actor, membership.role)
    if membership.status in (MembershipStatus.ACTIVE, MembershipStatus.SUSPENDED):
        raise AlreadyMember(field="email", status=membership.status)
    do_reinvite(membership, role)


def _do_invite(actor: Actor, membership: Membership | None, email: str, role: Role, name: str) -> Invitation:
    organization = current_organization()
    invitee = Invitee(email, role, membership.id if membership else None, name)
    made = do_make_invitations(organization_id=organization.id, invitees=[invitee], invited_by=actor)
    do_mail_invitations(organization, made, [invitee])
    return made[0][0]


def _known_name(invitation: Invitation, user: User | None) -> str:
    """What the account or the company calls the person."""
    if user is not None and user.name:
        return user.name
    member = Member.objects.filter(pk=invitation.membership_id).first() if invitation.membership_id else None
    return f"{member.first_name} {member.last_name}".strip() if member else ""


def _do_keep_member(membership: Membership, user: User, first_name: str, last_name: str) -> Member:
    """Return the member row, made now for an owner; names the company gave are kept."""
    try:
        with transaction.atomic():
            member, created = Member.objects.get_or_create(
                membership=membership,
                defaults={
                    "user": user,
                    "email": user.email,
                    "first_name": first_name,
                    "last_name": last_name,
                },
            )
    except IntegrityError as error:
        raise AddressTaken(field="email") from error
    if not created and not (member.first_name or member.last_name):
        member.first_name, member.last_name, member.updated_at = first_name, last_name, clock.now()
        member.save(update_fields=["first_name", "last_name", "updated_at"])
    return member
