"""One organization with a row in every tenant table and every shared table that holds its data, all marked.

The isolation walk needs it: whatever is asked at another host, none of these ids may be reached and none of
these marks may come back. `tests/api/test_isolation.py` fails when a table is added and left out here.
"""

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import timedelta

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import Model

from billing.enums import ChangeKind, ChangeState, CheckoutState, Interval, SeatActKind
from billing.models import (
    BillingAccount,
    Checkout,
    Plan,
    PlanPrice,
    SeatAct,
    SeatAssignment,
    SeatStatement,
    StatementHolding,
    Subscription,
    SubscriptionChange,
    SubscriptionInvoice,
)
from shared_apps.accounts.models import Invitation, Membership, PersonalAccessToken, SignIn
from shared_apps.accounts.tokens import PERSONAL_PREFIX, hash_secret, new_secret
from shared_apps.archives.enums import ArchiveState
from shared_apps.archives.models import Archive
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.actors import Role
from shared_apps.jobs.models import Job
from shared_apps.outbox.models import OutboxMessage
from shared_apps.usage.models import DailyUsage
from tenant_apps.cohorts.models import Cohort, CohortMember, CohortRight
from tenant_apps.courses.enums import CourseState, LessonKind, VersionState
from tenant_apps.courses.models import (
    Category,
    Course,
    CourseInstructor,
    CoursePrerequisite,
    CourseRelation,
    CourseRight,
    CourseVersion,
    CourseVisit,
    InstructorProfile,
    Lesson,
    LessonResource,
    LessonText,
    Module,
    Translation,
    VersionReview,
    WorkingCopy,
)
from tenant_apps.learning.models import (
    CourseProgress,
    EnrollmentAttempt,
    LessonMark,
    LessonProgress,
    RunMove,
    RunMoveLearner,
)
from tenant_apps.learning.selectors.move_effects import EFFECTS
from tenant_apps.media.models import StoredFile
from tenant_apps.paths.models import LearningPath, PathEnrollment, PathRight, PathStep, StepRecord
from tenant_apps.rosters.enums import RowAction
from tenant_apps.rosters.models import RosterImport, RosterRow
from tenant_apps.runs.enums import EnrollmentState
from tenant_apps.runs.models import AccessGrant, CourseRun, Enrollment, RunDate, RunRight, WaitingPlace
from tenants.context import in_organization, in_public
from tenants.models import DomainClaim, Organization
from tests.factories.courses import make_text
from tests.support.seed import make_member


@dataclass
class World:
    """A marked organization.

    Attributes:
        mark: stands in every text of it.
        ids: name of a kind (as it stands in paths and bodies) -> id.
        token: a personal access token of its owner.
    """

    organization: Organization
    mark: str
    owner: Membership
    ids: dict[str, uuid.UUID] = field(default_factory=dict)
    token: str = ""


def build_world(organization: Organization, mark: str) -> World:
    """Fill the organization; call in the shared schema."""
    owner = Membership.objects.get(organization=organization, role=Role.OWNER)
    world = World(organization, mark, owner)
    learner = make_member(organization, email=f"{mark.lower()}@{organization.slug}.example", first_name=mark)
    world.ids["members"] = learner.pk
    _fill_shared(world, learner.pk)
    with in_organization(organization):
        _fill_courses(world)
        _fill_runs(world)
        _fill_paths(world)
        _fill_cohorts(world)
        _fill_rosters(world)
        _fill_rights(world, learner.user_id)
    return world


