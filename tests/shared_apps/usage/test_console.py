"""The console's pages of use."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from shared_apps.accounts.models import User
from shared_apps.core import clock
from shared_apps.usage.admin import human_bytes
from shared_apps.usage.models import DailyUsage
from tenants.models import Organization

HOST = "app.palaestra.test"
URLS = "api.urls_public"


@pytest.fixture
def console(shared: None) -> Client:
    client = Client(headers={"host": HOST})
    client.force_login(User.objects.create_user("ops@palaestra.example", "correct-horse", is_staff=True))
    return client


def _use(organization: Organization) -> None:
    DailyUsage.objects.create(
        organization_id=organization.id,
        day=clock.now().date() - timedelta(days=1),
        requests=1234,
        tasks=56,
        mails=7,
        database_bytes=20_000_000,
        file_bytes=1_500_000,
        rows=890,
    )


def test_the_overview_shows_who_uses_most(console: Client, acme: Organization) -> None:
    _use(acme)
    page = console.get(reverse("admin:usage_dailyusage_changelist", urlconf=URLS)).content.decode()
    assert "Most requests" in page
    assert "1,234" in page
    assert "21.5 MB" in page
    assert page.count('data-type="bar"') == 4


def test_an_organizations_page_shows_its_charts(console: Client, acme: Organization) -> None:
    _use(acme)
    own = console.get(reverse("admin:usage_organization", args=(acme.id,), urlconf=URLS)).content.decode()
    assert own.count('data-type="bar"') == 4
    page = console.get(reverse("admin:tenants_organization_change", args=(acme.id,), urlconf=URLS))
    assert page.content.decode().count('data-type="bar"') == 4


def test_an_operator_sets_shares_in_the_console(console: Client, acme: Organization) -> None:
    address = reverse("admin:usage_shares", args=(acme.id,), urlconf=URLS)
    assert console.get(address).status_code == 200
    console.post(address, {"queue_weight": "3", "request_budget": ""})
    acme.refresh_from_db()
    assert (acme.queue_weight, acme.request_budget) == (3, None)
    assert console.post(address, {"queue_weight": "0"}).status_code == 200  # shown again, with the reason
    acme.refresh_from_db()
    assert acme.queue_weight == 3


def test_nobody_else_sees_them(acme: Organization) -> None:
    answer = Client(headers={"host": HOST}).get(
        reverse("admin:usage_organization", args=(uuid.uuid4(),), urlconf=URLS)
    )
    assert answer.status_code == 302


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_500_000_000_000, "2.5 TB")]
)
def test_sizes_are_for_people(number: int, shown: str) -> None:
    assert human_bytes(number) == shown
