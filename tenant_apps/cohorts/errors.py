"""Refusals of cohorts."""

from shared_apps.core.errors import Conflict, InvalidInput


class CohortNameTaken(Conflict):
    """Another cohort has the name."""

    code = "cohort_name_taken"
    title = "Another cohort has this name."
    advice = "Choose another name, or use the cohort that has it."


class UnknownRun(InvalidInput):
    """No such run, or none the actor sees."""

    code = "unknown_run"
    title = "There is no such run here."
    advice = "Check the id in the list of runs."
