"""Refusals of runs and enrollments."""

from shared_apps.core.errors import Conflict, DomainError, Forbidden, InvalidInput, Kind


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


class EnrollmentClosesBeforeOpening(InvalidInput):
    """The window for enrolling oneself is empty or turned around."""

    code = "enrollment_closes_before_opening"
    title = "Enrolment would close before it opens."
    advice = "Send an `enrollment_closes_at` later than `enrollment_opens_at`."


class TimeGivenTwice(InvalidInput):
    """One moment was sent as an instant and as wall time."""

    code = "time_given_twice"
    title = "Send the moment as an instant or as wall time, not both."
    advice = "Leave `..._at` or `..._local` out."


class PriceIncomplete(InvalidInput):
    """A price needs its currency, and a currency its price."""

    code = "price_incomplete"
    title = "A price needs an amount and a currency."
    advice = "Send `price_minor` and `currency` together; null and an empty text leave the course's price."


class UnknownUnit(InvalidInput):
    """The run's version has no module or lesson of that lineage."""

    code = "unknown_unit"
    title = "The run's version has no such module or lesson."
    advice = "Take `lineage` from the tree of the run's version."


class DueBeforeOpening(InvalidInput):
    """Something would be due before it opens."""

    code = "due_before_opening"
    title = "It would be due before it opens."
    advice = "Send a `due_local` later than `opens_local`."


class UnitGivenTwice(InvalidInput):
    """One module or lesson stands twice in the list of dates."""

    code = "unit_given_twice"
    title = "The same module or lesson stands twice in the list."
    advice = "Send each lineage once."


class PrerequisitesMissing(Conflict):
    """The course builds on others that the person has not completed; `missing` lists them."""

    code = "prerequisites_missing"
    title = "Other courses have to be completed first."
    advice = "Complete the courses in `missing`. An administrator may enrol with `ignore_prerequisites`."


class NotOpenToMembers(Forbidden):
    """Members do not enrol themselves in this run."""

    code = "not_open_to_members"
    title = "You cannot enrol yourself in this run."
    advice = "Ask an administrator of your organization."


class EnrollmentWindowClosed(Conflict):
    """Members cannot enrol themselves now; the facts say from when until when."""

    code = "enrollment_window_closed"
    title = "Enrolment is not open now."
    advice = "Look at `opens_at` and `closes_at`."


class CourseNotOffered(Conflict):
    """The course is not published."""

    code = "course_not_offered"
    title = "The course is not offered now."
    advice = "Wait until it is published again."


class PaymentNeeded(DomainError):
    """The place has a price."""

    code = "payment_needed"
    kind = Kind.PAYMENT
    title = "The place has to be paid for."
    advice = "Ask an administrator to enrol you; `price` says what it costs."


class SubscriptionNeeded(Conflict):
    """The course is part of the organization's subscription, and the person holds no seat of it."""

    code = "subscription_needed"
    title = "The course is part of a subscription."
    advice = "Ask an administrator for a seat."


class AccessOver(Conflict):
    """The person was in the run, and did not leave by their own choice."""

    code = "access_over"
    title = "Your access to this run is over."
    advice = "Ask an administrator of your organization to enrol you again."


class NotYoursToLeave(Forbidden):
    """Somebody else gave the place, so that the person cannot give it up alone."""

    code = "not_yours_to_leave"
    title = "Somebody else enrolled you."
    advice = "Ask an administrator to take you out of the run."


class GrantEndsInThePast(InvalidInput):
    """A grant that would be over at once."""

    code = "grant_ends_in_the_past"
    title = "The grant would be over already."
    advice = "Send an `ends_at` in the future, or null for never."
