"""Twenty more rows of every kind in a world, so that a statement for each row shows in a count."""

from datetime import timedelta

from django.contrib.auth.models import Permission

from billing.enums import ChangeKind, ChangeState, CheckoutState, SeatActKind
from billing.models import (
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
from shared_apps.accounts.models import Invitation, PersonalAccessToken, SignIn
from shared_apps.accounts.tokens import hash_secret
from shared_apps.audit.models import AuditEvent
from shared_apps.core import clock
from shared_apps.core.ids import new_id
from shared_apps.jobs.models import Job
from tenant_apps.cohorts.models import Cohort, CohortMember, CohortRight
from tenant_apps.courses.enums import CourseState, VersionState
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
    Module,
    Translation,
    VersionReview,
    WorkingCopy,
)
from tenant_apps.learning.models import (
    CourseProgress,
    LessonMark,
    LessonProgress,
    RunMove,
    RunMoveLearner,
)
from tenant_apps.media.models import StoredFile
from tenant_apps.paths.models import LearningPath, PathEnrollment, PathStep
from tenant_apps.people.models import Member
from tenant_apps.rosters.enums import RowAction
from tenant_apps.rosters.models import RosterImport, RosterRow
from tenant_apps.runs.models import AccessGrant, CourseRun, Enrollment, RunDate, RunRight, WaitingPlace
from tenants.context import in_organization
from tests.support.seed import make_member
from tests.support.world import World

MORE = 20


def grow(world: World) -> None:
    """Add the rows; call in the shared schema. A larger course takes the place of the learner's own."""
    members = [
        make_member(world.organization, email=f"more{number}@{world.organization.slug}.example")
        for number in range(MORE)
    ]
    _grow_shared(world, members)
    _grow_purchases(world)
    with in_organization(world.organization):
        _grow_courses(world, members)
        _grow_runs(world, members)
        _grow_paths(world, members)
        _grow_cohorts(world, members)
        _grow_rosters(world)
        _enrol_in_larger_course(world)


def _grow_shared(world: World, members: list[Member]) -> None:
    organization, owner = world.organization, world.owner
    Subscription.objects.filter(pk=world.ids["subscriptions"]).update(purchased=MORE + 5)
    for number, member in enumerate(members):
        SeatAssignment.objects.create(
            subscription_id=world.ids["subscriptions"], organization=organization, membership_id=member.pk
        )
        SeatAct.objects.create(
            organization=organization,
            subscription_id=world.ids["subscriptions"],
            kind=SeatActKind.REVOKE,
            membership_ids=[str(member.pk)],
            undo_until=clock.now(),
        )
        SubscriptionChange.objects.create(
            organization=organization,
            subscription_id=world.ids["subscriptions"],
            kind=ChangeKind.KEEP,
            state=ChangeState.CONFIRMED,
            from_seats=5,
            to_seats=5,
        )
        Invitation.objects.create(
            organization=organization,
            membership_id=member.pk,
            email=member.email,
            token_hash=hash_secret(member.email),
            expires_at=clock.now() + timedelta(days=7),
        )
        PersonalAccessToken.objects.create(
            user_id=owner.user_id,
            organization=organization,
            membership=owner,
            name=f"more {number}",
            prefix=f"more{number}",
            token_hash=hash_secret(f"more {number}"),
        )
        SignIn.objects.create(user_id=owner.user_id, organization=organization, membership=owner)
        Job.objects.create(organization_id=organization.id, kind="rosters.apply")
        AuditEvent.objects.create(
            organization_id=organization.id, actor_kind="member", actor_id=member.user_id, action="more"
        )


def _grow_purchases(world: World) -> None:
    page = Checkout.objects.get(pk=world.ids["checkouts"])
    for number in range(MORE):
        plan = Plan.objects.create(code=f"more-{number}", name=f"more {number}")
        PlanPrice.objects.create(
            plan=plan, interval="month", currency="eur", unit_minor=100, gateway_ref=f"price_more_{number}"
        )
        Checkout.objects.create(
            organization=world.organization,
            price_id=page.price_id,
            seats=1,
            state=CheckoutState.EXPIRED,
            expires_at=clock.now(),
        )
        StatementHolding.objects.create(
            statement_id=world.ids["statements"],
            position=2 + number,
            assignment_id=world.ids["seats"],
            membership_id=world.ids["members"],
            held_from=clock.now(),
            held_to=clock.now(),
        )
        statement = SeatStatement.objects.get(pk=world.ids["statements"])
        statement.id, statement.starts_at = new_id(), statement.starts_at - timedelta(days=31 * (1 + number))
        statement.save(force_insert=True)
        SubscriptionInvoice.objects.create(
            organization=world.organization,
            gateway_ref=f"in_more_{number}",
            status="open",
            currency="eur",
            subtotal_minor=1,
            discount_minor=0,
            tax_minor=0,
            total_minor=1,
            due_minor=1,
            paid_minor=0,
            issued_at=clock.now(),
        )


def _grow_courses(world: World, members: list[Member]) -> None:
    permission = Permission.objects.get(codename="edit_course")
    for number, member in enumerate(members):
        StoredFile.objects.create(
            name=f"{number}.pdf",
            content_type="application/pdf",
            size=4,
            sha256=f"{number:064}",
            storage_key=f"more {number}",
        )
        more = _published_course(f"more-{number}", owner=world, modules=1)
        category = Category.objects.create(slug=f"more-{number}", name=f"more {number}", position=1 + number)
        Course.objects.filter(pk=more.pk).update(category=category, tags=[f"more {number}"])
        CoursePrerequisite.objects.create(course_id=world.ids["courses"], needs=more)
        CourseRelation.objects.create(course_id=world.ids["courses"], other=more)
        CourseVisit.objects.create(course_id=world.ids["courses"], member=member)
        CourseVersion.objects.create(course_id=world.ids["courses"], number=3 + number)
        module = Module.objects.create(
            version_id=world.ids["versions"], title=f"more {number}", position=1 + number
        )
        Lesson.objects.create(
            version_id=world.ids["versions"], module=module, title=f"more {number}", position=0
        )
        topic = Lesson.objects.create(
            version_id=world.ids["versions"],
            module_id=world.ids["modules"],
            parent_id=world.ids["lessons"],
            title=f"more {number}",
            position=number,
        )
        LessonResource.objects.create(
            version_id=world.ids["versions"],
            lesson_id=world.ids["lessons"],
            title=f"more {number}",
            url="https://more.example/",
            position=1 + number,
        )
        Translation.objects.create(
            version_id=world.ids["versions"], lineage=topic.lineage, language="de", title=f"mehr {number}"
        )
        WorkingCopy.objects.create(lesson=topic, member_id=world.owner.id, based_on_revision=1)
        CourseRight.objects.create(
            user_id=member.user_id, permission=permission, content_object_id=world.ids["courses"]
        )
        for course_id in (world.ids["courses"], more.id):
            CourseInstructor.objects.create(
                course_id=course_id, member=member, role="assistant", position=number
            )
        CourseInstructor.objects.create(
            course_id=more.id, member_id=world.owner.id, role="primary", share_percent=100
        )
        InstructorProfile.objects.create(member=member, headline=f"more {number}", state="approved")
        VersionReview.objects.create(
            version_id=world.ids["versions"], revision=1, state="withdrawn", submitted_by=member
        )


def _published_course(slug: str, *, owner: World, modules: int) -> Course:
    course = Course.objects.create(slug=slug, title=slug, owner_id=owner.owner.id)
    version = CourseVersion.objects.create(course=course, number=1)
    for position in range(modules):
        module = Module.objects.create(version=version, title=slug, position=position)
        Lesson.objects.create(version=version, module=module, title=slug, position=0)
    CourseVersion.objects.filter(pk=version.pk).update(
        state=VersionState.PUBLISHED, content_hash="1" * 64, lesson_count=modules, required_count=modules
    )
    Course.objects.filter(pk=course.pk).update(state=CourseState.PUBLISHED, current_version=version)
    course.refresh_from_db()
    return course


