"""The operator console: operators only, on the platform host only, and every act through a service."""

import uuid
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.test import Client, override_settings
from django.urls import reverse

from billing.models import Plan, Subscription
from shared_apps.accounts.models import User
from shared_apps.accounts.services.throttles import forget_attempts
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, system_actor
from shared_apps.core.console import ConsoleAdmin
from shared_apps.core.signing import public_key
from shared_apps.jobs.enums import JobState
from shared_apps.jobs.models import Job
from shared_apps.onboarding.models import DeletionReceipt
from shared_apps.onboarding.services.domains import claim_domain
from shared_apps.onboarding.services.entries import enter_organization
from shared_apps.onboarding.services.lifecycle import delete_organization
from shared_apps.onboarding.services.offboarding import continue_offboarding
from shared_apps.onboarding.services.receipts import check_receipt
from shared_apps.outbox.models import OutboxMessage
from shared_apps.usage.models import DailyUsage
from tenants.models import DomainClaim, Organization
from tests.support.subscriptions import make_subscription

HOST = "app.palaestra.test"
PASSWORD = "correct-horse-battery"


@pytest.fixture
def console(shared: None) -> Client:
    client = Client(headers={"host": HOST})
    client.force_login(User.objects.create_user("ops@palaestra.example", PASSWORD, is_staff=True))
    return client


def page(name: str, *arguments: object) -> str:
    return reverse(f"admin:{name}", urlconf="api.urls_public", args=arguments)


def sign_in(email: str, password: str, host: str = HOST) -> Any:
    return Client(headers={"host": host}).post("/console/login/", {"username": email, "password": password})


def test_operators_sign_in_with_email_and_password_and_nobody_else(shared: None) -> None:
    User.objects.create_user("ops@palaestra.example", PASSWORD, is_staff=True)
    User.objects.create_user("person@acme.example", PASSWORD)
    assert sign_in("OPS@palaestra.example", PASSWORD).status_code == 302
    assert b"correct" in sign_in("ops@palaestra.example", "wrong").content
    assert sign_in("person@acme.example", PASSWORD).status_code == 200
    stranger = Client(headers={"host": HOST}).get("/console/tenants/organization/")
    assert (stranger.status_code, stranger["Location"].split("?")[0]) == (302, "/console/login/")


def test_attempts_on_one_account_are_throttled(shared: None) -> None:
    User.objects.create_user("ops@palaestra.example", PASSWORD, is_staff=True)
    for _ in range(10):
        assert sign_in("ops@palaestra.example", "wrong").status_code == 200
    assert sign_in("ops@palaestra.example", PASSWORD).status_code == 200  # right, but one too many
    forget_attempts("sign_in", account="ops@palaestra.example", address="127.0.0.1")
    assert sign_in("ops@palaestra.example", PASSWORD).status_code == 302


def test_attempts_through_a_proxy_are_counted_by_the_address_it_saw(shared: None) -> None:
    User.objects.create_user("ops@palaestra.example", PASSWORD, is_staff=True)
    limits = {**settings.RATE_LIMITS, "login_address": 2}

    def attempt(email: str, password: str, forwarded: str) -> int:
        client = Client(headers={"host": HOST, "x-forwarded-for": forwarded})
        return client.post("/console/login/", {"username": email, "password": password}).status_code

    with override_settings(RATE_LIMITS=limits, REST_FRAMEWORK={**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}):
        for number in range(3):
            attempt(f"nobody{number}@palaestra.example", "wrong", f"192.0.2.{number}, 203.0.113.7")
        spent = attempt("ops@palaestra.example", PASSWORD, "198.51.100.1, 203.0.113.7")
        other = attempt("ops@palaestra.example", PASSWORD, "203.0.113.8")
    assert (spent, other) == (200, 302)  # the form again for the address that has no attempts left


def test_organizations_have_no_console(acme: Organization, console: Client) -> None:
    assert console.get("/console/", headers={"host": "acme.palaestra.test"}).status_code == 404


@pytest.mark.feature("OPS-04")
def test_the_overview_counts(console: Client, acme: Organization, django_assert_max_num_queries: Any) -> None:
    make_subscription(acme, 1500)
    Job.objects.create(kind="x.y", state=JobState.FAILED, finished_at=clock.now())
    with django_assert_max_num_queries(10):
        shown = console.get("/console/").content.decode()
    assert "0 / 1,500" in shown
    assert "1 jobs, 0 messages" in shown


