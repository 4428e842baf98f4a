"""Operators see the runs of the migrator, stop them, go on with them and have failures tried again."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from shared_apps.accounts.models import User
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Actor, ActorKind, Role
from shared_apps.core.errors import Forbidden
from shared_apps.core.ids import new_id
from shared_apps.onboarding.services import migrations
from tenants.ddl import template_level, template_version
from tenants.enums import RunState
from tenants.models import MigrationRun, Organization, TenantSchema
from tenants.services.migrating.errors import NoRun, RunGoingOn, RunOfOtherCode
from tenants.services.migrating.options import RunOptions
from tenants.tasks import migrate

OPERATOR = Actor(kind=ActorKind.OPERATOR, user_id=new_id(), label="ops@palaestra.example")


@pytest.fixture
def console(shared: None) -> Client:
    client = Client(headers={"host": "app.palaestra.test"})
    client.force_login(User.objects.create_user("ops@palaestra.example", is_staff=True))
    return client


def page(name: str, *arguments: object) -> str:
    return reverse(f"admin:tenants_migrationrun_{name}", urlconf="api.urls_public", args=arguments)


def make_run(state: RunState, **facts: Any) -> MigrationRun:
    given = {
        "target_level": template_level(),
        "target_version": template_version(),
        "state": state,
        "started_at": clock.now(),
        "heartbeat_at": clock.now(),
        "started_by": "ops@machine (7)",
        "waves": [{"name": "canaries", "size": 2, "done": 2, "failed": 0}],
        "options": RunOptions().document(),
        "total": 8,
        "done": 2,
    }
    return MigrationRun.objects.create(**given | facts)


def test_the_page_shows_how_far_everybody_is_and_who_failed(console: Client, acme: Organization) -> None:
    run = make_run(RunState.FAILED, failed=1, note="1 of 2 in canaries failed")
    TenantSchema.objects.filter(id=acme.id).update(
        schema_level=template_level() - 1,
        migration_error="DataError: <b>too long</b>",
        migration_attempts=3,
        last_run=run,
    )

    listed = console.get(page("changelist")).content.decode()
    shown = console.get(page("change", run.id)).content.decode()

    assert "answer 503 until they are migrated" in listed
    assert "2 of 8 (25 %)" in listed
    assert "1 of 2 in canaries failed" in shown
    assert "DataError: &lt;b&gt;too long&lt;/b&gt;" in shown
    assert ">acme<" in shown


def test_the_run_at_work_is_asked_to_stop_and_that_is_on_record(console: Client) -> None:
    run = make_run(RunState.RUNNING)

    answer = console.post(reverse("admin:tenants_migrationrun_stop", urlconf="api.urls_public"))

    assert answer.status_code == 302
    run.refresh_from_db()
    assert run.state == RunState.STOPPING
    assert AuditEvent.objects.get(action="migrations.stop").target_id == str(run.id)


def test_without_a_run_at_work_nothing_is_stopped(shared: None) -> None:
    make_run(RunState.SUCCEEDED)
    with pytest.raises(NoRun):
        migrations.stop_migration(actor=OPERATOR)


def test_who_is_no_operator_may_do_none_of_it(shared: None) -> None:
    make_run(RunState.STOPPED)
    member = Actor(kind=ActorKind.MEMBER, user_id=new_id(), membership_id=new_id(), role=Role.OWNER)
    for act in (
        migrations.stop_migration,
        migrations.go_on_with_migration,
        migrations.retry_failed_migrations,
    ):
        with pytest.raises(Forbidden):
            act(actor=member)


def test_a_stopped_run_is_gone_on_with_by_a_worker(
    acme: Organization,
    django_capture_on_commit_callbacks: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_run(RunState.STOPPED)
    sent: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(
        "shared_apps.core.jobs.current_app.send_task", lambda name, kwargs, **_: sent.append((name, kwargs))
    )

    with django_capture_on_commit_callbacks(execute=True):
        migrations.go_on_with_migration(actor=OPERATOR)

    assert sent == [("tenants.migrate", {"act": "resume", "started_by": "ops@palaestra.example"})]


@pytest.mark.parametrize(
    ("label", "state", "facts", "refusal"),
    [
        ("finished", RunState.SUCCEEDED, {}, NoRun),
        ("at work", RunState.RUNNING, {}, RunGoingOn),
        ("of another release", RunState.STOPPED, {"target_version": "another"}, RunOfOtherCode),
    ],
)
def test_a_run_that_cannot_be_gone_on_with_is_refused(
    shared: None, label: str, state: RunState, facts: dict[str, Any], refusal: type[Exception]
) -> None:
    make_run(state, **facts)
    with pytest.raises(refusal):
        migrations.go_on_with_migration(actor=OPERATOR)


def test_without_failures_there_is_nothing_to_try_again(shared: None) -> None:
    with pytest.raises(NoRun):
        migrations.retry_failed_migrations(actor=OPERATOR)


def test_the_task_goes_on_with_the_run_and_twice_does_nothing(committed: None) -> None:
    run = make_run(RunState.STOPPED, total=0, done=0)
    assert migrate(act="resume", started_by="test") == "succeeded"
    assert migrate(act="resume", started_by="test") == ""
    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED
