"""The organization that the API is measured on: courses, learners, progress, and tokens to call as them.

Written in bulk through the models, as the services would leave it; a published version refuses any change, so
its content is written while it is a draft.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import connection, transaction
from django.test.utils import override_settings

from billing.models import Plan, SeatAssignment, Subscription
from shared_apps.accounts.enums import MembershipStatus
from shared_apps.accounts.models import Membership, SignIn, User
from shared_apps.accounts.tokens import AccessClaims, encode_access
from shared_apps.core import clock
from shared_apps.core.actors import Role
from tenant_apps.courses.content.digest import text_digest
from tenant_apps.courses.enums import BodyFormat, CourseState, VersionState
from tenant_apps.courses.models import Course, CourseVersion, Lesson, LessonText, Module
from tenant_apps.people.models import Member
from tenant_apps.runs.models import AccessGrant, CourseRun, Enrollment
from tenants.context import in_organization, in_public
from tenants.models import Organization
from tenants.services.organizations import do_create_organization, host_of
from tenants.services.schemas import build_schema

SLUG = "bench-academy"
MODULES = 10
_BATCH = 2_000

Act = tuple[str, uuid.UUID, uuid.UUID]


@dataclass(frozen=True)
class Size:
    """How much there is. `done_each` lessons of each enrollment are complete before anything is measured;
    `sizes`, where it is given, says the lessons of each course in turn."""

    courses: int = 20
    lessons: int = 100
    sizes: tuple[int, ...] = ()
    learners: int = 1_000
    courses_each: int = 5
    done_each: int = 20
    spare_runs: int = 80


@dataclass
class Academy:
    """What was made, by id; lists of one kind run in parallel."""

    host: str
    learner_tokens: list[str] = field(default_factory=list)
    admin_tokens: list[str] = field(default_factory=list)
    learner_ids: list[uuid.UUID] = field(default_factory=list)
    # (place of the learner, enrollment, lessons of its version in order)
    enrollments: list[tuple[int, uuid.UUID, list[uuid.UUID]]] = field(default_factory=list)
    spare_run_ids: list[uuid.UUID] = field(default_factory=list)
    # Of each course in turn.
    run_ids: list[uuid.UUID] = field(default_factory=list)
    version_ids: list[uuid.UUID] = field(default_factory=list)


def make_academy(size: Size) -> Academy:
    """Make the organization with everything in it."""
    with in_public():
        organization = _organization()
        learners = _memberships(organization, size.learners, Role.LEARNER)
        admins = _memberships(organization, 8, Role.ADMIN)
        _seats(organization, [*learners, *admins])
        academy = Academy(host_of(SLUG), _tokens(learners), _tokens(admins), [each.id for each in learners])
    with in_organization(organization):
        _members([*learners, *admins])
        lessons = size.sizes or (size.lessons,) * size.courses
        published = [_course(number, admins[0].id, many) for number, many in enumerate(lessons)]
        runs = [_run(version, "A run") for version, _ in published]
        spare = [_run(published[n % len(published)][0], "Spare run") for n in range(size.spare_runs)]
        academy.run_ids = [run.id for run in runs]
        academy.version_ids = [version.id for version, _ in published]
        academy.spare_run_ids = [run.id for run in spare]
        _enroll(academy, [(run, lessons) for run, (_, lessons) in zip(runs, published, strict=True)], size)
    _note_statistics(organization)
    return academy


def _organization() -> Organization:
    build_schema()
    with transaction.atomic():
        return do_create_organization(
            name="Bench academy",
            slug=SLUG,
            owner_email="owner@bench.example",
            timezone="Europe/Berlin",
            language="en",
            creation_key=None,
        )


def _memberships(organization: Organization, number: int, role: Role) -> list[Membership]:
    users = User.objects.bulk_create(
        [
            User(email=f"{role}{n}@bench.example", name=f"{role.capitalize()} {n}", password="!")  # noqa: S106
            for n in range(number)
        ],
        batch_size=_BATCH,
    )
    now = clock.now()
    return Membership.objects.bulk_create(
        [
            Membership(
                organization=organization, user=user, role=role, status=MembershipStatus.ACTIVE, joined_at=now
            )
            for user in users
        ],
        batch_size=_BATCH,
    )


def _seats(organization: Organization, memberships: list[Membership]) -> None:
    plan = Plan.objects.create(code="bench", name="Bench")
    subscription = Subscription.objects.create(
        organization=organization, plan=plan, purchased=len(memberships), starts_at=clock.now()
    )
    SeatAssignment.objects.bulk_create(
        [
            SeatAssignment(
                subscription=subscription,
                organization=organization,
                membership=membership,
                state="active",
                activated_at=clock.now(),
            )
            for membership in memberships
        ]
    )


def _tokens(memberships: list[Membership]) -> list[str]:
    """Sign everybody in, for longer than any benchmark takes."""
    sign_ins = SignIn.objects.bulk_create(
        [
            SignIn(user_id=each.user_id, organization_id=each.organization_id, membership=each)
            for each in memberships
        ],
        batch_size=_BATCH,
    )
    with override_settings(ACCESS_TOKEN_LIFETIME=timedelta(hours=6)):
        return [
            encode_access(
                AccessClaims(each.user_id, each.id, each.organization_id, sign_in.id, each.user.sign_in_epoch)
            )
            for each, sign_in in zip(memberships, sign_ins, strict=True)
        ]


def _members(memberships: list[Membership]) -> None:
    Member.objects.bulk_create(
        [
            Member(
                membership=each,
                user=each.user,
                email=each.user.email,
                first_name=each.user.name.partition(" ")[0],
                last_name=each.user.name.partition(" ")[2],
                timezone="Europe/Berlin",
            )
            for each in memberships
        ],
        batch_size=_BATCH,
    )


def _course(number: int, owner_id: uuid.UUID, lessons: int) -> tuple[CourseVersion, list[uuid.UUID]]:
    course = Course.objects.create(
        slug=f"course-{number}", title=f"Course number {number}", owner_id=owner_id
    )
    version = CourseVersion.objects.create(course=course, number=1)
    modules = Module.objects.bulk_create(
        [Module(version=version, title=f"Module {n}", position=n) for n in range(MODULES)]
    )
    in_each = -(-lessons // MODULES)
    body = "<p>What there is to know about it, in a few sentences that somebody really reads.</p>" * 10
    text = LessonText.objects.create(
        body_format=BodyFormat.HTML, body=body, body_html=body, digest=text_digest(BodyFormat.HTML, body)
    )
    made = Lesson.objects.bulk_create(
        [
            Lesson(
                version=version,
                module=modules[n // in_each],
                title=f"Lesson number {n}",
                position=n % in_each,
                minutes=5,
                text=text,
            )
            for n in range(lessons)
        ]
    )
    version.state = VersionState.PUBLISHED
    version.published_at = clock.now()
    version.lesson_count = version.required_count = lessons
    version.save_fields("state", "published_at", "lesson_count", "required_count")
    course.state = CourseState.PUBLISHED
    course.current_version = version
    course.save_fields("state", "current_version")
    return version, [lesson.id for lesson in made]


def _run(version: CourseVersion, title: str) -> CourseRun:
    return CourseRun.objects.create(course_id=version.course_id, version=version, title=title)


def _enroll(academy: Academy, runs: list[tuple[CourseRun, list[uuid.UUID]]], size: Size) -> None:
    """Enrol every learner in some of the courses, evenly, with their first lessons complete."""
    rows = []
    for place, member_id in enumerate(academy.learner_ids):
        for step in range(size.courses_each):
            run, lessons = runs[(place + step * 3) % len(runs)]
            row = Enrollment(run=run, member_id=member_id, activated_at=clock.now())
            rows.append(row)
            academy.enrollments.append((place, row.id, lessons))
    Enrollment.objects.bulk_create(rows, batch_size=_BATCH)
    AccessGrant.objects.bulk_create(
        [AccessGrant(enrollment=row, source=row.source, starts_at=row.created_at) for row in rows],
        batch_size=_BATCH,
    )
    if not size.done_each:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO learning_lessonrecord
                   (id, created_at, updated_at, opened_at, completed_at, enrollment_id, attempt, lineage,
                    lesson_id, position_seconds, watched_seconds, reached_percent, view_count)
            SELECT uuidv7(), now(), now(), now(), now(), e.id, 1, l.lineage, l.id, 0, 0, 0, 1
              FROM runs_enrollment e
              JOIN runs_courserun r ON r.id = e.run_id
              JOIN (SELECT l.id, l.lineage, l.version_id,
                           row_number() OVER
                               (PARTITION BY l.version_id ORDER BY m.position, l.position) AS place
                      FROM courses_lesson l JOIN courses_module m ON m.id = l.module_id) l
                ON l.version_id = r.version_id AND l.place <= %(done)s
            """,
            {"done": size.done_each},
        )
        cursor.execute(
            """
            INSERT INTO learning_courseprogress
                   (enrollment_id, created_at, updated_at, completed_count, required_completed_count,
                    completed_weight, last_accessed_at)
            SELECT id, now(), now(), %(done)s, %(done)s, %(done)s, now() FROM runs_enrollment
            """,
            {"done": size.done_each},
        )


