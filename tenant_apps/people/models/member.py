"""The member: a person as the company knows them."""

import uuid

from django.db import models

from shared_apps.core import clock
from tenants.rows import TenantRow


class Member(TenantRow):
    """One person of the organization; the row every other tenant table points at.

    Its key is the id of the public membership, without a database constraint: no key leaves a tenant schema,
    which keeps a tenant exportable and the deletion of a user cheap. Role and status live in the membership.
    """

    membership_id: uuid.UUID
    user_id: uuid.UUID
    manager_id: uuid.UUID | None

    membership = models.OneToOneField(
        "accounts.Membership",
        primary_key=True,
        db_column="id",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    user = models.OneToOneField(
        "accounts.User", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)
    email = models.EmailField(max_length=254)
    employee_id = models.CharField(max_length=64, blank=True)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    job_title = models.CharField(max_length=150, blank=True)
    department = models.CharField(max_length=150, blank=True)
    manager = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="reports"
    )
    location = models.CharField(max_length=150, blank=True)
    timezone = models.CharField(max_length=64, blank=True)
    language = models.CharField(max_length=12, blank=True)
    starts_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ("last_name", "first_name", "membership_id")
        constraints = [
            # Two imports of one new person at once must not make two members.
            models.UniqueConstraint(fields=["email"], name="one_member_per_email"),
            models.UniqueConstraint(
                fields=["employee_id"], condition=~models.Q(employee_id=""), name="one_member_per_employee_id"
            ),
        ]
        indexes = [models.Index(fields=["last_name", "first_name", "membership"], name="members_by_name")]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """First and last name, or the address where the company gave no name."""
        return f"{self.first_name} {self.last_name}".strip() or self.email
