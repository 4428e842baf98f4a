"""Rights, caches and names that could count in the wrong organization (ways 15 to 31)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection
from django.db.models import signals
from guardian.shortcuts import assign_perm

from api.core.throttling import CallerThrottle
from shared_apps.accounts.models import Membership, User
from shared_apps.core.actors import Role
from tenant_apps.courses.models import Course
from tenant_apps.courses.policies import visible_courses
from tenants.cache import organization_key
from tenants.context import in_organization, in_public
from tenants.models import Domain, Organization, TenantSchema
from tenants.names import schema_name_for
from tenants.selectors.hosts import announce_changed_hosts, find_organization
from tests.isolation.twins import Twins
from tests.support.actors import actor_as
from tests.support.client import Caller, caller_as
from tests.support.seed import make_member


@pytest.mark.leak(16)
def test_a_schema_behind_the_code_is_not_entered(acme: Organization, anonymous: Any) -> None:
    with in_public():
        TenantSchema.objects.filter(pk=acme.pk).update(schema_level=1)
        announce_changed_hosts()
    answer = anonymous(acme).get("/api/v1/auth/csrf")
    assert (answer.status_code, answer.json()["code"]) == (503, "organization_migrating")


@pytest.mark.leak(17)
def test_content_types_and_permissions_have_one_table(acme: Organization) -> None:
    with in_public(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT schemaname FROM pg_tables"
            " WHERE tablename IN ('django_content_type', 'auth_permission')"
        )
        assert cursor.fetchall() == [("public",)]
    with in_organization(acme):
        here = ContentType.objects.get_for_model(Course).pk
    ContentType.objects.clear_cache()
    with in_public():
        assert ContentType.objects.get_for_model(Course).pk == here


def _agent(twins: Twins) -> dict[str, Membership]:
    """One person who instructs in both."""
    memberships = {}
    for world in (twins.a, twins.b):
        member = make_member(world.organization, email="agent@agency.example", role=Role.INSTRUCTOR)
        with in_public():
            memberships[world.mark] = Membership.objects.get(pk=member.pk)
    return memberships


@pytest.mark.leak(18, 20)
def test_a_right_on_an_object_counts_in_its_own_organization_alone(twins: Twins) -> None:
    """The course has the same id in both, and the person is asked with one and the same user object."""
    memberships = _agent(twins)
    user = User.objects.get(email="agent@agency.example")
    with in_organization(twins.a.organization):
        assign_perm("edit_course", user, Course.objects.get(pk=twins.a.ids["courses"]))
    editable = {}
    for world in (twins.a, twins.b, twins.a):
        client = caller_as(memberships[world.mark], world.organization)
        path = f"/api/v1/courses/{twins.a.ids['courses']}"
        answer = client.patch(path, {"title": f"{world.mark} 2"}, format="json", HTTP_IF_MATCH='"1"')
        editable[world.mark] = answer.status_code != 403
        with in_organization(world.organization):
            visible = visible_courses(actor_as(memberships[world.mark]))
            assert world.mark in str(visible.get(pk=world.ids["courses"]))
    assert editable == {twins.a.mark: True, twins.b.mark: False}


@pytest.mark.leak(19)
def test_staff_and_global_permissions_are_nothing_in_an_organization(
    acme: Organization, sign_in: Callable[..., Caller], member: Any
) -> None:
    membership = member(acme, Role.LEARNER)
    with in_public():
        User.objects.filter(pk=membership.user_id).update(is_staff=True, is_superuser=True)
        user = User.objects.get(pk=membership.user_id)
        user.user_permissions.set(Permission.objects.all())
    learner = sign_in(acme, membership)
    assert learner.get("/api/v1/rosters").status_code == 403
    assert learner.get("/api/v1/audit-events").status_code == 403
    assert learner.post("/api/v1/courses", {"title": "x", "slug": "x"}).status_code == 403
    stranger = User.objects.create_user("staff@palaestra.example", is_staff=True, is_superuser=True)
    assert stranger.pk is not None


@pytest.mark.leak(22)
def test_cookies_are_for_one_host(settings: Any) -> None:
    assert settings.SESSION_COOKIE_DOMAIN is None
    assert settings.CSRF_COOKIE_DOMAIN is None


@pytest.mark.leak(24)
def test_a_domain_that_moved_answers_for_its_new_organization(
    acme: Organization, globex: Organization
) -> None:
    with in_public():
        domain = Domain.objects.filter(tenant=acme).first()
        assert domain is not None
        found = find_organization(domain.domain)
        assert found is not None
        assert found.id == acme.id
        Domain.objects.filter(pk=domain.pk).update(tenant=globex, is_primary=False)
        announce_changed_hosts()
        found = find_organization(domain.domain)
        assert found is not None
        assert found.id == globex.id


@pytest.mark.leak(25, 26)
def test_keys_go_by_the_uuid_and_names_by_it_too(acme: Organization) -> None:
    with in_organization(acme):
        key = organization_key("x", "p", 1)
        assert acme.id.hex in key
        assert acme.schema_name not in key
        assert acme.slug not in key
    assert acme.schema_name == schema_name_for(acme.id.hex)


@pytest.mark.leak(29)
def test_no_receiver_of_ours_listens_to_tables() -> None:
    """Whatever a shared row tells by a signal, nothing of ours runs in the schema of the moment."""
    ours = []
    for name in ("pre_save", "post_save", "pre_delete", "post_delete", "m2m_changed", "post_init"):
        signal = getattr(signals, name)
        for model in apps.get_models():
            for receiver in signal._live_receivers(model)[0]:
                module = getattr(receiver, "__module__", "")
                if module.startswith(("tenants", "shared_apps", "tenant_apps", "billing", "api", "config")):
                    ours.append(f"{name} of {model._meta.label}: {module}")
    assert ours == []


@pytest.mark.leak(31)
def test_one_person_spends_the_budget_of_one_organization_only(
    acme: Organization, globex: Organization
) -> None:
    names = []
    for organization in (acme, globex):
        with in_organization(organization):
            names.append(cache.make_key("rate:1:organization"))
    assert acme.id.hex in names[0]
    assert globex.id.hex in names[1]
    assert CallerThrottle is not None


@pytest.mark.leak(31)
def test_a_request_is_logged_with_its_organization(
    acme: Organization, anonymous: Any, caplog: pytest.LogCaptureFixture
) -> None:
    anonymous(acme).get("/api/v1/auth/csrf")
    assert str(acme.id) in caplog.text