def _note_statistics(organization: Organization) -> None:
    """Do at once what autovacuum does a minute after a bulk load."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [organization.schema_name])
        for (table,) in cursor.fetchall():
            cursor.execute(f'VACUUM ANALYZE "{organization.schema_name}"."{table}"')
        for table in ("accounts_membership", "accounts_user", "accounts_signin", "billing_seatassignment"):
            cursor.execute(f"VACUUM ANALYZE {table}")


def fresh_completions(academy: Academy, size: Size, number: int) -> Iterator[Act]:
    """Yield up to `number` of (token, enrollment, lesson not complete), neighbours by different learners."""
    left = number
    # One lesson of each stays open, so that no course completes: that is another, rarer act.
    for place in range(size.done_each, size.lessons - 1):
        for learner, enrollment_id, lessons in academy.enrollments:
            if not left:
                return
            left -= 1
            yield academy.learner_tokens[learner], enrollment_id, lessons[place]


def fresh_enrollments(academy: Academy, number: int) -> Iterator[Act]:
    """Yield up to `number` of (token of an admin, run, member not in it), neighbours in different runs."""
    left = number
    for shift in range(len(academy.learner_ids)):
        for place, run_id in enumerate(academy.spare_run_ids):
            if not left:
                return
            left -= 1
            member = academy.learner_ids[(shift + place * 13) % len(academy.learner_ids)]
            yield academy.admin_tokens[left % len(academy.admin_tokens)], run_id, member
