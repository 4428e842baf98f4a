"""Every GET of the tenant document takes as many statements with twenty more rows of everything, and no more
than its line here allows. An operation without a line fails."""

import pytest

from tenants.models import Organization
from tests.api.growth import MORE, grow
from tests.api.isolation import path_ids
from tests.support.client import caller_as
from tests.support.measures import statements
from tests.support.operations import Operation, operations_of
from tests.support.world import World, build_world

# They ask every operation, or every reason: minutes where the machine is slow.
pytestmark = pytest.mark.slow

# One statement is the caller's sign-in, one the object or the page; more where a second table is asked.
BOUNDS: dict[str, int] = {
    "archives_link": 3,
    "archives_list": 2,
    "archives_retrieve": 2,
    "audit_list": 2,
    "course_instructors": 3,
    "instructors_list": 2,
    "instructors_own": 3,
    "instructors_retrieve": 3,
    "reviews_counts": 2,
    "reviews_list": 2,
    "reviews_retrieve": 2,
    "usage_show": 3,
    "auth_csrf_retrieve": 0,
    "auth_me_retrieve": 3,
    "auth_sign_ins_list": 2,
    "auth_tokens_list": 2,
    "billing_access_show": 3,
    "billing_subscription_show": 7,
    "billing_prices_list": 3,
    "billing_checkouts_retrieve": 2,
    "billing_account_show": 2,
    "billing_invoices_list": 2,
    "billing_invoices_retrieve": 2,
    "billing_entitlements_show": 4,
    "billing_ledger_list": 2,
    "billing_statements_list": 2,
    "billing_statements_retrieve": 2,
    "billing_statements_current": 8,
    "billing_statements_people": 3,
    "billing_changes_list": 2,
    "billing_changes_retrieve": 2,
    "catalogue_list": 10,
    "catalogue_retrieve": 20,
    "catalogue_facets": 10,
    "course_links_facets": 10,
    "course_links_tags": 2,
    "course_links_prerequisites": 4,
    "course_links_related": 3,
    "categories_list": 2,
    "categories_retrieve": 2,
    "cohorts_list": 2,
    "cohorts_managers": 3,
    "cohorts_members": 3,
    "cohorts_retrieve": 2,
    "domains_list": 3,
    "domains_retrieve": 2,
    "courses_list": 10,
    "courses_retrieve": 11,
    "courses_rights": 3,
    "courses_versions": 4,
    "enrollments_grants": 3,
    "enrollments_list": 2,
    "enrollments_retrieve": 2,
    "files_link": 2,
    "files_list": 2,
    "files_retrieve": 2,
    "invitations_list": 2,
    "invitations_retrieve": 2,
    "jobs_list": 2,
    "jobs_retrieve": 2,
    "members_list": 2,
    "members_retrieve": 2,
    "my_course_marks_list": 4,
    # The chain of a link asks who is asked about, the place, and what the organization's subscription says.
    "my_course_access_why": 6,
    "my_lesson_access_why": 7,
    "run_access_why": 8,
    "course_access_why": 8,
    "enrollment_learning_why": 7,
    "enrollment_learning_attempts": 5,
    "enrollment_learning_attempt": 6,
    "my_courses_list": 3,
    "my_courses_retrieve": 2,
    "my_lesson_marks_list": 4,
    "my_lessons_retrieve": 3,
    "my_notes_list": 2,
    "my_notes_retrieve": 2,
    "organization_show": 2,
    "my_paths_list": 6,
    "my_paths_retrieve": 6,
    "path_enrollments_retrieve": 6,
    "paths_enrollments": 4,
    "paths_list": 6,
    "paths_managers": 3,
    "paths_retrieve": 7,
    "profile_retrieve": 2,
    "rosters_list": 2,
    "rosters_retrieve": 2,
    "rosters_rows": 3,
    "run_moves_learners": 5,
    "run_moves_list": 3,
    "run_moves_retrieve": 3,
    "home_show": 5,
    "courses_lessons_lesson_stats": 3,
    "run_progress_lessons": 5,
    "run_progress_list": 4,
    "run_progress_matrix": 5,
    "runs_dates": 4,
    "runs_enrollments": 3,
    "runs_list": 2,
    "runs_retrieve": 4,
    "runs_staff": 3,
    "runs_waiting": 4,
    "seat_acts_list": 2,
    "seat_policy_rules": 3,
    "seat_policy_show_settings": 2,
    "seats_list": 2,
    "seats_summary": 2,
    "version_diff_lesson": 3,
    "version_diff_retrieve": 6,
    "version_lessons_retrieve": 6,
    "version_lessons_autosaved": 3,
    "course_previews_list": 3,
    "course_previews_retrieve": 3,
    "versions_preview": 3,
    "version_reviews_list": 3,
    "versions_retrieve": 8,
}
# What is no list or detail: bytes, behind a signature.
NOT_COUNTED = {
    "version_exports_export",
    "archives_download",
    "files_download",
    "files_view",
    "seats_history",
    "billing_statements_file",
    "my_notes_export",
    "run_progress_file",
}


def test_every_list_and_detail_has_a_bound() -> None:
    read = {operation.id for operation in operations_of("tenant") if operation.method == "get"}
    assert sorted(read - set(BOUNDS) - NOT_COUNTED) == [], "state how many statements it may take"
    assert sorted((set(BOUNDS) | NOT_COUNTED) - read) == [], "these are gone"


@pytest.mark.feature("API-01")
def test_statements_do_not_grow_with_the_rows(acme: Organization) -> None:
    world = build_world(acme, "ALPHAMARK")
    read = [each for each in operations_of("tenant") if each.method == "get" and each.id not in NOT_COUNTED]
    few = {operation.id: _count(operation, world) for operation in read}
    grow(world)
    many = {operation.id: _count(operation, world) for operation in read}
    grown = {each: f"{few[each][0]}, then {many[each][0]}" for each in few if few[each][0] != many[each][0]}
    assert grown == {}
    assert {each: found[0] for each, found in many.items() if found[0] > BOUNDS.get(each, 0)} == {}
    longer = [each for each in few if many[each][1] >= few[each][1] + MORE]
    assert len(longer) >= 15, "the lists must really have become longer, or equal counts prove nothing"


def _count(operation: Operation, world: World) -> tuple[int, int]:
    """Return statements and length of the answer, with the host already known to the cache."""
    ids = path_ids(operation, world)
    url = operation.url(lambda parameter: ids[parameter["name"]])
    if operation.id in {"my_lessons_retrieve", "my_lesson_marks_list", "my_lesson_access_why"}:
        url = url.replace(str(world.ids["lessons"]), str(world.ids["published_lessons"]))
    client = caller_as(world.owner, world.organization)
    client.get("/api/v1/auth/me")
    with statements() as found:
        response = client.get(url)
    assert response.status_code == 200, f"{operation.id}: {response.content[:300]!r}"
    rows = response.json()
    rows = rows["results"] if isinstance(rows, dict) and "results" in rows else rows
    return len(found), len(rows) if isinstance(rows, list) else 0
