"""A tenant that is behind the code waits, alone: over HTTP, in workers, in the outbox."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from celery import shared_task
from django.db import transaction

from shared_apps.core import clock
from shared_apps.core.actors import Role
from shared_apps.outbox import types
from shared_apps.outbox.models import OutboxMessage
from shared_apps.outbox.services.delivery import relay
from shared_apps.outbox.services.messages import Message, do_send
from shared_apps.outbox.types import Outgoing, register_handler
from tenants.context import current_organization
from tenants.ddl import template_level
from tenants.errors import OrganizationBehind
from tenants.models import Organization, TenantSchema
from tenants.selectors.hosts import announce_changed_hosts
from tenants.task_base import OrganizationTask
from tests.support.client import Caller


def fall_behind(organization: Organization, levels: int = 1) -> None:
    TenantSchema.objects.filter(id=organization.id).update(schema_level=template_level() - levels)
    announce_changed_hosts()


def catch_up(organization: Organization) -> None:
    TenantSchema.objects.filter(id=organization.id).update(schema_level=template_level())
    announce_changed_hosts()


def test_a_tenant_behind_answers_503_while_the_others_work(
    acme: Organization, globex: Organization, sign_in: Callable[..., Caller]
) -> None:
    behind, other = sign_in(acme, Role.ADMIN), sign_in(globex, Role.ADMIN)
    assert behind.get("/api/v1/courses").status_code == 200

    fall_behind(acme)

    refused = behind.get("/api/v1/courses")
    assert (refused.status_code, refused.json()["code"]) == (503, "organization_migrating")
    assert int(refused.headers["Retry-After"]) == 10
    assert other.get("/api/v1/courses").status_code == 200

    catch_up(acme)
    assert behind.get("/api/v1/courses").status_code == 200


def test_a_tenant_ahead_of_the_code_is_served(acme: Organization, sign_in: Callable[..., Caller]) -> None:
    caller = sign_in(acme, Role.ADMIN)
    fall_behind(acme, levels=-1)
    assert caller.get("/api/v1/courses").status_code == 200


def test_health_answers_on_a_host_that_is_behind(acme: Organization, sign_in: Callable[..., Caller]) -> None:
    caller = sign_in(acme, Role.ADMIN)
    fall_behind(acme)
    assert caller.get("/healthz").status_code == 200


ran: list[uuid.UUID] = []


@shared_task(name="tests.migrating_gate", base=OrganizationTask)
def note_organization(mark: str) -> None:
    ran.append(uuid.UUID(mark))


def test_a_task_of_a_tenant_behind_is_refused_before_its_body(
    acme: Organization, globex: Organization
) -> None:
    ran.clear()
    fall_behind(acme)

    with pytest.raises(OrganizationBehind):
        note_organization(organization_id=str(acme.id), mark=str(acme.id))
    note_organization(organization_id=str(globex.id), mark=str(globex.id))
    assert ran == [globex.id]

    catch_up(acme)
    note_organization(organization_id=str(acme.id), mark=str(acme.id))
    assert ran == [globex.id, acme.id]


def test_messages_of_a_tenant_behind_wait_uncounted_and_are_delivered_once_it_is_not(
    acme: Organization, globex: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(types, "_handlers", {})
    seen: list[str] = []

    def deliver(message: Outgoing) -> None:
        seen.append(current_organization().slug)

    register_handler("test.gate", deliver)
    for organization in (acme, globex):
        with transaction.atomic():
            do_send([Message("test.gate", {})], organization_id=organization.id)
    fall_behind(acme)

    relay()
    assert seen == ["globex"]

    # given that the tenant arrived, the message is delivered at its next turn, whichever number that is
    catch_up(acme)
    with clock.frozen_at(clock.now() + timedelta(hours=1)):
        relay()
    assert seen == ["globex", "acme"]
    assert not OutboxMessage.objects.filter(delivered_at=None).exists()
