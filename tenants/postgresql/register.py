"""Every table of the shared schema, and what the database role of a tenant may do with its rows.

One line for each table; a table that is missing is out of every tenant's reach, and
tests/tenants/test_row_security.py fails until it has its line. Choose

    reference()   nobody's data (plans, content types): every tenant reads it, none writes
    owned()       rows of one organization, told by a column: a tenant has its own rows only
    through()     rows that belong to an organization by way of another table
    appended()    an organization adds rows of its own and reads none (mails on their way)
    hidden()      the platform's alone

and name in `writes` what the code that serves an organization's host does besides reading, and no more.
`manage.py migrate` brings the database to what stands here (`tenants.postgresql.rights`).
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Whose the rows of a shared table are."""

    REFERENCE = "reference"
    OWNED = "owned"
    THROUGH = "through"
    APPENDED = "appended"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Shared:
    """One shared table.

    Attributes:
        rows: SQL condition on the rows a tenant reaches, to read and to write; "" for all of them.
        written: what rows it writes must fulfil besides, "" for nothing.
        writes: rights in the words of GRANT; columns are named where others must not move from a tenant.
        columns: those that a tenant reads where it must not read all, "" for all of them.
    """

    kind: Kind
    rows: str = ""
    writes: str = ""
    written: str = ""
    columns: str = ""

    @property
    def grants(self) -> str:
        """What the tenants' group role is granted, in the words of GRANT; "" for nothing."""
        told = f"SELECT ({self.columns})" if self.columns else "SELECT"
        reads = "" if self.kind in (Kind.APPENDED, Kind.HIDDEN) else told
        return ", ".join(part for part in (reads, self.writes) if part)

    @property
    def is_protected(self) -> bool:
        """True where row-level security is switched on."""
        return self.kind is not Kind.REFERENCE


_TENANT = "(SELECT public.current_tenant())"


def mine(column: str) -> str:
    """Return the condition that a column names the current tenant.

    Written as CASE on purpose. The planner takes a plain `=` for the way into the table and, not knowing the
    tenant, expects few rows there: a page of a large organization's seats then took 14 ms instead of 0.5. So
    it goes on planning by the condition that every selector brings itself, and the policy costs a comparison
    a row.
    """
    return f"CASE WHEN {column} = {_TENANT} THEN true ELSE false END"


def reference() -> Shared:
    """Readable by all."""
    return Shared(Kind.REFERENCE)


def owned(writes: str = "", *, column: str = "organization_id", written: str = "") -> Shared:
    """Rows whose `column` is the organization's id."""
    return Shared(Kind.OWNED, mine(column), writes, written)


def through(rows: str, writes: str = "", *, columns: str = "") -> Shared:
    """Rows that another table makes the organization's, by the SQL condition `rows`."""
    return Shared(Kind.THROUGH, rows, writes, columns=columns)


def appended(*, column: str = "organization_id") -> Shared:
    """Rows to add for the organization itself, none to read."""
    return Shared(Kind.APPENDED, mine(column), "INSERT")


def hidden() -> Shared:
    """Nothing."""
    return Shared(Kind.HIDDEN)


# People with a membership here, whatever its status. A sub-select with LIMIT is asked for each row by its
# index; EXISTS would be answered by reading all of the organization's memberships first, for one person too.
_MEMBER = (
    "(SELECT true FROM public.accounts_membership m WHERE m.user_id = accounts_user.id"  # noqa: S608  our words
    f" AND m.organization_id = {_TENANT} LIMIT 1)"
)
# Named by primary key: the row of the other table is in sight only where its own policy shows it.
_SIGN_IN_SEEN = "(SELECT true FROM public.accounts_signin s WHERE s.id = sign_in_id LIMIT 1)"
_STATEMENT_SEEN = "(SELECT true FROM public.billing_seatstatement s WHERE s.id = statement_id LIMIT 1)"
_SUBSCRIPTION_SEEN = "(SELECT true FROM public.billing_subscription s WHERE s.id = subscription_id LIMIT 1)"
_USER_SEEN = "(SELECT true FROM public.accounts_user u WHERE u.id = user_id LIMIT 1)"

