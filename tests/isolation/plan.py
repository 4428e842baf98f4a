"""What the sweep runs, beyond what it finds out by itself.

Operations come from the OpenAPI documents, tasks from Celery's registry, commands from our own apps; what has
no entry here is run with values made from its description, and fails the sweep where that cannot work, so
nothing new goes unswept by being forgotten. To add:

* an operation whose generated body is refused: the names to set, in BODIES;
* a task whose arguments the worlds' ids do not answer: its arguments, in TASKS;
* a management command: its arguments, in COMMANDS;
* one that cannot be run here: `NotRun("why")`, which the report shows.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared_apps.jobs.models import Job
from tenants.context import in_public
from tests.isolation.twins import Twins


@dataclass(frozen=True)
class NotRun:
    """Left out of the sweep, with the reason an auditor reads."""

    why: str


Arguments = Callable[[Twins], dict[str, Any]]
Words = Callable[[Twins], list[str]]

_PLATFORM_SCHEMAS = "works on schemas as a whole and on no row of an organization; proven in tests/tenants"
_COMMITTED = "works on committed rows; the same services are swept in tests/isolation/test_exports.py"
_GATEWAY = "asks the payment gateway, which has another account for each organization; swept in tests/billing"
_FILE = "reads the file it is given and no database"

_NO_RULES: dict[str, Any] = {"release": None, "requires": [], "due": None}
_PLAIN_UNIT: dict[str, Any] = {**_NO_RULES, "embed_url": "", "media_url": "https://cdn.example/sample.mp3"}

BODIES: dict[str, dict[str, Any]] = {
    "members_role": {"role": "instructor"},
    "invitations_create": {"role": "learner"},
    "courses_create": {"slug": "sample-course"},
    "organization_change": {"name": "Sample"},
    # Nothing of a price or a limit where nothing is paid or limited, and no language but its own.
    "courses_partial_update": {
        "slug": "sample-course-changed",
        "language": "de",
        "caption_languages": ["de"],
        "category_id": None,
        "subcategory_id": None,
        "translations": {},
        "price_type": "free",
        "price_minor": None,
        "compare_at_minor": None,
        "currency": "",
        "discount_percent": None,
        "access_type": "lifetime",
        "access_days": None,
    },
    # One rule in one form, one of file and address, no unit that is not there.
    "versions_rules": {"sequential": False, "completion": {"kind": "manual"}},
    "lesson_resources_create": {"file_id": None, "url": "https://docs.example/"},
    "lesson_resources_partial_update": {"file_id": None, "url": "https://docs.example/"},
    "version_lessons_create": _PLAIN_UNIT,
    "version_lessons_partial_update": _PLAIN_UNIT,
    "version_lessons_topics": _PLAIN_UNIT,
    "version_lessons_translate": {"language": "de"},
    "version_modules_create": _NO_RULES,
    "version_modules_partial_update": _NO_RULES,
    "version_modules_translate": {"language": "de"},
    "categories_create": {"slug": "sample-category", "icon": "", "colour": "", "image_id": None},
    "categories_partial_update": {
        "slug": "sample-category-changed",
        "parent_id": None,
        "icon": "",
        "colour": "",
        "image_id": None,
    },
    # The world's category has no children, and a course is not linked to itself.
    "categories_order": {"ids": []},
    "course_links_set_prerequisites": {"courses": []},
    "course_links_set_related": {"courses": []},
    # Shares sum to 100 and one is the primary: nobody does, too.
    "course_set_instructors": {"instructors": []},
    "instructors_change_own": {"links": {"Site": "https://trainer.example/"}},
    # Named members or everyone, never both; and really done.
    "seats_bulk_assign": {"everyone_without_seat": False, "dry_run": False},
    "seats_bulk_revoke": {"everyone_with_seat": False, "dry_run": False},
    "run_moves_dry_run": {"mapping": []},
    "run_moves_create": {"mapping": []},
}

# Operations that keep what they were sent, unread: with ids of B in the body A's row would hold what A's own
# caller wrote. They get a body without ids where B's are sent; the ids in the address stay B's.
KEPT_AS_SENT: dict[str, dict[str, Any]] = {"version_lessons_autosave": {"facts": {"title": "Sample"}}}


def _applying(twins: Twins) -> dict[str, Any]:
    """A job as the start of an import leaves it."""
    arguments = {
        "roster_id": str(twins.a.ids["rosters"]),
        "member_id": str(twins.a.owner.id),
        "label": twins.a.mark,
        "may_make_admins": True,
    }
    with in_public():
        Job.objects.filter(pk=twins.a.ids["jobs"]).update(
            arguments=arguments, created_by_id=twins.a.owner.user_id
        )
    return {"job_id": str(twins.a.ids["jobs"])}


def _importing(twins: Twins) -> dict[str, Any]:
    """A job of an import whose zip somebody removed."""
    arguments = {
        "key": "imports/gone.zip",
        "publish": False,
        "member_id": str(twins.a.owner.id),
        "label": twins.a.mark,
    }
    with in_public():
        Job.objects.filter(pk=twins.a.ids["jobs"]).update(
            arguments=arguments, created_by_id=twins.a.owner.user_id
        )
    return {"job_id": str(twins.a.ids["jobs"])}


TASKS: dict[str, Arguments | NotRun] = {
    "rosters.apply": _applying,
    "archives.export": NotRun(_COMMITTED),
    "courses.import": _importing,
    "billing.make_change": NotRun(_GATEWAY),
    "billing.make_refund": NotRun(_GATEWAY),
    "billing.make_statements": lambda twins: {"subscription_id": str(twins.a.ids["subscriptions"])},
    "billing.process_event": NotRun(_GATEWAY),
    "billing.refresh_account": NotRun(_GATEWAY),
    "tenants.build_again": NotRun(_PLATFORM_SCHEMAS),
    "tenants.migrate": NotRun(_PLATFORM_SCHEMAS),
    "tenants.migrate_latecomers": NotRun(_PLATFORM_SCHEMAS),
    "tenants.move_to_wanted": NotRun(_PLATFORM_SCHEMAS),
    "tenants.refill_ready_schemas": NotRun(_PLATFORM_SCHEMAS),
}

COMMANDS: dict[str, Words | NotRun] = {
    "create_operator": lambda twins: ["sweep@palaestra.example", "--no-password"],
    "import_course": lambda twins: [
        "demo/courses/security-essentials",
        "--organization",
        twins.a.organization.slug,
    ],
    "export_course": lambda twins: [
        twins.a.mark.lower(),
        str(Path(tempfile.mkdtemp()) / "out"),
        "--organization",
        twins.a.organization.slug,
    ],
    "export_organization": NotRun(_COMMITTED),
    "import_organization": NotRun(_COMMITTED),
    "restore_organization": NotRun(_COMMITTED),
    "placement": NotRun(_PLATFORM_SCHEMAS),
    "verify_archive": NotRun(_FILE),
    "verify_receipt": NotRun(_FILE),
    "migrate": NotRun(_PLATFORM_SCHEMAS),
    "migrate_schemas": lambda twins: [],
    "migrate_tenants": NotRun(_PLATFORM_SCHEMAS),
    "gateway_events": lambda twins: ["list"],
    "reconcile_billing": NotRun(_GATEWAY),
    "sync_catalogue": NotRun(_GATEWAY),
    "audit_seats": lambda twins: [],
    "dump_template": NotRun(_PLATFORM_SCHEMAS),
    "refill_ready_schemas": NotRun(_PLATFORM_SCHEMAS),
}