def _fill_shared(world: World, member_id: uuid.UUID) -> None:
    organization, mark = world.organization, world.mark
    plan, _ = Plan.objects.get_or_create(code="world", defaults={"name": "World"})
    subscription = Subscription.objects.create(
        organization=organization, plan=plan, purchased=5, starts_at=clock.now(), note=mark
    )
    seat = SeatAssignment.objects.create(
        subscription=subscription, organization=organization, membership_id=member_id
    )
    # The owner learns, which takes a seat here.
    SeatAssignment.objects.create(
        subscription=subscription, organization=organization, membership=world.owner
    )
    world.ids["subscriptions"], world.ids["seats"] = subscription.id, seat.id
    statement = SeatStatement.objects.create(
        organization=organization,
        subscription=subscription,
        starts_at=clock.now() - timedelta(days=30),
        ends_at=clock.now(),
        currency="eur",
        purchased_seconds=5,
        used_seconds=2,
        active_seconds=0,
        invoiced_minor=0,
        derived_minor=0,
        people=1,
        content={"steps": [], "lines": [], "invoices": []},
        content_hash=mark,
    )
    StatementHolding.objects.create(
        statement=statement,
        position=1,
        assignment_id=seat.id,
        membership_id=member_id,
        email=f"{mark.lower()}@{organization.slug}.example",
        name=mark,
        held_from=statement.starts_at,
        held_to=statement.ends_at,
    )
    world.ids["statements"] = statement.id
    world.ids["changes"] = SubscriptionChange.objects.create(
        organization=organization,
        subscription=subscription,
        kind=ChangeKind.CANCEL,
        state=ChangeState.CONFIRMED,
        from_seats=5,
        to_seats=5,
        comment=mark,
    ).id
    world.ids["acts"] = SeatAct.objects.create(
        organization=organization,
        subscription=subscription,
        kind=SeatActKind.ASSIGN,
        membership_ids=[str(member_id)],
        reason=mark,
        undo_until=clock.now() + timedelta(days=1),
    ).id
    world.ids["invitations"] = Invitation.objects.create(
        organization=organization,
        membership_id=member_id,
        email=f"{mark.lower()}@{organization.slug}.example",
        token_hash=hash_secret(mark),
        expires_at=clock.now() + timedelta(days=7),
    ).id
    world.token = new_secret(PERSONAL_PREFIX)
    world.ids["tokens"] = PersonalAccessToken.objects.create(
        user_id=world.owner.user_id,
        organization=organization,
        membership=world.owner,
        name=mark,
        prefix=world.token[:12],
        token_hash=hash_secret(world.token),
    ).id
    world.ids["sign-ins"] = SignIn.objects.create(
        user_id=world.owner.user_id, organization=organization, membership=world.owner, user_agent=mark
    ).id
    world.ids["jobs"] = Job.objects.create(
        organization_id=organization.id, kind="rosters.apply", result={"mark": mark}
    ).id
    DailyUsage.objects.create(
        organization_id=organization.id, day=clock.now().date(), requests=11, tasks=7, mails=5
    )
    world.ids["archives"] = Archive.objects.create(
        organization=organization,
        state=ArchiveState.READY,
        reason=mark,
        keep_seconds=60,
        storage_key=f"{mark}.archive",
        size=1,
        sha256="3" * 64,
        expires_at=clock.now() + timedelta(days=7),
    ).id
    world.ids["audit-events"] = AuditEvent.objects.create(
        organization_id=organization.id, actor_kind="member", actor_label=mark, action=mark
    ).id
    OutboxMessage.objects.create(organization_id=organization.id, topic="mail.send", payload={"mark": mark})
    world.ids["domains"] = DomainClaim.objects.create(
        organization=organization, domain=f"{mark.lower()}.example", token=mark
    ).id
    _fill_purchases(world, plan, subscription)


def _fill_purchases(world: World, plan: Plan, subscription: Subscription) -> None:
    """What the organization bought: its account with a tax id, a page gone through, an invoice."""
    organization, mark = world.organization, world.mark
    price, _ = PlanPrice.objects.get_or_create(
        plan=plan,
        interval=Interval.MONTH,
        currency="eur",
        defaults={"unit_minor": 1200, "gateway_ref": "price_world"},
    )
    world.ids["tax-ids"] = uuid.uuid5(organization.id, mark)
    BillingAccount.objects.create(
        organization=organization,
        gateway_ref=f"cus_{mark}",
        name=mark,
        email=f"{mark.lower()}@{organization.slug}.example",
        currency="eur",
        tax_ids=[
            {
                "id": str(world.ids["tax-ids"]),
                "ref": f"txi_{mark}",
                "kind": "eu_vat",
                "value": mark,
                "verification": "",
            }
        ],
    )
    world.ids["checkouts"] = Checkout.objects.create(
        organization=organization,
        price=price,
        seats=5,
        state=CheckoutState.COMPLETE,
        gateway_ref=f"cs_{mark}",
        customer_ref=f"cus_{mark}",
        expires_at=clock.now(),
    ).id
    world.ids["invoices"] = SubscriptionInvoice.objects.create(
        organization=organization,
        subscription=subscription,
        gateway_ref=f"in_{mark}",
        number=mark,
        status="paid",
        currency="eur",
        subtotal_minor=6000,
        discount_minor=0,
        tax_minor=0,
        total_minor=6000,
        due_minor=6000,
        paid_minor=6000,
        issued_at=clock.now(),
    ).id


