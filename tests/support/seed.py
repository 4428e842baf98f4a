"""The two organizations every test run has: Acme and Globex, each with an owner."""

from django.db import transaction

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, User
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenant_apps.people.models import Member
from tenants.context import in_organization
from tenants.models import Organization
from tenants.services.organizations import do_create_organization

SEEDED = ("acme", "globex")


def seed_organizations() -> None:
    """Create both with their owners; called once, for the template database."""
    for slug in SEEDED:
        with transaction.atomic():
            organization = do_create_organization(
                name=slug.capitalize(),
                slug=slug,
                owner_email=f"owner@{slug}.example",
                timezone="Europe/Berlin",
                language="en",
                creation_key=None,
            )
        make_member(
            organization,
            email=f"owner@{slug}.example",
            role=Role.OWNER,
            first_name="Olivia",
            last_name="Owner",
        )


def make_member(
    organization: Organization,
    *,
    email: str,
    role: Role = Role.LEARNER,
    status: MembershipStatus = MembershipStatus.ACTIVE,
    password: str | None = None,
    **facts: object,
) -> Member:
    """Make user, membership and member in one go, as the services would leave them."""
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, password)
    membership = Membership.objects.create(
        organization=organization,
        user=user,
        role=role,
        status=status,
        joined_at=clock.now() if status is MembershipStatus.ACTIVE else None,
    )
    with in_organization(organization):
        return Member.objects.create(membership=membership, user=user, email=email, **facts)
