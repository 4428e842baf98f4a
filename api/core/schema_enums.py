"""Names of the closed sets of words in the OpenAPI documents; generated clients make a type of each.

Without a name here the generator derives one from the fields that use the set, and renames it when another
field of that name comes along. A set is known by its words alone: labels for people differ by place.
"""

from typing import Any

from drf_spectacular.plumbing import list_hash

from billing.enums import (
    AccessLevel,
    CancelReason,
    ChangeKind,
    ChangeState,
    CheckoutState,
    Duration,
    EventState,
    Interval,
    Overuse,
    RefundState,
    SeatActKind,
    SeatEnding,
    SeatState,
    SubscriptionStatus,
    TaxBehavior,
)
from billing.money import STRIPE
from shared_apps.accounts.enums import MembershipStatus, SignInKind
from shared_apps.core.actors import Role
from shared_apps.jobs.enums import JobState
from shared_apps.onboarding.enums import DomainProblem, DomainState, SignUpStatus
from shared_apps.onboarding.types import COURSE_REVIEW as COURSE_REVIEWS
from tenant_apps.courses.content.comparing import Code
from tenant_apps.courses.content.rules import COMPLETIONS, TIME_RULES, ZONES
from tenant_apps.courses.enums import (
    AccessType,
    BodyFormat,
    CourseState,
    InstructorRole,
    InstructorState,
    LessonKind,
    Level,
    NeedKind,
    PriceType,
    RelationKind,
    ReviewStanding,
    ReviewState,
    VersionState,
)
from tenant_apps.courses.policies import RIGHTS as COURSE_RIGHTS
from tenant_apps.courses.services.bulk import ACTS
from tenant_apps.learning.content.mapping import KINDS as MOVE_RULES
from tenant_apps.learning.enums import MarkKind
from tenant_apps.learning.policies import Access
from tenant_apps.learning.selectors.home import Shelf, Sort
from tenant_apps.learning.selectors.move_effects import EFFECTS
from tenant_apps.learning.selectors.roster import Standing
from tenant_apps.learning.services.move_undoing import UNDO_EFFECTS
from tenant_apps.paths.enums import PathEnrollmentState, PathState, StepKind, StepState
from tenant_apps.rosters.enums import ImportState, RowAction, RowResult
from tenant_apps.runs.enums import EnrollmentSource, EnrollmentState, Pacing, RunState
from tenant_apps.runs.policies import RIGHTS as RUN_RIGHTS
from tenant_apps.runs.selectors.catalogue import FLAGS, ORDERS
from tenants.enums import OrganizationState, Suspension

