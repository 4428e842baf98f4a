"""Steps on invitations: a single-use link, of which the database keeps the hash.

Lock order everywhere: membership, then its invitations, then the user.

The link proves the address it was mailed to. It never replaces the password of an account whose address was
proved before: an organization must not get hold of somebody's account by inviting it.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.errors import InvitationNotValid, WrongPassword
from shared_apps.accounts.models import Invitation, Membership, User
from shared_apps.accounts.selectors.identities import is_email_proved
from shared_apps.accounts.services.credentials import find_user_by_password, hash_accepted_password
from shared_apps.accounts.tokens import hash_secret, new_secret
from shared_apps.core import clock
from shared_apps.core.actors import Actor, Role
from shared_apps.core.copying import do_insert_rows
from shared_apps.core.ids import new_id
from shared_apps.core.text import normal_email
from shared_apps.core.transactions import require_transaction
from shared_apps.outbox.services.messages import Message, do_send
from tenants.context import in_public
from tenants.links import public_url
from tenants.models import Organization
from tenants.scope import OrganizationRef
from tenants.selectors.hosts import primary_host

TOKEN_PREFIX = "inv_"  # noqa: S105  what the secret begins with, not a secret
ACCEPT_PATH = "/accept-invitation"
_MAIL_TOPIC = "mail.send"
# Field to attribute, as a roster of thousands is copied in.
_COLUMNS = {
    "id": "id",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "organization": "organization_id",
    "membership": "membership_id",
    "email": "email",
    "role": "role",
    "token_hash": "token_hash",
    "expires_at": "expires_at",
    "invited_by_id": "invited_by_id",
}


@dataclass(frozen=True, slots=True)
class Invitee:
    """Somebody to be invited.

    Attributes:
        email: in its normal form.
        membership_id: made before, in status invited; None for an owner whose organization has no schema yet.
    """

    email: str
    role: Role
    membership_id: uuid.UUID | None
    name: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an acceptance does to the account, found out before its transaction.

    Attributes:
        user_id: None when there is no account yet.
        new_password_hash: None when the account keeps its password.
    """

    user_id: uuid.UUID | None
    new_password_hash: str | None


def do_make_invitations(
    *, organization_id: uuid.UUID, invitees: Sequence[Invitee], invited_by: Actor
) -> list[tuple[Invitation, str]]:
    """Make an invitation for each person, replacing open ones of the same address, in three statements for
    any number; return each with its token, which exists only here.

    Raises:
        IntegrityError: somebody else invited one of the addresses at this very moment.
    """
    require_transaction()
    now = clock.now()
    _open(organization_id).filter(email__in=[person.email for person in invitees]).update(
        revoked_at=now, updated_at=now
    )
    made = []
    for person in invitees:
        token = new_secret(TOKEN_PREFIX)
        invitation = Invitation(
            organization_id=organization_id,
            membership_id=person.membership_id,
            email=person.email,
            role=person.role,
            token_hash=hash_secret(token),
            expires_at=now + settings.INVITATION_LIFETIME,
            invited_by_id=invited_by.user_id,
        )
        made.append((invitation, token))
    do_insert_rows(
        Invitation,
        list(_COLUMNS),
        [[getattr(invitation, name) for name in _COLUMNS.values()] for invitation, _ in made],
    )
    return made


def do_mail_invitations(
    organization: OrganizationRef | Organization,
    made: Sequence[tuple[Invitation, str]],
    invitees: Sequence[Invitee] = (),
) -> None:
    """Queue the mails of invitations just made; `invitees` gives names and languages by address."""
    require_transaction()
    people = {person.email: person for person in invitees}
    host = primary_host(organization.id)
    messages = []
    for invitation, token in made:
        person = people.get(invitation.email)
        context = {
            "name": person.name if person else "",
            "link": public_url(host, ACCEPT_PATH, {"token": token}),
            "token": token,
            "organization": organization.name,
            "valid_days": settings.INVITATION_LIFETIME.days,
        }
        payload = {
            "template": "accounts/invitation",
            "to": invitation.email,
            "language": (person.language if person else "") or organization.language,
            "context": context,
            "secret": True,
        }
        messages.append(Message(_MAIL_TOPIC, payload, dedupe_key=f"invitation:{invitation.id}"))
    do_send(messages, organization_id=organization.id)


def do_invite_owner(
    organization: Organization, *, email: str, invited_by: Actor, name: str = ""
) -> Invitation:
    """Invite the first owner of a new organization and queue the mail.

    Nothing is written in the tenant, which may have no schema yet; accepting makes user, membership, Member.
    A repeat replaces the invitation before.

    Args:
        name: to greet by, where it is known.
    """
    owner = Invitee(email=normal_email(email), role=Role.OWNER, membership_id=None, name=name)
    made = do_make_invitations(organization_id=organization.id, invitees=[owner], invited_by=invited_by)
    do_mail_invitations(organization, made, [owner])
    return made[0][0]


def find_open_invitation(*, organization_id: uuid.UUID, token: str) -> Invitation:
    """Return the invitation of a token.

    Raises:
        InvitationNotValid: unknown, expired, revoked, used, or of another organization.
    """
    found = _open(organization_id).filter(token_hash=hash_secret(token), expires_at__gt=clock.now()).first()
    if found is None or not _lets_in(found):
        raise InvitationNotValid
    return found