def _grow_runs(world: World, members: list[Member]) -> None:
    permission = Permission.objects.get(codename="teach_run")
    own = LessonMark.objects.get(pk=world.ids["my-notes"])
    for number, member in enumerate(members):
        LessonMark.objects.create(
            enrollment_id=own.enrollment_id, lineage=own.lineage, kind="note", body=f"more {number}"
        )
        run = CourseRun.objects.create(
            course_id=world.ids["courses"], version_id=world.ids["published_versions"], title=f"more {number}"
        )
        Enrollment.objects.create(run=run, member_id=world.owner.id)
        enrollment = Enrollment.objects.create(run_id=world.ids["runs"], member=member)
        LessonProgress.objects.create(
            enrollment=enrollment, lesson_id=world.ids["published_lessons"], completed_at=clock.now()
        )
        CourseProgress.objects.create(enrollment=enrollment, completed_count=1)
        _grow_moves(world, enrollment)
        WaitingPlace.objects.create(run_id=world.ids["runs"], member=member)
        RunDate.objects.create(run_id=world.ids["runs"], lineage=new_id(), due_local="2026-03-29T09:00")
        AccessGrant.objects.create(
            enrollment_id=world.ids["enrollments"],
            source="paid",
            reference=f"more {number}",
            starts_at=clock.now(),
        )
        RunRight.objects.create(
            user_id=member.user_id, permission=permission, content_object_id=world.ids["runs"]
        )


def _grow_moves(world: World, enrollment: Enrollment) -> None:
    row = RunMoveLearner.objects.get(move_id=world.ids["moves"], enrollment_id=world.ids["enrollments"])
    RunMoveLearner.objects.create(
        move_id=row.move_id, enrollment=enrollment, before=row.before, after=row.after
    )
    move = RunMove.objects.get(pk=row.move_id)
    move.pk, move.undone_at, move._state.adding = new_id(), clock.now(), True
    move.save(force_insert=True)


def _grow_cohorts(world: World, members: list[Member]) -> None:
    permission = Permission.objects.get(codename="manage_cohort")
    for number, member in enumerate(members):
        Cohort.objects.create(name=f"more {number}", run_id=world.ids["runs"])
        CohortMember.objects.create(cohort_id=world.ids["cohorts"], member=member)
        CohortRight.objects.create(
            user_id=member.user_id, permission=permission, content_object_id=world.ids["cohorts"]
        )


def _grow_paths(world: World, members: list[Member]) -> None:
    """More paths, more steps of the world's own, more people on it, and the owner on more paths."""
    for number, member in enumerate(members):
        path = LearningPath.objects.create(
            slug=f"more-{number}", title=f"more {number}", owner_id=world.owner.id, state="published"
        )
        PathStep.objects.create(path=path, kind="project", title="more", position=0)
        PathStep.objects.create(
            path_id=world.ids["paths"], kind="project", title="more", position=1 + number, due_days=number
        )
        PathEnrollment.objects.create(path=path, member_id=world.owner.id, started_at=clock.now())
        PathEnrollment.objects.create(path_id=world.ids["paths"], member=member, started_at=clock.now())


def _grow_rosters(world: World) -> None:
    first = RosterImport.objects.get(pk=world.ids["rosters"])
    for number in range(MORE):
        RosterRow.objects.create(
            roster=first,
            number=3 + number,
            action=RowAction.SKIP,
            values={"first_name": "more"},
            created_at=clock.now(),
            updated_at=clock.now(),
        )
        RosterImport.objects.create(
            file_name=f"more {number}.csv",
            file_sha256=f"{number:064}",
            file_size=1,
            encoding="utf-8",
            delimiter=";",
            columns=first.columns,
            options=first.options,
            counts=first.counts,
        )


def _enrol_in_larger_course(world: World) -> None:
    course = _published_course("larger", owner=world, modules=MORE)
    version = course.current_version
    assert version is not None
    run = CourseRun.objects.create(course=course, version=version, title="larger")
    enrollment = Enrollment.objects.create(run=run, member_id=world.owner.id)
    lessons = list(Lesson.objects.filter(version=version))
    for lesson in lessons:
        LessonProgress.objects.create(enrollment=enrollment, lesson=lesson, completed_at=clock.now())
    CourseProgress.objects.create(enrollment=enrollment, completed_count=MORE)
    world.ids |= {
        "my-courses": enrollment.id,
        "enrollments": enrollment.id,
        "published_lessons": lessons[0].id,
    }