ACCESS_LEVEL = AccessLevel.values
BODY_FORMAT = BodyFormat.values
BULK_ACT = list(ACTS)
CANCEL_REASON = CancelReason.values
CHANGE_KIND = ChangeKind.values
CHANGE_STATE = ChangeState.values
CHECKOUT_STATE = CheckoutState.values
COMPLETION_RULE = list(COMPLETIONS)
COURSE_ACCESS = [access.value for access in Access]
COURSE_ACCESS_TYPE = AccessType.values
COURSE_FLAG = list(FLAGS)
COURSE_LEVEL = Level.values
COURSE_ORDER = list(ORDERS)
COURSE_PRICE_TYPE = PriceType.values
COURSE_REVIEW = list(COURSE_REVIEWS)
COURSE_RIGHT = list(COURSE_RIGHTS)
COURSE_STATE = CourseState.values
CURRENCY = sorted(code.upper() for code in STRIPE)
DIFF_CODE = [code.value for code in Code]
DIFF_STATUS = ["added", "removed", "changed", "same"]
DOMAIN_PROBLEM = [problem.value for problem in DomainProblem]
DOMAIN_STATE = [state.value for state in DomainState]
DURATION = Duration.values
ENROLLMENT_SOURCE = EnrollmentSource.values
ENROLLMENT_STATE = EnrollmentState.values
ENROLLMENT_ORDER = ["newest", "oldest", "name", "-name", "updated"]
ENROLL_OUTCOME = ["enrolled", "reactivated", "already", "waiting", "refused"]
GATEWAY_EVENT_STATE = EventState.values
IMPORT_STATE = ImportState.values
INSTRUCTOR_DECISION = [state for state in InstructorState.values if state != InstructorState.PENDING]
INSTRUCTOR_ROLE = InstructorRole.values
INSTRUCTOR_STATE = InstructorState.values
INTERVAL = Interval.values
INVOICE_STATUS = ["draft", "open", "paid", "void", "uncollectible"]
JOB_STATE = JobState.values
LEARNER_ORDER = ["newest", "name", "-name", "percent", "-percent", "last_access", "-last_access"]
LEARNER_STANDING = [standing.value for standing in Standing]
LESSON_KIND = LessonKind.values
MARK_KIND = MarkKind.values
MARK_ORDER = ["newest", "oldest", "position", "changed"]
MY_COURSE_ORDER = [sort.value for sort in Sort]
MY_COURSE_SHELF = [shelf.value for shelf in Shelf]
MEMBERSHIP_STATUS = MembershipStatus.values
MOVE_CHANGE = ["same", "moved", "added", "removed", *MOVE_RULES[:3]]
MOVE_EFFECT = list(EFFECTS)
MOVE_RULE_KIND = list(MOVE_RULES)
MOVE_UNDO_EFFECT = list(UNDO_EFFECTS)
NEED_KIND = NeedKind.values
ORGANIZATION_STATE = OrganizationState.values
OVERUSE = Overuse.values
PATH_ENROLLMENT_STATE = PathEnrollmentState.values
PATH_PRICE_TYPE = [PriceType.FREE.value, PriceType.PAID.value]
PATH_STATE = PathState.values
PATH_STEP_KIND = StepKind.values
PATH_STEP_STATE = StepState.values
PLACE_OUTCOME = ["joined", "left", "already", "refused"]
REFUND_STATE = RefundState.values
RELATION_KIND = RelationKind.values
REVIEW_STANDING = ReviewStanding.values
REVIEW_STATE = ReviewState.values
ROLE = [role.value for role in Role]
ROLE_BELOW_OWNER = [role.value for role in Role if role is not Role.OWNER]
ROW_ACTION = RowAction.values
ROW_RESULT = RowResult.values
RUN_PACING = Pacing.values
RUN_RIGHT = list(RUN_RIGHTS)
RUN_ORDER = ["newest", "oldest", "starts", "-starts", "title", "-title"]
RUN_STATE = RunState.values
RUN_UNIT = ["module", "lesson", "topic"]
RUN_WINDOW = ["current", "upcoming", "past"]
SEAT_ACT_KIND = SeatActKind.values
SEAT_ENDING = SeatEnding.values
SEAT_STATE = SeatState.values
SIGN_IN_KIND = SignInKind.values
SIGN_UP_STATUS = SignUpStatus.values
SUSPENSION_MODE = Suspension.values
SUBSCRIPTION_STATUS = SubscriptionStatus.values
TAX_BEHAVIOR = TaxBehavior.values
TIME_RULE = list(TIME_RULES)
TIME_RULE_ZONE = list(ZONES)
TOKEN_SCOPE = ["read", "write"]
VERSION_STATE = VersionState.values

_NULLABLE = "x-null-too"


def know_enums_by_words(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Give equal sets one identity, whatever their labels and order; runs before the generator names them."""
    _mark(result)
    return result


def let_enums_be_null(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Say null where a set of words may be null; the generator's reference alone would forbid it."""
    _widen(result)
    return result


def _widen(node: Any) -> None:
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _widen(inner)
    if isinstance(node, dict) and node.pop(_NULLABLE, False) and "enum" not in node:
        reference = node.pop("$ref", None) or node.pop("allOf")[0]["$ref"]
        node["oneOf"] = [{"$ref": reference}, {"type": "null"}]


def _mark(node: Any) -> None:
    if isinstance(node, dict):
        if "x-spec-enum-id" in node and "enum" in node:
            if None in node["enum"]:
                node[_NULLABLE] = True
            words = [word for word in node["enum"] if word not in ("", None)]
            node["x-spec-enum-id"] = list_hash([(word, word) for word in words])
        for inner in node.values():
            _mark(inner)
    elif isinstance(node, list):
        for inner in node:
            _mark(inner)
