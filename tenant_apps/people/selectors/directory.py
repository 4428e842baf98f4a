"""Everybody the organization knows, in the form lists are compared in: one query for any number."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.db.models.functions import Lower

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.core.actors import Role
from tenant_apps.people.models import Member


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """One member. Text that the company has not given is ""; `manager_email` as well."""

    member_id: uuid.UUID
    user_id: uuid.UUID
    role: Role
    status: MembershipStatus
    email: str
    employee_id: str
    first_name: str
    last_name: str
    job_title: str
    department: str
    location: str
    timezone: str
    language: str
    starts_on: date | None
    manager_email: str


def read_directory(
    *, emails: Collection[str] | None = None, employee_ids: Collection[str] | None = None
) -> list[DirectoryEntry]:
    """Return the members of the current organization, removed ones too, since their addresses are taken.

    Args:
        emails, employee_ids: when given, only members with one of these addresses or (case does not count)
            employee ids.
    """
    rows = Member.objects.order_by()
    if emails is not None or employee_ids is not None:
        rows = rows.alias(employee_key=Lower("employee_id")).filter(
            Q(email__in=list(emails or ()))
            | Q(employee_key__in=[value.lower() for value in employee_ids or ()])
        )
    found = rows.values_list(
        "membership_id",
        "user_id",
        "membership__role",
        "membership__status",
        "email",
        "employee_id",
        "first_name",
        "last_name",
        "job_title",
        "department",
        "location",
        "timezone",
        "language",
        "starts_on",
        "manager__email",
    )
    return [
        DirectoryEntry(row[0], row[1], Role(row[2]), MembershipStatus(row[3]), *row[4:14], row[14] or "")
        for row in found.iterator(chunk_size=5000)
    ]
