"""End what the people of a whole organization hold in it, when it is deleted."""

import uuid

from allauth.account.models import EmailAddress
from django.db.models import CharField, Exists, F, OuterRef, Value
from django.db.models.functions import Cast, Concat

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Invitation, Membership, PersonalAccessToken, SignIn, User
from shared_apps.core import clock
from shared_apps.core.transactions import require_transaction
from tenants.enums import OrganizationState

# No mail can go there: the top-level domain is set aside for that (RFC 2606).
ERASED_DOMAIN = "erased.invalid"


def do_end_all_memberships(*, organization_id: uuid.UUID) -> int:
    """Remove every membership, revoke its sign-ins, tokens and open invitations; return how many memberships.

    The people's accounts stay, with what they hold in other organizations. Safe to repeat.
    """
    require_transaction()
    instant = clock.now()
    ended = (
        Membership.objects.filter(organization_id=organization_id)
        .exclude(status=MembershipStatus.REMOVED)
        .update(status=MembershipStatus.REMOVED, removed_at=instant, updated_at=instant)
    )
    SignIn.objects.filter(organization_id=organization_id, revoked_at__isnull=True).update(
        revoked_at=instant, revoked_reason="organization deleted", updated_at=instant
    )
    PersonalAccessToken.objects.filter(organization_id=organization_id, revoked_at__isnull=True).update(
        revoked_at=instant, updated_at=instant
    )
    Invitation.objects.filter(
        organization_id=organization_id, accepted_at__isnull=True, revoked_at__isnull=True
    ).update(revoked_at=instant, updated_at=instant)
    return ended


def do_erase_people_left_alone(*, organization_id: uuid.UUID) -> int:
    """Erase the accounts of people who belonged to this organization and to no other that still is, and are
    no operators; return how many.

    The row stays, since billed seats and the audit log name its id; nothing in it says who it was, and nobody
    can sign in with it. A person with a place in another organization, even a former one, keeps the account:
    it is that organization's way to them. Safe to repeat.
    """
    require_transaction()
    elsewhere = Membership.objects.filter(user_id=OuterRef("pk")).exclude(organization_id=organization_id)
    gone = (OrganizationState.DELETING, OrganizationState.DELETED)
    alone = User.objects.filter(
        ~Exists(elsewhere.exclude(organization__state__in=gone)),
        memberships__organization_id=organization_id,
        is_staff=False,
    ).exclude(email__endswith=f"@{ERASED_DOMAIN}")
    ids = list(alone.distinct().values_list("id", flat=True))
    EmailAddress.objects.filter(user_id__in=ids).delete()
    SignIn.objects.filter(user_id__in=ids).delete()
    PersonalAccessToken.objects.filter(user_id__in=ids).delete()
    return User.objects.filter(id__in=ids).update(
        email=Concat(Value("erased-"), Cast("id", CharField()), Value(f"@{ERASED_DOMAIN}")),
        password="!",  # noqa: S106  Django's word for "no password opens this"
        name="",
        timezone="UTC",
        language="en",
        is_active=False,
        last_login=None,
        sign_in_epoch=F("sign_in_epoch") + 1,
        updated_at=clock.now(),
    )