REGISTER: dict[str, Shared] = {
    # --- Who people are. Logins are made, and passwords set, by the platform's role and by the narrow
    # functions below; a tenant changes what its people say of themselves.
    "accounts_user": through(
        f"{_MEMBER} OR public.tenant_awaits_user(id, email)",
        "UPDATE (name, timezone, language, updated_at)",
        # All but the hash of the password, which the platform compares.
        columns="id, created_at, updated_at, email, name, timezone, language, last_login, is_active,"
        " is_staff, is_superuser, sign_in_epoch",
    ),
    "accounts_membership": owned("UPDATE (role, status, joined_at, removed_at, updated_at)"),
    "accounts_invitation": owned("INSERT, UPDATE"),
    # One without membership is an operator's entry, which the platform makes.
    "accounts_signin": owned("INSERT, UPDATE", written="membership_id IS NOT NULL"),
    "accounts_refreshtoken": through(_SIGN_IN_SEEN, "INSERT, UPDATE"),
    "accounts_personalaccesstoken": owned("INSERT, UPDATE"),
    "account_emailaddress": through(_USER_SEEN),
    "account_emailconfirmation": hidden(),
    "accounts_user_groups": hidden(),
    "accounts_user_user_permissions": hidden(),
    # The column is filled by the database with the role that makes the row. The platform has set none, nor
    # has a tenant's role that signs in by itself, as on a cluster it may.
    "django_session": through(
        "made_by = current_setting('role') AND made_by <> 'none'", "INSERT, UPDATE, DELETE"
    ),
    # --- What was bought. The counter of seats is moved by a trigger in the role of whoever takes the seat.
    "billing_plan": reference(),
    "billing_subscription": owned("UPDATE (used)"),
    "billing_seatassignment": owned("INSERT, UPDATE"),
    "billing_planprice": reference(),
    "billing_billingaccount": owned(),
    "billing_checkout": owned(),
    "billing_subscriptionchange": owned(),
    "billing_subscriptioninvoice": owned(),
    "billing_refund": owned(),
    "billing_promotion": reference(),
    # Posted by the database itself, whoever moves the seats.
    "billing_seatentry": owned(),
    "billing_seatstatement": owned(),
    "billing_statementholding": through(_STATEMENT_SEEN),
    "billing_seatact": owned("INSERT, UPDATE (undone_at, updated_at)", written=_SUBSCRIPTION_SEEN),
    "billing_dunningnotice": owned(),
    "billing_drift": hidden(),
    "billing_gatewayevent": hidden(),
    "billing_objectsync": hidden(),
    # --- Work, answers, events.
    "jobs_job": owned("INSERT, UPDATE"),
    "idempotency_rememberedanswer": owned("INSERT, UPDATE, DELETE"),
    "audit_auditevent": owned("INSERT"),
    # Payloads hold links that open accounts.
    "outbox_outboxmessage": appended(),
    "usage_dailyusage": owned(),
    "usage_flush": hidden(),
    "usage_timerstate": hidden(),
    # --- The registry.
    "tenants_organization": through("schema_name = current_setting('role')"),
    "tenants_domain": owned(column="tenant_id"),
    "tenants_domainclaim": owned(),
    "tenants_releasedname": hidden(),
    "tenants_tenantschema": hidden(),
    "tenants_migrationrun": hidden(),
    "onboarding_offboarding": owned(),
    "onboarding_deletionreceipt": owned(),
    "onboarding_supportentry": owned(),
    "onboarding_signup": hidden(),
    "archives_archive": owned(),
    # --- Django's own.
    "django_content_type": reference(),
    "auth_permission": reference(),
    "auth_group": hidden(),
    "auth_group_permissions": hidden(),
    "django_admin_log": hidden(),
    "django_migrations": hidden(),
}

# What a tenant may call of what runs with the platform's rights. Each finds out by itself which tenant calls,
# fixes its own search path, and is defined by a migration of the app whose tables it touches.
DOORS = (
    "current_tenant()",
    "tenant_awaits_user(uuid, text)",
    "tenant_admit_people(uuid, timestamptz, uuid[], uuid[], text[], text[], text[], text[], text[])",
    "tenant_accept_invitation(uuid, timestamptz, uuid, uuid, text, text)",
)

# Run with the platform's rights by triggers, whoever sends the statement, and callable by nobody.
POSTERS = ("post_seats()", "post_purchase()")