def _text(mark: str) -> LessonText:
    text = make_text(mark)
    text.save(force_insert=True)
    return text


def _fill_courses(world: World) -> None:
    mark = world.mark
    content = f"%PDF {mark}".encode()
    file = StoredFile.objects.create(
        name=f"{mark}.pdf",
        content_type="application/pdf",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        storage_key=mark,
        alt_text=mark,
        caption=mark,
    )
    # What an earlier test left there would make the storage choose another name.
    default_storage.delete(file.storage_key)
    default_storage.save(file.storage_key, ContentFile(content))
    course = Course.objects.create(slug=mark.lower(), title=mark, owner_id=world.owner.id)
    version = CourseVersion.objects.create(course=course, number=1)
    module = Module.objects.create(version=version, title=mark, position=0)
    lesson = Lesson.objects.create(
        version=version, module=module, title=mark, position=0, text=_text(mark), is_preview=True
    )
    Lesson.objects.create(
        version=version, module=module, title=mark, position=1, kind=LessonKind.DOCUMENT, document=file
    )
    CourseVersion.objects.filter(pk=version.pk).update(
        state=VersionState.PUBLISHED, content_hash="1" * 64, lesson_count=2, required_count=2, note=mark
    )
    Course.objects.filter(pk=course.pk).update(state=CourseState.PUBLISHED, current_version=version)
    draft = CourseVersion.objects.create(course=course, number=2, based_on=version, note=mark)
    draft_module = Module.objects.create(version=draft, title=mark, position=0)
    draft_lesson = Lesson.objects.create(
        version=draft, module=draft_module, title=mark, position=0, text=_text(mark)
    )
    resource = LessonResource.objects.create(
        version=draft, lesson=draft_lesson, title=mark, file=file, position=0
    )
    Translation.objects.create(
        version=draft, lineage=draft_lesson.lineage, language="de", title=mark, text=_text(mark)
    )
    WorkingCopy.objects.create(
        lesson=draft_lesson, member_id=world.owner.id, facts={"title": mark}, based_on_revision=1
    )
    world.ids |= {
        "resources": resource.id,
        "previews": lesson.id,
        "files": file.id,
        "courses": course.id,
        "versions": draft.id,
        "published_versions": version.id,
        "diff": version.id,
        "lineages": draft_lesson.lineage,
        "modules": draft_module.id,
        "lessons": draft_lesson.id,
        "published_lessons": lesson.id,
    }
    _fill_catalogue(world, course, file)
    _fill_authoring(world)


def _fill_catalogue(world: World, course: Course, image: StoredFile) -> None:
    """What the course is sorted under, builds on and leads to, and somebody's look at it."""
    mark = world.mark
    category = Category.objects.create(
        slug=mark.lower(), name=mark, icon=mark, image=image, colour="#aabbcc", is_featured=True
    )
    branch = Category.objects.create(slug=f"{mark.lower()}-2", name=mark, parent=category)
    Course.objects.filter(pk=course.pk).update(
        category=category,
        subcategory=branch,
        tags=[mark.lower()],
        requirements=[mark],
        outcomes=[mark],
        audience=[mark],
        seo={"meta_title": mark},
        translations={"fr": {"title": mark, "summary": mark}},
    )
    before = Course.objects.create(
        slug=f"{mark.lower()}-before", title=mark, owner_id=world.owner.id, state=CourseState.PUBLISHED
    )
    CoursePrerequisite.objects.create(course=course, needs=before)
    CourseRelation.objects.create(course=course, other=before)
    CourseVisit.objects.create(course=course, member_id=world.ids["members"])
    world.ids |= {"categories": branch.id, "catalogue": course.id}


