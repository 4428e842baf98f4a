"""References between an organization's tables and the shared ones that lead nowhere are found, not mended."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from structlog.testing import capture_logs

from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, User
from shared_apps.accounts.services.orphans import Orphans, find_orphans, shared_references
from shared_apps.accounts.tasks import count_orphans
from shared_apps.usage.models import DailyUsage
from tenant_apps.courses.models import CourseRight
from tenant_apps.people.models import Member
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tenants.timers import all_timers
from tests.support.seed import make_member
from tests.support.world import build_world

NOBODY = uuid.UUID(int=7)


def _found(organization: Organization) -> list[Orphans]:
    with in_public():
        return find_orphans(organization.id.hex, organization.schema_name)


def _noted(organization: Organization) -> int | None:
    return DailyUsage.objects.get(organization_id=organization.id).orphans


def test_a_full_organization_has_none_and_costs_one_statement(
    shared: None, acme: Organization, globex: Organization, django_assert_num_queries: Any
) -> None:
    build_world(acme, "MARKED")
    build_world(globex, "OTHER")
    with in_public(), django_assert_num_queries(1):
        assert find_orphans(acme.id.hex, acme.schema_name) == []
    count_orphans(organization_id=str(acme.id))
    assert _noted(acme) == 0


@pytest.mark.feature("TEN-02")
def test_every_kind_is_found_logged_and_left_as_it_is(
    shared: None, acme: Organization, globex: Organization
) -> None:
    # given a right of a user who is gone, a member without membership, one whose membership is another
    # organization's, and a membership without a member
    world = build_world(acme, "MARKED")
    stranger = make_member(globex, email="stranger@globex.example")
    somebody = User.objects.create_user("somebody@acme.example")
    alone = Membership.objects.create(organization=acme, user=somebody, status=MembershipStatus.ACTIVE)
    ended = User.objects.create_user("ended@acme.example")
    Membership.objects.create(organization=acme, user=ended, status=MembershipStatus.REMOVED)
    with in_organization(acme):
        CourseRight.objects.filter(content_object_id=world.ids["courses"]).update(user_id=NOBODY)
        Member.objects.create(membership_id=NOBODY, user=somebody, email="one@acme.example")
        Member.objects.create(membership_id=stranger.pk, user_id=stranger.user_id, email="two@acme.example")
    # when
    with capture_logs() as logs:
        count_orphans(organization_id=str(acme.id))
    # then
    expected = {
        "courses_courseright.user_id": [str(NOBODY)],
        "people_member.id": [str(NOBODY), str(stranger.pk)],
        "accounts_membership.id": [str(alone.id)],
    }
    assert {each.column: list(each.ids) for each in _found(acme)} == expected
    logged = {line["column"]: line["count"] for line in logs if line["event"] == "orphans_found"}
    assert logged == {column: len(ids) for column, ids in expected.items()}
    assert _noted(acme) == 4
    # the neighbour is not blamed, and nothing was touched
    assert _found(globex) == []
    assert Membership.objects.filter(pk=alone.id).exists()
    with in_organization(acme):
        assert Member.objects.filter(pk__in=[NOBODY, stranger.pk]).count() == 2
    # when they are mended and looked at again the same day
    Membership.objects.filter(pk=alone.id).update(status=MembershipStatus.REMOVED)
    with in_organization(acme), connection.cursor() as cursor:
        cursor.execute("DELETE FROM people_member WHERE id = ANY(%s)", [[NOBODY, stranger.pk]])
        CourseRight.objects.filter(user_id=NOBODY).update(user_id=somebody.id)
    count_orphans(organization_id=str(acme.id))
    assert _noted(acme) == 0


def test_every_column_that_names_a_user_is_looked_at() -> None:
    assert {f"{table}.{column}" for table, column, _ in shared_references()} >= {
        "people_member.id",
        "people_member.user_id",
        "courses_courseright.user_id",
        "runs_runright.user_id",
        "cohorts_cohortright.user_id",
    }


def test_it_is_done_each_night_for_every_organization() -> None:
    assert "accounts.count_orphans" in {timer.task for timer in all_timers()}


def test_operators_are_alarmed(shared: None, acme: Organization, globex: Organization) -> None:
    client = Client(headers={"host": "app.palaestra.test"})
    client.force_login(User.objects.create_user("ops@palaestra.example", "correct-horse", is_staff=True))
    overview = reverse("admin:usage_dailyusage_changelist", urlconf="api.urls_public")
    with in_organization(globex):
        Member.objects.update(user_id=NOBODY)
    count_orphans(organization_id=str(acme.id))
    assert "lead nowhere" not in client.get(overview).content.decode()
    count_orphans(organization_id=str(globex.id))
    shown = client.get(overview).content.decode()
    alarm = shown[shown.index("References that lead nowhere") :][:1500]
    assert "Globex" in alarm
    assert "Acme" not in alarm
    for organization, times in ((acme, 0), (globex, 1)):
        own = reverse("admin:usage_organization", args=(organization.id,), urlconf="api.urls_public")
        assert client.get(own).content.decode().count("1 references lead nowhere") == times
