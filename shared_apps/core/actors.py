"""Who acts. Every service and selector takes an actor; there is no ambient user."""

import uuid
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """Built-in role of a membership in an organization."""

    OWNER = "owner"
    ADMIN = "admin"
    BILLING_ADMIN = "billing_admin"
    MANAGER = "manager"
    INSTRUCTOR = "instructor"
    LEARNER = "learner"


class ActorKind(StrEnum):
    """What sort of actor it is."""

    ANONYMOUS = "anonymous"
    MEMBER = "member"
    OPERATOR = "operator"
    USER = "user"  # signed in on the platform host without operator rights
    SYSTEM = "system"


# How an operator comes into an organization: an actor with this `via` reads as an admin, and is recorded as
# the operator it is.
VIA_SUPPORT = "support"

ADMINS = frozenset({Role.OWNER, Role.ADMIN})
STAFF = ADMINS | {Role.MANAGER, Role.INSTRUCTOR}
EVERYONE = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who acts, with what policies and the audit log need to know.

    Attributes:
        kind: member of an organization, operator of the platform, the system itself, nobody.
        user_id: the login identity, for members and operators.
        membership_id: also the id of the tenant's Member row.
        organization_id: the organization the sign-in is bound to; None on the platform host.
        role: the membership's role.
        label: e-mail or job name, for the audit log.
        scopes: what a personal access token is limited to ("read", "write"); empty means everything.
    """

    kind: ActorKind
    user_id: uuid.UUID | None = None
    membership_id: uuid.UUID | None = None
    organization_id: uuid.UUID | None = None
    role: Role | None = None
    label: str = ""
    address: str | None = None
    request_id: str | None = None
    via: str = ""
    session_id: uuid.UUID | None = None
    scopes: frozenset[str] = field(default_factory=frozenset)

    @property
    def recorded_kind(self) -> ActorKind:
        """What the audit log says the actor is."""
        return ActorKind.OPERATOR if self.via == VIA_SUPPORT else self.kind

    @property
    def is_authenticated(self) -> bool:
        """True for everybody but the anonymous actor."""
        return self.kind is not ActorKind.ANONYMOUS

    @property
    def member_id(self) -> uuid.UUID:
        """Return the membership id of a member.

        Raises:
            LookupError: the actor is no member; a policy should have refused it before.
        """
        if self.membership_id is None:
            raise LookupError("this actor is not a member of an organization")
        return self.membership_id


ANONYMOUS = Actor(kind=ActorKind.ANONYMOUS)


def system_actor(name: str, organization_id: uuid.UUID | None = None) -> Actor:
    """Return the actor for work no person asked for, labelled with the job's name for the audit log."""
    return Actor(kind=ActorKind.SYSTEM, label=f"system:{name}", organization_id=organization_id)
