"""Refusals of learning. Each is a closed link of the chain that `policies.deciding` walks."""

from shared_apps.core.errors import Conflict, Forbidden, InvalidInput


class MembershipNotActive(Forbidden):
    """The membership is suspended or over; whoever it is cannot sign in either. For others who ask why."""

    code = "membership_not_active"
    title = "The membership is not active."
    advice = "An administrator of the organization can make it active again."


class TokenReadsOnly(Forbidden):
    """The caller's token is limited to reading; the API refuses it before learning is asked."""

    code = "token_scope"
    title = "This token may only read."
    advice = "Make a token with the scope `write`."


class NotEnrolled(Forbidden):
    """There is no enrollment; only `why` says so, since to everybody else there is nothing there."""

    code = "not_enrolled"
    title = "You are not enrolled."
    advice = "Ask whoever gives the course to enrol you."


class RunNotOpen(Forbidden):
    """The run has not started, is over, or was cancelled."""

    code = "run_not_open"
    title = "The run is not open for learning now."
    advice = "Lessons can be taken from `opens_at` until `closes_at`."


class EnrollmentNotActive(Forbidden):
    """The enrollment is suspended, withdrawn or refunded."""

    code = "enrollment_not_active"
    title = "Your enrollment is not active."
    advice = "Ask whoever enrolled you."


class EnrollmentExpired(Forbidden):
    """The enrollment's time is over."""

    code = "enrollment_expired"
    title = "Your enrollment has expired."
    advice = "Ask whoever enrolled you for more time."


class AccessNotBegun(Forbidden):
    """What gives access begins later."""

    code = "access_not_begun"
    title = "Your access has not begun."
    advice = "Come back at `opens_at`."


class SeatNeeded(Forbidden):
    """The organization has, or had, a subscription, and the learner holds none of its seats."""

    code = "seat_needed"
    title = "You hold no seat."
    advice = "Ask an administrator of your organization for a seat; what you have done is kept."


class LessonNotReleased(Forbidden):
    """The lesson, or its module, opens later: at an instant, or some time after something is completed."""

    code = "lesson_not_released"
    title = "The lesson is not open yet."
    advice = "It opens at `opens_at`; where that is empty, complete what `waits_for` names first."


class LessonLocked(Forbidden):
    """Something else is to be completed first."""

    code = "lesson_locked"
    title = "Something else comes before this lesson."
    advice = "Complete what `requires` names first."


class LessonCompletesByItself(Conflict):
    """A quiz, assignment, live class or package completes its lesson, not the learner's word."""

    code = "lesson_completes_by_itself"
    title = "The lesson is completed by what is done in it."
    advice = "Finish the work of the lesson; it is completed then."


class TopicsOpen(Conflict):
    """A lesson with required topics is completed by them."""

    code = "topics_open"
    title = "The lesson is completed by its topics."
    advice = "Complete the topics that `requires` names."


class UnknownAct(InvalidInput):
    """There is no such act to ask about."""

    code = "unknown_act"
    title = "There is no such act."
    advice = "Send one of `known`, or the name of a policy as a refusal gives it in `needed`."


class NotCompletedByHand(Conflict):
    """The course is completed by its rule, not by somebody's word."""

    code = "course_completes_by_rule"
    title = "The course is completed by its own rule."
    advice = "`completion` says what completes it."


class OwnCompletion(Conflict):
    """Nobody says of themselves that they have completed a course."""

    code = "own_completion"
    title = "You cannot complete your own course by hand."
    advice = "Ask somebody else who teaches the run, or an administrator."


class RestartRefused(Conflict):
    """There is nothing to begin again: nothing was done, or the state does not allow it."""

    code = "restart_refused"
    title = "There is nothing to begin again."
    advice = "`state` and `reason` say why."


class NoteEmpty(InvalidInput):
    """A note without text."""

    code = "note_empty"
    title = "A note needs a text."
    advice = "Write one, or set a bookmark."


class TooManyMarks(Conflict):
    """The course holds as many of the learner's marks as it may."""

    code = "too_many_marks"
    title = "There are too many notes and bookmarks in this course."
    advice = "Delete some; `most` is how many a course holds."


class MappingRefused(InvalidInput):
    """A rule of the mapping cannot be followed; `reason` says why, `lineage` names the lesson."""

    code = "mapping_refused"
    title = "The mapping does not fit the two versions."
    advice = "Correct the rule that `field` names; `reason` says what is wrong with it."


class MoveTargetRefused(InvalidInput):
    """A run moves to another published version of its own course."""

    code = "move_target_refused"
    title = "The run cannot move to this version."
    advice = "Name another published version of the run's course."


class MoveOutdated(Conflict):
    """What would be applied is no longer what the dry run showed."""

    code = "move_outdated"
    title = "The run has changed since the dry run."
    advice = "Run the move dry again, look at it, and apply with the new fingerprint."


class MoveRunCancelled(Conflict):
    """A cancelled run stays as it is."""

    code = "move_run_cancelled"
    title = "The run is cancelled."


class MoveNotLatest(Conflict):
    """Moves are undone in the reverse order."""

    code = "move_not_latest"
    title = "The run was moved again since."
    advice = "Undo the later move first; `later_move_id` names it."


class MoveUndone(Conflict):
    """The move was undone before."""

    code = "move_undone"
    title = "The move was undone already."
    advice = "Apply it again with a new dry run."


class MoveTooOld(Conflict):
    """Undoing is possible for thirty days."""

    code = "move_too_old"
    title = "The move can no longer be undone."
    advice = "Move the run to the older version instead: that is a move like any other."