def check_credentials(invitation: Invitation, *, password: str) -> Credentials:
    """Find out, outside any transaction, whose account accepts: the password is an account's own, or becomes
    the first one of an account without, or of one whose address nobody had proved.

    Raises:
        WrongPassword: the address has an account, and this is not its password.
        PasswordNotAccepted: the new password fails a rule.
        InvitationNotValid: the account is closed.
    """
    with in_public():
        user = User.objects.filter(email=invitation.email).first()
        asks_for_password = user is not None and _keeps_password(user)
    if user is not None and not user.is_active:
        raise InvitationNotValid
    if user is not None and asks_for_password:
        if find_user_by_password(email=user.email, password=password) is None:
            raise WrongPassword(field="password")
        return Credentials(user.id, None)
    about = user or User(email=invitation.email)
    hashed = hash_accepted_password(password, field="password", about=about)
    return Credentials(user.id if user else None, hashed)


def has_own_password(email: str) -> bool:
    """Tell whether accepting asks for the password of the address's account instead of setting one."""
    with in_public():
        user = User.objects.filter(email=email).first()
        return user is not None and _keeps_password(user)


def _keeps_password(user: User) -> bool:
    return user.has_usable_password() and is_email_proved(user)


def do_accept(
    invitation_id: uuid.UUID, credentials: Credentials, *, name: str
) -> tuple[Invitation, User, Membership]:
    """Use an invitation up: the membership becomes active, the address counts as proved.

    Args:
        credentials: of `check_credentials`; what changed since is found out under the locks.
        name: for an account that has none.

    Raises:
        InvitationNotValid: it was used or revoked, or the account changed, since it was looked at.
    """
    require_transaction()
    now = clock.now()
    membership_id = Invitation.objects.values_list("membership_id", flat=True).get(pk=invitation_id)
    locked = Membership.objects.select_for_update(no_key=True).filter(pk=membership_id).first()
    invitation = Invitation.objects.select_for_update().get(pk=invitation_id)
    if invitation.accepted_at or invitation.revoked_at or invitation.expires_at <= now:
        raise InvitationNotValid
    user = _user_who_accepts(invitation, credentials, name)
    membership = locked or _owner_membership(invitation, user)
    if membership.user_id != user.id or not _may_join(invitation, membership):
        raise InvitationNotValid
    membership.status = MembershipStatus.ACTIVE
    membership.joined_at = membership.joined_at or now
    membership.removed_at = None
    membership.save_fields("status", "joined_at", "removed_at")
    invitation.accepted_at = now
    invitation.membership = membership
    invitation.save_fields("accepted_at", "membership")
    return invitation, user, membership


def do_revoke_invitation(invitation_id: uuid.UUID) -> None:
    """Revoke one invitation.

    Raises:
        InvitationNotValid: it was accepted, perhaps at this very moment.
    """
    require_transaction()
    now = clock.now()
    waiting = Invitation.objects.filter(pk=invitation_id, accepted_at__isnull=True)
    if not waiting.update(revoked_at=now, updated_at=now):
        raise InvitationNotValid


def do_revoke_invitations(*, organization_id: uuid.UUID, membership_id: uuid.UUID) -> int:
    """Revoke a membership's open invitations; return how many."""
    require_transaction()
    now = clock.now()
    return _open(organization_id).filter(membership_id=membership_id).update(revoked_at=now, updated_at=now)


def _open(organization_id: uuid.UUID) -> QuerySet[Invitation]:
    return Invitation.objects.filter(
        organization_id=organization_id, accepted_at__isnull=True, revoked_at__isnull=True
    )


def _lets_in(invitation: Invitation) -> bool:
    """An invitation of somebody suspended or removed meanwhile does not open the door."""
    membership = invitation.membership
    return membership is None or _may_join(invitation, membership)


def _may_join(invitation: Invitation, membership: Membership) -> bool:
    if invitation.membership_id is None:  # an owner's, made by the platform
        return membership.status != MembershipStatus.SUSPENDED
    return membership.status == MembershipStatus.INVITED


def _user_who_accepts(invitation: Invitation, credentials: Credentials, name: str) -> User:
    """Make or open the account, prove its address, and for an owner make the membership.

    Done by a function of the database: no statement of a tenant's role makes an account or sets a password.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT public.tenant_accept_invitation(%s, %s, %s, %s, %s, %s)",
            [
                invitation.id,
                clock.now(),
                new_id(),
                new_id(),
                credentials.new_password_hash,
                name,
            ],
        )
        [user_id] = cursor.fetchone()
    if user_id is None:
        raise InvitationNotValid
    return User.objects.get(pk=user_id)


def _owner_membership(invitation: Invitation, user: User) -> Membership:
    """Return, locked, the membership of an owner who was invited before the tenant had people."""
    membership = Membership.objects.select_for_update(no_key=True).get(
        organization_id=invitation.organization_id, user=user
    )
    if membership.role != invitation.role:
        membership.role = invitation.role
        membership.save_fields("role")
    return membership