def test_every_page_opens_and_none_edits(console: Client, acme: Organization) -> None:
    make_subscription(acme, 3)
    OutboxMessage.objects.create(topic="mail.send")
    Job.objects.create(kind="x.y")
    console.get("/console/")
    for model, shown in admin.site._registry.items():
        assert isinstance(shown, ConsoleAdmin), model
        listed = console.get(page(f"{model._meta.app_label}_{model._meta.model_name}_changelist"))
        assert listed.status_code == 200, model
        if model is DailyUsage:  # pages of its own in place of the list, none of them a form of a row
            continue
        row = model._default_manager.first()
        if row is not None:
            address = page(f"{model._meta.app_label}_{model._meta.model_name}_change", row.pk)
            assert console.get(address).status_code == 200, model
            assert console.post(address, {"name": "x", "state": "x"}).status_code == 403, model
        added = page(f"{model._meta.app_label}_{model._meta.model_name}_add")
        assert console.post(added, {}).status_code == 403, model
    assert Organization.objects.get(slug="acme").name == "Acme"


def test_lists_cost_a_constant_number_of_queries(
    console: Client, acme: Organization, django_assert_max_num_queries: Any
) -> None:
    make_subscription(acme, 3)
    with django_assert_max_num_queries(8):
        shown = console.get(page("tenants_organization_changelist") + "?q=acme").content.decode()
    assert "0 / 3" in shown
    assert "Globex" not in shown


@pytest.mark.feature("TEN-07")
def test_an_operator_runs_the_life_of_an_organization_in_the_console(console: Client) -> None:
    made = console.post(
        page("tenants_organization_create"),
        {
            "name": "Initech",
            "slug": "initech",
            "owner_email": "o@initech.example",
            "timezone": "UTC",
            "language": "en",
        },
    )
    assert made.status_code == 302
    organization = Organization.objects.get(slug="initech")
    refused = console.post(
        page("tenants_organization_create"),
        {
            "name": "Other",
            "slug": "admin",
            "owner_email": "o@x.example",
            "timezone": "UTC",
            "language": "en",
        },
    )
    assert b"This name cannot be used." in refused.content
    assert console.get(page("tenants_organization_suspend", organization.id)).status_code == 200
    organization.refresh_from_db()
    assert organization.state == "trial"  # a GET only asks
    for act, body in (
        ("edit", {"name": "Initech AG", "timezone": "Europe/Berlin", "language": "de"}),
        ("suspend", {"reason": "unpaid", "mode": "full"}),
        ("resume", {}),
        ("remove", {"confirm": "initech"}),
    ):
        assert console.post(page(f"tenants_organization_{act}", organization.id), body).status_code == 302, (
            act
        )
    organization.refresh_from_db()
    assert (organization.name, organization.state) == ("Initech AG", "closing")
    events = AuditEvent.objects.filter(organization_id=organization.id).order_by("id")
    assert [(event.action, event.actor_label) for event in events] == [
        ("organizations.create", "ops@palaestra.example"),
        ("organizations.update", "ops@palaestra.example"),
        ("organizations.suspend", "ops@palaestra.example"),
        ("organizations.resume", "ops@palaestra.example"),
        ("archives.export", "ops@palaestra.example"),
        ("organizations.delete", "ops@palaestra.example"),
    ]


def test_acts_need_the_csrf_token(shared: None, acme: Organization) -> None:
    client = Client(headers={"host": HOST}, enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("ops@palaestra.example", is_staff=True))
    assert client.post(page("tenants_organization_suspend", acme.id), {"reason": "x"}).status_code == 403
    acme.refresh_from_db()
    assert acme.state == "trial"


def test_plans_and_subscriptions_are_kept_in_the_console(console: Client, acme: Organization) -> None:
    plan = {"code": "team", "name": "Team", "min_seats": 1, "max_seats": 50}
    assert console.post(page("billing_plan_create"), plan).status_code == 302
    grant = {"organization_id": str(acme.id), "plan_code": "team", "seats": 20, "note": "pilot"}
    assert console.post(page("billing_subscription_grant"), grant).status_code == 302
    subscription = Subscription.objects.get(organization=acme)
    too_many = console.post(page("billing_subscription_set_seats", subscription.id), {"seats": 51})
    assert b"The plan is not sold with this number of seats." in too_many.content
    console.post(page("billing_subscription_set_seats", subscription.id), {"seats": 25})
    subscription.refresh_from_db()
    assert subscription.purchased == 25
    console.post(page("billing_subscription_cancel", subscription.id), {"reason": "end"})
    console.post(page("billing_plan_archive", Plan.objects.get().id), {})
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == [
        "plans.create",
        "subscriptions.grant",
        "subscriptions.change_seats",
        "subscriptions.cancel",
        "plans.archive",
    ]


