"""Refusals around the people of an organization."""

from shared_apps.core.errors import Conflict, InvalidInput


class EmployeeIdTaken(Conflict):
    """Another member has this employee id."""

    code = "employee_id_taken"
    title = "Another member has this employee id."


class ManagerNotPossible(InvalidInput):
    """The manager is unknown here, the member themself, or reports to them."""

    code = "manager_not_possible"
    title = "This person cannot be the manager."
    advice = "Name another member who does not report, directly or over others, to this one."


class NameMissing(InvalidInput):
    """The account has no name and none was given."""

    code = "name_missing"
    title = "Say your name."


class AddressTaken(Conflict):
    """A member of another account holds the address."""

    code = "address_taken"
    title = "Another member has this e-mail address."
