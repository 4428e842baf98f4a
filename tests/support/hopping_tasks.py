"""The product's Celery application with one task more, for the test that hops between organizations.

celery -A tests.support.hopping_worker worker ...
"""

from celery import shared_task
from django.db import transaction

from shared_apps.accounts.models import Membership
from tenant_apps.cohorts.models import Cohort
from tenant_apps.people.models import Member
from tenants.context import current_organization
from tenants.task_base import OrganizationTask
from tests.support.hopping_worker import TASK


@shared_task(name=TASK, base=OrganizationTask)
def hop(number: int) -> None:
    """Write down, in the organization the task runs in, whose people it saw there.

    A cohort's name is the record: number, the task's organization, and the owner's address as read outside
    and inside a transaction and from the shared table.
    """
    organization = current_organization()
    outside = Member.objects.get(email__startswith="owner@").email
    with transaction.atomic():
        inside = Member.objects.get(email__startswith="owner@").email
        shared = Membership.objects.filter(organization_id=organization.id, role="owner").count()
        Cohort.objects.create(name=f"{number} {organization.slug} {outside} {inside} {shared}")
