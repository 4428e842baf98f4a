"""Each stage of a debt, a trial and an end is told once, to the minute, in the reader's language."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError

from billing.enums import DunningStage
from billing.models import DunningNotice, Subscription
from billing.services.access import dunning_mails
from billing.services.access.access import do_follow_access, do_follow_invoice, extend_grace
from billing.services.access.amounts import shown_amount
from billing.services.access.dunning import run_dunning
from shared_apps.accounts.models import User
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role
from shared_apps.outbox.models import OutboxMessage
from shared_apps.outbox.services.mail import Rendered, render_mail
from shared_apps.outbox.types import Outgoing
from tenants.enums import OrganizationState
from tenants.models import Organization
from tests.billing.test_access import invoiced, moved, subscribed
from tests.conftest import MemberMaker

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
OPERATOR = Actor(kind=ActorKind.OPERATOR, label="operator@palaestra.example")
DEBT = [
    (DunningStage.PAYMENT_FAILED, NOON),
    (DunningStage.NO_NEW_SEATS, NOON + 3 * DAY),
    (DunningStage.REMINDER, NOON + 4 * DAY),
    (DunningStage.READ_ONLY, NOON + 7 * DAY),
]


def mails(organization: Organization | None = None) -> list[str]:
    """Return the stages that were mailed, oldest first, one for each reader."""
    rows = OutboxMessage.objects.filter(topic="mail.send").order_by("id")
    if organization is not None:
        rows = rows.filter(organization_id=organization.id)
    return [row.payload["template"].removeprefix("billing/") for row in rows]


def rendered_mail(row: OutboxMessage) -> Rendered:
    assert row.organization_id is not None
    organization = Organization.objects.get(id=row.organization_id)
    return render_mail(Outgoing(row.id, row.topic, row.payload, NOON, 1, organization.id, organization))


def told() -> set[str]:
    return set(DunningNotice.objects.values_list("stage", flat=True))


def run_at(instant: datetime) -> int:
    with clock.frozen_at(instant):
        return run_dunning()


@pytest.fixture
def behind(acme: Organization) -> Subscription:
    """A subscription whose renewal failed at noon; its only reader is the owner."""
    OutboxMessage.objects.all().delete()
    with clock.frozen_at(NOON):
        row = subscribed(acme)
        invoiced(row, "open", minor=129_900)
        return moved(row, "past_due")


@pytest.mark.feature("BIL-03")
def test_the_stages_of_a_debt_are_told_to_the_minute_and_once(behind: Subscription) -> None:
    so_far: list[str] = []
    for stage, due in DEBT:
        # a minute before there is nothing to tell; at the minute there is; and never again
        if stage is not DunningStage.PAYMENT_FAILED:  # told by the gateway's message, at once
            assert run_at(due - MINUTE) == 0
            assert mails() == so_far
            assert run_at(due) == 1
        so_far.append(str(stage))
        assert mails() == so_far
        assert run_at(due) == 0
        assert run_at(due + MINUTE) == 0
    assert run_at(NOON + 60 * DAY) == 0
    assert mails() == [str(stage) for stage, _ in DEBT]


@pytest.mark.feature("BIL-03")
def test_after_a_pause_only_what_holds_now_is_mailed(behind: Subscription) -> None:
    assert run_at(NOON + 8 * DAY) == 3
    assert mails() == ["payment_failed", "read_only"]
    assert told() == {str(stage) for stage, _ in DEBT}
    assert run_at(NOON + 9 * DAY) == 0


@pytest.mark.feature("BIL-03")
def test_paid_in_between_is_told_and_ends_it(behind: Subscription) -> None:
    run_at(NOON + 3 * DAY)
    with clock.frozen_at(NOON + 4 * DAY - MINUTE):
        moved(behind, "active")
    assert mails() == ["payment_failed", "no_new_seats", "recovered"]
    assert run_at(NOON + 30 * DAY) == 0
    with clock.frozen_at(NOON + 5 * DAY):
        do_follow_access(behind, status_before="active")
    assert mails() == ["payment_failed", "no_new_seats", "recovered"]


@pytest.mark.feature("BIL-03")
def test_a_new_debt_is_told_anew(behind: Subscription) -> None:
    with clock.frozen_at(NOON + DAY):
        moved(behind, "active")
    with clock.frozen_at(NOON + 31 * DAY):
        moved(behind, "past_due")
    run_at(NOON + 34 * DAY)
    with clock.frozen_at(NOON + 35 * DAY):
        moved(behind, "active")
    first, second = ["payment_failed", "recovered"], ["payment_failed", "no_new_seats", "recovered"]
    assert mails() == first + second


def test_the_gateway_giving_up_is_told_as_read_only(behind: Subscription) -> None:
    with clock.frozen_at(NOON + 2 * DAY):
        moved(behind, "unpaid")
    assert mails() == ["payment_failed", "read_only"]
    assert run_at(NOON + 20 * DAY) == 0


def test_a_longer_grace_is_reminded_of_again(behind: Subscription) -> None:
    run_at(NOON + 7 * DAY)
    before = mails()
    with clock.frozen_at(NOON + 8 * DAY):
        extend_grace(actor=OPERATOR, subscription_id=behind.id, until=NOON + 20 * DAY)
    assert mails() == before
    assert (run_at(NOON + 17 * DAY - MINUTE), run_at(NOON + 17 * DAY)) == (0, 1)
    assert (run_at(NOON + 20 * DAY - MINUTE), run_at(NOON + 20 * DAY)) == (0, 1)
    assert mails() == [*before, "reminder", "read_only"]


def test_a_debt_waits_a_moment_for_its_invoice(acme: Organization) -> None:
    OutboxMessage.objects.all().delete()
    with clock.frozen_at(NOON):
        row = moved(subscribed(acme), "past_due")
    assert mails() == []
    # the invoice's own message comes a minute later
    with clock.frozen_at(NOON + MINUTE):
        invoiced(row, "open")
        do_follow_invoice(row)
    assert mails() == ["payment_failed"]


def test_a_debt_without_invoice_is_told_after_all(acme: Organization) -> None:
    OutboxMessage.objects.all().delete()
    with clock.frozen_at(NOON):
        moved(subscribed(acme), "past_due")
    assert (run_at(NOON + 4 * MINUTE), run_at(NOON + 5 * MINUTE)) == (0, 1)
    assert mails() == ["payment_failed"]


@pytest.mark.feature("BIL-03")
def test_a_trial_and_an_end_are_told_three_days_before(acme: Organization, globex: Organization) -> None:
    OutboxMessage.objects.all().delete()
    ends = NOON + 14 * DAY
    with clock.frozen_at(NOON):
        trial = moved(subscribed(acme, trial_ends_at=ends), "trialing")
        moved(subscribed(globex, cancels_at=ends + DAY), "active")
    assert run_at(ends - 3 * DAY - MINUTE) == 0
    assert run_at(ends - 3 * DAY) == 1
    assert (mails(acme), mails(globex)) == (["trial_ending"], [])
    assert run_at(ends - 2 * DAY) == 1
    assert mails(globex) == ["ending"]
    # a longer trial is another end
    trial.trial_ends_at = ends + 30 * DAY
    trial.save_fields("trial_ends_at")
    assert run_at(ends + 27 * DAY) == 1
    assert mails(acme) == ["trial_ending", "trial_ending"]


def test_the_end_is_told_once_and_only_while_it_is_news(acme: Organization, globex: Organization) -> None:
    OutboxMessage.objects.all().delete()
    with clock.frozen_at(NOON):
        row = subscribed(acme)
        invoiced(row)
        moved(row, "canceled")
        do_follow_access(row, status_before="canceled")
    assert mails(acme) == ["canceled"]
    with clock.frozen_at(NOON + 3 * DAY):
        old = subscribed(globex, canceled_at=NOON, status="canceled")
        do_follow_access(old)
    assert mails(globex) == []


def test_two_organizations_are_told_apart(behind: Subscription, globex: Organization) -> None:
    with clock.frozen_at(NOON + DAY):
        other = subscribed(globex)
        invoiced(other, "open")
        moved(other, "past_due")
    assert run_at(NOON + 3 * DAY) == 1
    assert run_at(NOON + 4 * DAY) == 2
    assert mails(globex) == ["payment_failed", "no_new_seats"]
    organizations = OutboxMessage.objects.values_list("organization_id", "payload__to")
    addresses = {globex.id: globex.owner_email, behind.organization_id: behind.organization.owner_email}
    for organization_id, to in organizations:
        assert organization_id is not None
        assert to == addresses[organization_id]


@pytest.mark.feature("BIL-03")
def test_a_worker_that_dies_leaves_both_or_neither(
    behind: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise SystemExit

    real = dunning_mails.do_mail_stage

    def mail_and_die(notice: DunningNotice, row: Subscription) -> None:
        real(notice, row)
        raise SystemExit

    for broken in (die, mail_and_die):
        monkeypatch.setattr("billing.services.access.dunning.do_mail_stage", broken)
        with pytest.raises(SystemExit):
            run_at(NOON + 3 * DAY)
        assert (told(), mails()) == ({"payment_failed"}, ["payment_failed"])
    monkeypatch.setattr("billing.services.access.dunning.do_mail_stage", real)
    assert run_at(NOON + 3 * DAY) == 1
    assert mails() == ["payment_failed", "no_new_seats"]


def test_one_rows_trouble_does_not_silence_the_others(
    behind: Subscription, globex: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clock.frozen_at(NOON):
        other = subscribed(globex)
        invoiced(other, "open")
        moved(other, "past_due")
    real = dunning_mails.do_mail_stage

    def fail_for_acme(notice: DunningNotice, row: Subscription) -> None:
        if row.id == behind.id:
            raise DatabaseError
        real(notice, row)

    monkeypatch.setattr("billing.services.access.dunning.do_mail_stage", fail_for_acme)
    assert run_at(NOON + 3 * DAY) == 1
    assert mails(globex) == ["payment_failed", "no_new_seats"]


def test_an_organization_on_its_way_out_is_not_dunned(behind: Subscription) -> None:
    Organization.objects.filter(id=behind.organization_id).update(state=OrganizationState.CLOSING)
    assert run_at(NOON + 3 * DAY) == 0
    assert mails() == ["payment_failed"]


def test_who_looks_after_money_reads_it_and_nobody_else(acme: Organization, member: MemberMaker) -> None:
    OutboxMessage.objects.all().delete()
    for role in Role:
        if role is not Role.OWNER:
            member(acme, role, email=f"{role}@acme.example")
    with clock.frozen_at(NOON):
        row = subscribed(acme)
        invoiced(row, "open")
        moved(row, "past_due")
    readers = set(OutboxMessage.objects.values_list("payload__to", flat=True))
    assert readers == {acme.owner_email, "admin@acme.example", "billing_admin@acme.example"}


@pytest.mark.parametrize(
    ("language", "subject", "words"),
    [
        (
            "en",
            "A payment for Acme failed",
            ["EUR 1,299.00 of invoice INV-7", "2027-03-04, 13:00 CET", "2027-03-08, 13:00 CET"],
        ),
        (
            "de",
            "Eine Zahlung für Acme ist fehlgeschlagen",
            ["1.299,00 EUR der Rechnung INV-7", "04.03.2027, 13:00 CET", "08.03.2027, 13:00 CET"],
        ),
    ],
)
def test_the_mail_names_amount_instants_and_links(
    acme: Organization, language: str, subject: str, words: list[str]
) -> None:
    OutboxMessage.objects.all().delete()
    Organization.objects.filter(id=acme.id).update(timezone="Europe/Berlin")
    User.objects.filter(email=acme.owner_email).update(language=language)
    with clock.frozen_at(NOON):
        row = subscribed(acme)
        invoiced(row, "open", minor=129_900)
        moved(row, "past_due")
    [message] = OutboxMessage.objects.filter(topic="mail.send")
    rendered = rendered_mail(message)
    assert rendered.subject == subject
    for word in [*words, "https://pay.example/in_7", "acme.palaestra.test", "/billing"]:
        assert word in rendered.text
    assert rendered.html is not None
    assert "<strong>" in rendered.html


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("stage", list(DunningStage))
def test_every_stage_has_its_mail(behind: Subscription, stage: DunningStage, language: str) -> None:
    message = OutboxMessage.objects.get()
    message.payload |= {"template": f"billing/{stage}", "language": language}
    rendered = rendered_mail(message)
    assert rendered.subject
    assert ("Guten Tag" if language == "de" else "Hello") in rendered.text
    assert "/billing" in rendered.text
    assert rendered.html is not None
    assert not any(sign in rendered.text + rendered.html for sign in ("{{", "{%", "&amp;lt;"))


@pytest.mark.parametrize(
    ("minor", "currency", "language", "shown"),
    [
        (129_900, "eur", "en", "EUR 1,299.00"),
        (129_900, "eur", "de-AT", "1.299,00 EUR"),
        (5, "usd", "en", "USD 0.05"),
        (1_200, "jpy", "de", "1.200 JPY"),
        (1_234_500, "bhd", "en", "BHD 1,234.500"),
        (-250, "eur", "en", "EUR -2.50"),
    ],
)
def test_amounts_are_written_for_people(minor: int, currency: str, language: str, shown: str) -> None:
    assert shown_amount(minor, currency, language) == shown
