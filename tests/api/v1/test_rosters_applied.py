"""What applying a list does: people, seats, cohorts and runs, once, whole rows only."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from billing.models import SeatAssignment, Subscription
from shared_apps.accounts.models import Membership, User
from shared_apps.core.actors import Role
from shared_apps.jobs.models import Job
from shared_apps.outbox.models import OutboxMessage
from tenant_apps.cohorts.models import Cohort, CohortMember
from tenant_apps.people.models import Member
from tenant_apps.runs.models import Enrollment
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tests.support.rosters import HEADER, THREE, apply, changed_tables, make_run, rows, table_counts, upload
from tests.support.subscriptions import make_subscription

SignIn = Callable[..., Any]


@pytest.mark.feature("COH-01")
def test_applying_makes_the_whole_person(acme: Organization, sign_in: SignIn) -> None:
    make_subscription(acme, 10)
    admin = sign_in(acme, Role.ADMIN)
    run_id = make_run(acme, cohort="Spring")
    roster = upload(admin, THREE).json()
    before = table_counts(acme)

    result = apply(admin, acme, roster)

    assert (result["done"], result["unchanged"], result["refused"]) == (3, 0, 0)
    assert changed_tables(before, table_counts(acme)) == {
        "accounts_user": 3,
        "accounts_membership": 3,
        "accounts_invitation": 3,
        "people_member": 3,
        "billing_seatassignment": 3,
        "billing_seatentry": 3,
        "cohorts_cohortmember": 3,
        "runs_enrollment": 3,
        "runs_accessgrant": 3,
        "outbox_outboxmessage": 3,
        "jobs_job": 1,
        "audit_auditevent": 3,
    }
    with in_organization(acme):
        ann = Member.objects.select_related("manager", "membership", "user").get(email="ann@acme.example")
        assert ann.manager is not None
        assert ann.manager.email == "boss@acme.example"
        assert (ann.employee_id, ann.first_name, ann.department) == ("E2", "Ann", "Sales")
        assert (ann.membership.role, ann.membership.status) == ("learner", "invited")
        assert not ann.user.has_usable_password()
        assert Member.objects.get(email="boss@acme.example").membership.role == "manager"
        enrollment = Enrollment.objects.get(member_id=ann.pk)
        assert (enrollment.run_id, enrollment.state, enrollment.source) == (run_id, "pending", "cohort")
    with in_public():
        assert Subscription.objects.get(organization=acme).used == 3
        mails = OutboxMessage.objects.filter(organization_id=acme.id, topic="mail.send")
        assert sorted(mail.payload["to"] for mail in mails) == [
            "ann@acme.example",
            "bob@acme.example",
            "boss@acme.example",
        ]
    assert {row["result"] for row in rows(admin, roster)} == {"done"}
    assert admin.get(f"/api/v1/rosters/{roster['id']}").json()["state"] == "applied"


@pytest.mark.feature("COH-01")
def test_the_same_file_again_changes_nothing(acme: Organization, sign_in: SignIn) -> None:
    make_subscription(acme, 10)
    admin = sign_in(acme, Role.ADMIN)
    make_run(acme, cohort="Spring")
    first = upload(admin, THREE).json()
    apply(admin, acme, first)

    again = upload(admin, THREE).json()

    assert again["counts"] == {"rows": 3, "add": 0, "change": 0, "skip": 3, "refuse": 0, "warned": 0}
    assert again["seats_needed"] == 0
    refused = admin.post(f"/api/v1/rosters/{again['id']}/apply", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_apply")


@pytest.mark.feature("COH-01")
def test_applying_twice_is_one_job_and_one_effect(acme: Organization, sign_in: SignIn) -> None:
    make_subscription(acme, 10)
    admin = sign_in(acme, Role.ADMIN)
    roster = upload(admin, THREE).json()
    first = admin.post(f"/api/v1/rosters/{roster['id']}/apply", {})
    second = admin.post(f"/api/v1/rosters/{roster['id']}/apply", {"partial": True})
    assert first.json()["id"] == second.json()["id"]
    assert first["Location"] == second["Location"] == f"/api/v1/jobs/{first.json()['id']}"

    apply(admin, acme, roster)
    before = table_counts(acme)
    apply(admin, acme, roster)  # the message delivered a second time

    assert changed_tables(before, table_counts(acme)) == {}


@pytest.mark.feature("COH-01")
def test_changes_show_old_and_new_and_only_they_are_written(acme: Organization, sign_in: SignIn) -> None:
    make_subscription(acme, 10)
    admin = sign_in(acme, Role.ADMIN)
    apply(admin, acme, upload(admin, THREE).json())
    text = HEADER + (
        "E2,ann@acme.example,Ann,Able,Marketing,,instructor,Autumn\n"  # department, role, cohort
        "E3,BOB@acme.example,Bob,Baker,,boss@acme.example,learner,spring\n"  # nothing: case, empty cell
    )

    roster = upload(admin, text).json()

    assert roster["counts"] == {"rows": 2, "add": 0, "change": 1, "skip": 1, "refuse": 0, "warned": 0}
    [change] = rows(admin, roster, action="change")
    assert change["number"] == 2
    assert change["changes"] == {
        "department": ["Sales", "Marketing"],
        "role": ["learner", "instructor"],
        "cohort": ["", "Autumn"],
    }
    apply(admin, acme, roster)
    with in_organization(acme):
        ann = Member.objects.select_related("membership", "manager").get(email="ann@acme.example")
        assert (ann.department, ann.membership.role) == ("Marketing", "instructor")
        assert ann.manager is not None, "an empty cell leaves the manager as it was"
        assert Member.objects.get(email="bob@acme.example").department == "Ops"
        places = CohortMember.objects.filter(member_id=ann.pk, left_at=None)
        assert sorted(places.values_list("cohort__name", flat=True)) == ["Autumn", "Spring"]
        assert list(Cohort.objects.values_list("name", flat=True)) == ["Autumn", "Spring"]


@pytest.mark.feature("COH-01")
def test_too_few_seats_refuse_the_whole(
    acme: Organization, sign_in: SignIn, member: Callable[..., Any]
) -> None:
    subscription = make_subscription(acme, 3)
    admin = sign_in(acme, Role.ADMIN)
    holder = member(acme, email="ann@acme.example", employee_id="E2")
    with in_public():
        SeatAssignment.objects.create(subscription=subscription, organization=acme, membership=holder)
    other = member(acme, email="other@acme.example")
    roster = upload(admin, THREE).json()
    assert (roster["seats_needed"], roster["seats_free"]) == (2, 2), "who holds a seat needs none"
    with in_public():
        SeatAssignment.objects.create(subscription=subscription, organization=acme, membership=other)

    refused = admin.post(f"/api/v1/rosters/{roster['id']}/apply", {"partial": True})

    assert (refused.status_code, refused.json()["code"]) == (409, "seats_too_few")
    assert refused.json()["facts"] == {"seats_needed": 2, "seats_free": 1}
    with in_public():
        assert not Job.objects.filter(organization_id=acme.id).exists()


@pytest.mark.feature("COH-01")
def test_seats_taken_meanwhile_leave_whole_rows_out(acme: Organization, sign_in: SignIn) -> None:
    make_subscription(acme, 3)
    admin = sign_in(acme, Role.ADMIN)
    make_run(acme, cohort="Spring")
    roster = upload(admin, THREE).json()
    admin.post(f"/api/v1/rosters/{roster['id']}/apply", {})
    with in_public():
        Subscription.objects.filter(organization=acme).update(purchased=2)

    result = apply(admin, acme, roster)

    assert (result["done"], result["refused"]) == (2, 1)
    assert result["refused_while_applying"] == {"seats_exhausted": 1}
    [left_out] = rows(admin, roster, result="refused")
    assert (left_out["number"], left_out["result_code"]) == (4, "seats_exhausted")
    with in_organization(acme):
        assert not Member.objects.filter(email="bob@acme.example").exists()
        assert Enrollment.objects.count() == CohortMember.objects.count() == 2
    with in_public():
        assert not User.objects.filter(email="bob@acme.example").exists()
        assert Subscription.objects.get(organization=acme).used == 2


@pytest.mark.feature("COH-01")
def test_a_plan_that_no_longer_fits_is_refused_row_by_row(
    acme: Organization, sign_in: SignIn, member: Callable[..., Any]
) -> None:
    make_subscription(acme, 5)
    admin = sign_in(acme, Role.ADMIN)
    one = member(acme, email="one@acme.example", department="Sales")
    text = "email,department\none@acme.example,Legal\ntwo@acme.example,Legal\n"
    roster = upload(admin, text).json()
    with in_organization(acme):
        Member.objects.filter(pk=one.pk).update(department="Research")

    stale = admin.post(f"/api/v1/rosters/{roster['id']}/apply", {})
    result = apply(admin, acme, roster, partial=True)

    assert (stale.status_code, stale.json()["code"], stale.json()["facts"]) == (
        409,
        "plan_stale",
        {"stale": 1},
    )
    assert (result["done"], result["refused_while_applying"]) == (1, {"plan_stale": 1})
    with in_organization(acme):
        assert Member.objects.get(pk=one.pk).department == "Research"
        assert Member.objects.get(email="two@acme.example").department == "Legal"


@pytest.mark.feature("COH-01")
def test_a_full_run_takes_as_many_as_it_has_places(acme: Organization, sign_in: SignIn) -> None:
    make_subscription(acme, 10)
    admin = sign_in(acme, Role.ADMIN)
    make_run(acme, cohort="Spring", capacity=2)
    roster = upload(admin, THREE).json()
    assert roster["counts"]["add"] == 2
    [full] = rows(admin, roster, action="refuse")
    assert (full["number"], full["issues"][0]["column"], full["issues"][0]["code"]) == (
        4,
        "cohort",
        "run_full",
    )
    assert apply(admin, acme, roster, partial=True)["done"] == 2


def test_a_run_named_with_the_upload_takes_everybody(acme: Organization, sign_in: SignIn) -> None:
    make_subscription(acme, 10)
    admin = sign_in(acme, Role.ADMIN)
    run_id = make_run(acme)
    text = "email\na@acme.example\nb@acme.example\n"
    roster = upload(admin, text, run_id=str(run_id), default_role="instructor").json()
    apply(admin, acme, roster)
    with in_organization(acme):
        found = Enrollment.objects.filter(run_id=run_id).order_by("member__email")
        assert list(found.values_list("member__email", "source", "member__membership__role")) == [
            ("a@acme.example", "admin", "instructor"),
            ("b@acme.example", "admin", "instructor"),
        ]
    unknown = upload(admin, text, run_id=str(uuid.uuid4()))
    assert (unknown.status_code, unknown.json()["code"]) == (400, "unknown_run")


@pytest.mark.feature("COH-01")
def test_a_user_of_another_organization_is_an_ordinary_new_person(
    acme: Organization, globex: Organization, sign_in: SignIn, member: Callable[..., Any]
) -> None:
    make_subscription(acme, 5)
    admin = sign_in(acme, Role.ADMIN)
    there = member(globex, Role.OWNER, email="both@people.example")
    text = "email,first_name,language\nboth@people.example,Bo,de\nnew@people.example,Nu,de\n"

    roster = upload(admin, text).json()
    apply(admin, acme, roster)

    known, new = rows(admin, roster)
    for row in (known, new):
        for own in ("number", "values", "member_id"):
            row.pop(own)
    assert known == new, "nothing tells that one of the two has an account"
    with in_public():
        here = Membership.objects.get(organization=acme, user_id=there.user_id)
        assert (here.status, here.role) == ("invited", "learner")
        assert User.objects.get(pk=there.user_id).language == "en", "the account is its owner's"
        assert Membership.objects.get(pk=there.pk).role == "owner"


def test_suspended_people_keep_their_facts_right_and_get_nothing(
    acme: Organization, sign_in: SignIn, member: Callable[..., Any]
) -> None:
    make_subscription(acme, 5)
    admin = sign_in(acme, Role.ADMIN)
    out = member(acme, email="out@acme.example", status="suspended")
    roster = upload(admin, "email,department,cohort\nout@acme.example,Legal,Spring\n").json()
    assert roster["seats_needed"] == 0
    apply(admin, acme, roster)
    with in_organization(acme):
        assert Member.objects.get(pk=out.pk).department == "Legal"
        assert not CohortMember.objects.exists()
