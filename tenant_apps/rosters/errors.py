"""Refusals of whole imports. What is wrong with a file is in `parsing.errors`, with a row in its issues."""

from shared_apps.core.errors import Conflict, InvalidInput


class RowsRefused(Conflict):
    """Facts: `refused`, the number of rows."""

    code = "rows_refused"
    title = "Some rows of the list cannot be applied."
    advice = "Correct them and upload the list again, or apply the rest with `partial`: true."


class SeatsTooFew(Conflict):
    """Facts: `seats_needed`, `seats_free`."""

    code = "seats_too_few"
    title = "There are not enough free seats for the list."
    advice = "Free or buy seats, or upload a shorter list."


class PlanStale(Conflict):
    """Facts: `stale`, the number of rows that would now do something else than the plan says."""

    code = "plan_stale"
    title = "The organization has changed since the plan was made."
    advice = "Upload the list again to see a new plan, or apply the rows that still fit with `partial`: true."


class NothingToApply(Conflict):
    """The plan adds and changes nobody."""

    code = "nothing_to_apply"
    title = "The plan adds and changes nobody."
    advice = "Upload a list with new or changed people."


class UnknownRun(InvalidInput):
    """The run named in the options is not there."""

    code = "unknown_run"
    title = "There is no such run."
    advice = "Name a run of this organization, or leave `run_id` out."