def test_failed_work_is_tried_again_and_running_work_is_left(console: Client) -> None:
    message = OutboxMessage.objects.create(topic="mail.send", given_up_at=clock.now(), attempts=8)
    job = Job.objects.create(kind="x.y", state=JobState.FAILED, attempts=5, error_code="boom")
    running = Job.objects.create(kind="x.y", state=JobState.RUNNING, attempts=1)
    assert console.post(page("outbox_outboxmessage_retry", message.id), {}).status_code == 302
    assert console.post(page("jobs_job_retry", job.id), {}).status_code == 302
    assert b"does not allow this" in console.post(page("jobs_job_retry", running.id), {}).content
    for row in (message, job, running):
        row.refresh_from_db()
    assert (message.given_up_at, message.attempts) == (None, 0)
    assert (job.state, job.attempts, job.error_code) == ("queued", 0, "")
    assert (running.state, running.attempts) == ("running", 1)
    unknown = console.post(page("jobs_job_retry", uuid.uuid4()), {})
    assert b"There is nothing here." in unknown.content


@pytest.mark.feature("TEN-08")
def test_an_operator_gives_an_organization_up_and_keeps_it_in_the_console(
    console: Client, acme: Organization
) -> None:
    def act(name: str, **body: object) -> Any:
        return console.post(page(f"tenants_organization_{name}", acme.id), body)

    assert act("rename", slug="acme-works").status_code == 302
    assert act("suspend", reason="unpaid", mode="read_only").status_code == 302
    acme.refresh_from_db()
    assert (acme.slug, acme.state, acme.suspension) == ("acme-works", "suspended", "read_only")
    assert b"why no export is needed" in act("remove", confirm="acme-works", grace_days=0).content
    assert act("remove", confirm="acme-works", grace_days=3).status_code == 302
    assert act("waive", reason="they have a copy").status_code == 302
    acme.refresh_from_db()
    assert acme.state == "closing"
    assert "acme-works" in console.get(page("onboarding_offboarding_changelist")).content.decode()
    assert act("keep").status_code == 302
    acme.refresh_from_db()
    assert (acme.state, acme.suspension) == ("suspended", "read_only")


@pytest.mark.feature("TEN-08")
def test_a_receipt_is_downloaded_in_the_console(console: Client, acme: Organization) -> None:
    operator = system_actor("test")
    delete_organization(
        actor=operator, organization_id=acme.id, confirm="acme", grace_days=0, export_waiver="test"
    )
    continue_offboarding(organization_id=acme.id)
    receipt = DeletionReceipt.objects.get()
    answer = console.get(page("onboarding_deletionreceipt_download", receipt.pk))
    assert answer["Content-Disposition"] == 'attachment; filename="deletion-acme.json"'
    assert check_receipt(answer.content, trusted_key=public_key())["organization"]["slug"] == "acme"
    stranger = Client(headers={"host": HOST})
    assert stranger.get(page("onboarding_deletionreceipt_download", receipt.pk)).status_code == 302


def test_domains_and_entries_are_ended_in_the_console(console: Client, acme: Organization) -> None:
    claim = claim_domain(actor=system_actor("test"), organization_id=acme.id, domain="learn.acme.example")
    shown = console.get(page("tenants_domainclaim_change", claim.id)).content.decode()
    assert f"_palaestra-challenge.learn.acme.example  →  {claim.token}" in shown
    refused = console.post(page("tenants_domainclaim_primary", claim.id), {})
    assert b"This domain is not proven yet." in refused.content
    assert console.post(page("tenants_domainclaim_remove", claim.id), {}).status_code == 302
    assert not DomainClaim.objects.exists()
    gone = console.post(page("tenants_domainclaim_check_now", claim.id), {})
    assert b"There is nothing here." in gone.content
    staff = User.objects.get(email="ops@palaestra.example")
    actor = Actor(kind=ActorKind.OPERATOR, user_id=staff.id, label=staff.email)
    entry = enter_organization(actor=actor, organization_id=acme.id, reason="ticket 4711").entry
    assert console.post(page("onboarding_supportentry_end", entry.id), {}).status_code == 302
    entry.refresh_from_db()
    assert entry.ended_by == staff.email


def test_an_organization_is_offered_what_fits_its_state(console: Client, acme: Organization) -> None:
    address = page("tenants_organization_change", acme.pk)
    shown = console.get(address).content.decode()
    offered = {name: f"/{name}" in shown for name in ("suspend", "resume", "keep", "waive-export")}
    assert offered == {"suspend": True, "resume": False, "keep": False, "waive-export": False}
    Organization.objects.filter(pk=acme.pk).update(
        state="suspended", suspension="full", state_before="active"
    )
    shown = console.get(address).content.decode()
    assert ("/resume" in shown, "/suspend" in shown) == (True, False)
