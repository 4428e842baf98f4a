"""What is over goes after its time, in batches; what somebody still needs stays."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session

from shared_apps.accounts.models import RefreshToken, SignIn
from shared_apps.accounts.services.pruning import prune_sign_ins
from shared_apps.core.actors import Role
from shared_apps.core.clock import frozen_at
from shared_apps.core.pruning import delete_in_batches
from shared_apps.idempotency.models import RememberedAnswer
from shared_apps.idempotency.services import forget_old
from shared_apps.jobs.enums import JobState
from shared_apps.jobs.models import Job
from shared_apps.jobs.services.pruning import prune_finished
from shared_apps.outbox.models import OutboxMessage
from shared_apps.outbox.services.pruning import prune_delivered
from tenants.models import Organization

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


def _days(number: float) -> datetime:
    return NOW - timedelta(days=number)


def test_batches_stop_where_they_are_told(shared: None) -> None:
    OutboxMessage.objects.bulk_create(OutboxMessage(topic="x") for _ in range(25))
    assert delete_in_batches(OutboxMessage.objects.all(), batch=4, most_batches=3) == 12
    assert delete_in_batches(OutboxMessage.objects.all(), batch=4) == 13


def test_delivered_messages_go_waiting_and_given_up_ones_stay(shared: None) -> None:
    kept = [
        OutboxMessage.objects.create(topic="x", created_at=_days(400)),
        OutboxMessage.objects.create(topic="x", given_up_at=_days(400)),
        OutboxMessage.objects.create(topic="x", delivered_at=_days(29)),
    ]
    OutboxMessage.objects.create(topic="x", delivered_at=_days(31))
    with frozen_at(NOW):
        assert prune_delivered() == 1
    assert set(OutboxMessage.objects.values_list("id", flat=True)) == {row.id for row in kept}


def test_ended_jobs_go_open_ones_stay(shared: None) -> None:
    for state, finished in [
        (JobState.SUCCEEDED, 91),
        (JobState.FAILED, 91),
        (JobState.SUCCEEDED, 89),
        (JobState.QUEUED, None),
        (JobState.RUNNING, None),
    ]:
        at = _days(finished) if finished else None
        Job.objects.create(kind="test.work", state=state, finished_at=at, created_at=_days(400))
    with frozen_at(NOW):
        assert prune_finished() == 2
    states = Job.objects.order_by("state").values_list("state", flat=True)
    assert list(states) == ["queued", "running", "succeeded"]


@pytest.mark.feature("OPS-02")
def test_a_sign_in_that_still_lets_somebody_in_stays(acme: Organization, member: Callable[..., Any]) -> None:
    membership = member(acme, Role.LEARNER)

    def sign_in(session: str = "", **facts: Any) -> SignIn:
        return SignIn.objects.create(
            user_id=membership.user_id,
            organization_id=acme.id,
            membership_id=membership.id,
            session_key=session,
            **{"created_at": _days(200), **facts},
        )

    SignIn.objects.all().delete()
    over = sign_in()
    kept = {
        sign_in(created_at=_days(10)),  # young
        sign_in(last_used_at=_days(1)),  # used lately
        (refreshing := sign_in()),
        sign_in("alive"),
    }
    RefreshToken.objects.create(
        sign_in=refreshing, token_hash=b"1" * 32, expires_at=NOW + timedelta(days=1), used_at=_days(1)
    )
    RefreshToken.objects.create(sign_in=over, token_hash=b"2" * 32, expires_at=_days(170))
    Session.objects.create(session_key="alive", session_data="x", expire_date=NOW + timedelta(days=1))
    Session.objects.create(session_key="dead", session_data="x", expire_date=_days(1))
    with frozen_at(NOW):
        assert prune_sign_ins() == 3  # a session, a refresh token, a sign-in
    assert set(SignIn.objects.all()) == kept
    assert list(Session.objects.values_list("session_key", flat=True)) == ["alive"]
    assert RefreshToken.objects.count() == 1


def test_remembered_answers_go_after_a_day(shared: None) -> None:
    for hours in (23, 25):
        RememberedAnswer.objects.create(
            caller="x", key=str(hours), request_hash=b"h", created_at=NOW - timedelta(hours=hours)
        )
    with frozen_at(NOW):
        assert forget_old() == 1
    assert list(RememberedAnswer.objects.values_list("key", flat=True)) == ["23"]