def _fill_authoring(world: World) -> None:
    """Who makes the course, and a draft of it that waits for the owner's word."""
    mark, author_id = world.mark, world.ids["members"]
    CourseInstructor.objects.create(
        course_id=world.ids["courses"], member_id=author_id, role="primary", share_percent=100
    )
    InstructorProfile.objects.create(
        member_id=world.owner.id,
        headline=mark,
        bio=mark,
        bio_html=f"<p>{mark}</p>",
        links={mark: "https://trainer.example/"},
        expertise=[mark],
        certifications=[{"title": mark, "issuer": mark, "year": 2024}],
        achievements=[{"title": mark, "issuer": mark, "year": 2025}],
        state="approved",
    )
    review = VersionReview.objects.create(
        version_id=world.ids["versions"], revision=1, message=mark, submitted_by_id=author_id
    )
    world.ids |= {"reviews": review.id, "instructors": world.owner.id}


def _fill_runs(world: World) -> None:
    run = CourseRun.objects.create(
        course_id=world.ids["courses"], version_id=world.ids["published_versions"], title=world.mark
    )
    enrollment = Enrollment.objects.create(run=run, member_id=world.owner.id, attempt=2)
    lesson = Lesson.objects.get(pk=world.ids["published_lessons"])
    # Passed on to the record by a trigger.
    LessonProgress.objects.create(enrollment=enrollment, lesson=lesson, completed_at=clock.now())
    EnrollmentAttempt.objects.create(
        enrollment=enrollment,
        number=1,
        version_id=world.ids["published_versions"],
        state=EnrollmentState.COMPLETED,
        ended_at=clock.now(),
        reason=world.mark,
    )
    CourseProgress.objects.create(
        enrollment=enrollment,
        completed_count=1,
        required_completed_count=1,
        completed_weight=1,
        last_accessed_at=clock.now(),
    )
    grant = AccessGrant.objects.create(
        enrollment=enrollment, source="admin", starts_at=clock.now(), reason=world.mark
    )
    lineage = lesson.lineage
    _fill_moves(world, run, lesson, enrollment)
    RunDate.objects.create(run=run, lineage=lineage, opens_local="2026-03-29T09:00")
    WaitingPlace.objects.create(run=run, member_id=world.ids["members"])
    note = LessonMark.objects.create(enrollment=enrollment, lineage=lineage, kind="note", body=world.mark)
    world.ids |= {"runs": run.id, "enrollments": enrollment.id, "my-courses": enrollment.id}
    world.ids |= {"grants": grant.id, "my-notes": note.id, "waiting": world.ids["members"]}


def _fill_moves(world: World, run: CourseRun, lesson: Lesson, enrollment: Enrollment) -> None:
    """The run came from another published version, and can be moved back to it."""
    version = CourseVersion.objects.create(course_id=run.course_id, number=1000)
    module = Module.objects.create(version=version, title=world.mark, position=0)
    Lesson.objects.create(
        version=version, module=module, title=world.mark, position=0, lineage=lesson.lineage
    )
    CourseVersion.objects.filter(pk=version.pk).update(
        state=VersionState.PUBLISHED, content_hash="3" * 64, lesson_count=1, required_count=1
    )
    move = RunMove.objects.create(
        run=run,
        from_version=version,
        to_version_id=run.version_id,
        mapping={"rules": []},
        summary={
            "counts": dict.fromkeys((*EFFECTS, "learners", "affected", "lessons_lost", "lessons_given"), 0),
            "lessons": [
                {
                    "lineage": str(lesson.lineage),
                    "title": world.mark,
                    "level": "lesson",
                    "change": "same",
                    "to": [],
                    "required_before": False,
                    "required_after": True,
                    "weight_before": 1,
                    "weight_after": 1,
                }
            ],
            "date_rules": [],
            "dates_without_unit": [],
            "lineages": [str(lesson.lineage)],
        },
        moved_by_id=world.owner.id,
        undo_until=clock.now() + timedelta(days=30),
    )
    stood = {
        "state": "active",
        "attempt": 2,
        "completed": 1,
        "required_completed": 1,
        "weight": 1,
        "percent": 100,
        "last_lesson_id": None,
        "completed_at": None,
        "done": "1",
    }
    RunMoveLearner.objects.create(
        move=move,
        enrollment=enrollment,
        before=stood,
        after={**stood, "lost": "0", "new": "1", "dates": [], "effects": ["new_work"]},
    )
    world.ids |= {"moves": move.id, "next_versions": version.id}


