"""Refusals of runs and enrollments."""

from shared_apps.core.errors import Conflict, Forbidden, InvalidInput


class RunEndsBeforeStart(InvalidInput):
    """The window is empty or turned around."""

    code = "run_ends_before_start"
    title = "The run would end before it starts."
    advice = "Send an `ends_at` later than `starts_at`."


class UnknownTimezone(InvalidInput):
    """No such zone in the IANA database."""

    code = "unknown_timezone"
    title = "There is no such time zone."
    advice = "Send an IANA name such as Europe/Berlin."


class VersionNotUsable(InvalidInput):
    """A run needs a published version of its own course."""

    code = "version_not_published"
    title = "The version is not a published version of this course."
    advice = "Publish the version first, or name one of the course's published versions."


class RunStateRefused(Conflict):
    """The run's state has no such move."""

    code = "run_move_refused"
    title = "The run's state does not allow this."


class RunClosed(Conflict):
    """The run takes nobody any more."""

    code = "run_closed"
    title = "The run takes no more people."
    advice = "Use a run that is open and has not ended."


class RunFull(Conflict):
    """Every place of the run is taken."""

    code = "run_full"
    title = "Every place of the run is taken."
    advice = "Raise the run's capacity, or withdraw somebody."


class CapacityBelowTaken(Conflict):
    """The capacity asked for is smaller than the number of people in the run."""

    code = "capacity_below_taken"
    title = "More people are in the run than that."
    advice = "Withdraw people first, or keep a capacity of at least `taken`."


class MemberNotActive(Conflict):
    """The person's membership is suspended or over."""

    code = "member_not_active"
    title = "The member is not active in the organization."
    advice = "Reactivate the membership first."


class UnknownMember(InvalidInput):
    """No such member, or none that the actor may enrol."""

    code = "unknown_member"
    title = "There is no such member here."
    advice = "Check the id in the list of members."


class SeatNeeded(Conflict):
    """The organization has a subscription, and the person holds none of its seats."""

    code = "seat_needed"
    title = "The member holds no seat."
    advice = "Assign a seat to the member first."


class EnrollmentMoveRefused(Conflict):
    """The state machine of enrollments has no such move."""

    code = "enrollment_move_refused"
    title = "The enrollment's state does not allow this."
    advice = "`allowed` lists the states that can follow."


class NotYourReport(Forbidden):
    """A manager acts for the people who report to them, and nobody else."""

    code = "not_your_report"
    title = "The member does not report to you."
    advice = "Ask an administrator of your organization."
