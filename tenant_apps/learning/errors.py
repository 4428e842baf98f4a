"""Refusals of learning."""

from shared_apps.core.errors import Forbidden


class RunNotOpen(Forbidden):
    """The run has not started, is over, or was cancelled."""

    code = "run_not_open"
    title = "The run is not open for learning now."
    advice = "Lessons can be taken from `opens_at` until `closes_at`."


class EnrollmentNotActive(Forbidden):
    """The enrollment is suspended or withdrawn."""

    code = "enrollment_not_active"
    title = "Your enrollment is not active."
    advice = "Ask whoever enrolled you."


class EnrollmentExpired(Forbidden):
    """The enrollment's time is over."""

    code = "enrollment_expired"
    title = "Your enrollment has expired."
    advice = "Ask whoever enrolled you for more time."


class SeatNeeded(Forbidden):
    """The organization has, or had, a subscription, and the learner holds none of its seats."""

    code = "seat_needed"
    title = "You hold no seat."
    advice = "Ask an administrator of your organization for a seat; what you have done is kept."