def _fill_cohorts(world: World) -> None:
    cohort = Cohort.objects.create(name=world.mark, run_id=world.ids["runs"])
    place = CohortMember.objects.create(cohort=cohort, member_id=world.ids["members"])
    world.ids |= {"cohorts": cohort.id, "places": place.id}


def _fill_paths(world: World) -> None:
    mark = world.mark
    path = LearningPath.objects.create(
        slug=mark.lower(), title=mark, owner_id=world.owner.id, state="published", outcomes=[mark]
    )
    step = PathStep.objects.create(path=path, kind="project", title=mark, position=0)
    place = PathEnrollment.objects.create(
        path=path, member_id=world.owner.id, started_at=clock.now(), current_step=step
    )
    StepRecord.objects.create(enrollment=place, step=step, state="submitted", submission=mark)
    world.ids |= {"paths": path.id, "steps": step.id, "path-enrollments": place.id, "my-paths": place.id}


def _fill_rosters(world: World) -> None:
    roster = RosterImport.objects.create(
        file_name=f"{world.mark}.csv",
        file_sha256="2" * 64,
        file_size=1,
        encoding="utf-8",
        delimiter=";",
        columns={"email": "E-Mail"},
        ignored_columns=[world.mark],
        options={"create_cohorts": False, "default_role": Role.LEARNER, "run_id": None},
        counts={"rows": 1, "add": 0, "change": 0, "skip": 1, "refuse": 0, "warned": 0},
    )
    RosterRow.objects.create(
        roster=roster,
        number=2,
        action=RowAction.SKIP,
        values={"first_name": world.mark},
        issues=[
            {
                "column": "first_name",
                "code": "sample",
                "severity": "warn",
                "value": world.mark,
                "advice": world.mark,
            }
        ],
        created_at=clock.now(),
        updated_at=clock.now(),
    )
    world.ids["rosters"] = roster.id


def _fill_rights(world: World, user_id: uuid.UUID) -> None:
    for model, codename, kind in (
        (CourseRight, "edit_course", "courses"),
        (RunRight, "teach_run", "runs"),
        (PathRight, "manage_path", "paths"),
        (CohortRight, "manage_cohort", "cohorts"),
    ):
        permission = Permission.objects.get(codename=codename)
        model.objects.create(user_id=user_id, permission=permission, content_object_id=world.ids[kind])


def tenant_models() -> list[type[Model]]:
    """Return every model whose table stands in tenant schemas."""
    names = {name for name in settings.TENANT_APPS if name != "guardian"}
    return [model for model in apps.get_models() if model._meta.app_config.name in names]


def empty_tables(world: World) -> list[str]:
    """Return tenant tables without a row in this world."""
    with in_organization(world.organization):
        return [model._meta.label for model in tenant_models() if not model._default_manager.exists()]


def checksums(organization: Organization) -> dict[str, str]:
    """Return a hash per tenant table of the organization, and per shared table over its rows."""
    found = {}
    with in_organization(organization), connection.cursor() as cursor:
        for model in tenant_models():
            found[model._meta.label] = _hash_rows(cursor, f'SELECT t::text FROM "{model._meta.db_table}" t')
    shared: tuple[type[Model], ...] = (
        *(Membership, Invitation, PersonalAccessToken, SignIn, Subscription, SeatAssignment, Job),
        *(Archive, DomainClaim, DailyUsage),
        *(BillingAccount, Checkout, SubscriptionInvoice),
    )
    with in_public(), connection.cursor() as cursor:
        for shared_model in shared:
            statement = f"SELECT t::text FROM {shared_model._meta.db_table} t WHERE organization_id = %s"
            found[shared_model._meta.label] = _hash_rows(cursor, statement, [organization.id])
    return found


def _hash_rows(cursor: object, statement: str, values: list[object] | None = None) -> str:
    cursor.execute(statement, values or [])  # type: ignore[attr-defined]
    rows = sorted(row[0] for row in cursor.fetchall())  # type: ignore[attr-defined]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
