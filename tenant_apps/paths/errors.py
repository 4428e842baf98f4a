"""Refusals of learning paths."""

from shared_apps.core.errors import Conflict, DomainError, Forbidden, InvalidInput, Kind


class PathSlugTaken(Conflict):
    """Another live path has the slug."""

    code = "path_slug_taken"
    title = "Another path uses this slug."
    advice = "Choose another slug."


class PathMoveRefused(Conflict):
    """The state machine of paths has no such move."""

    code = "path_move_refused"
    title = "The path's state does not allow this."
    advice = "`allowed` lists the states that can follow."


class PathNotReady(Conflict):
    """A path needs steps, and courses that can be given."""

    code = "path_not_ready"
    title = "The path is not ready to be published."
    advice = "Mend what `problems` lists, then publish again."


class PathRevisionMissing(DomainError):
    """A change of the steps that names no revision could overwrite somebody else's."""

    code = "if_match_required"
    kind = Kind.PRECONDITION_REQUIRED
    title = "Say which state you are changing."
    advice = "Send the ETag of the path you read as If-Match."


class StepRefused(InvalidInput):
    """A step says something that its kind does not have, or lacks what it needs; `field` names it."""

    code = "step_refused"
    title = "The step was not accepted."
    advice = "`reason` says what is wrong with the step at `index`, counted from 0."


class PriceRefused(InvalidInput):
    """A priced path needs an amount and a currency, a free one has neither."""

    code = "price_refused"
    title = "The price was not accepted."
    advice = "Send an amount and a currency such as EUR with `price_type` paid, none with free."


class PathClosed(Conflict):
    """Only a published path takes people."""

    code = "path_closed"
    title = "The path takes nobody."
    advice = "Publish it first."


class PathNotOpenToMembers(Forbidden):
    """Members cannot begin this path by themselves."""

    code = "path_not_open_to_members"
    title = "You cannot begin this path by yourself."
    advice = "Ask an administrator of your organization to put you on it."


class PathNeedsPayment(DomainError):
    """The path has a price, and nothing sells it yet to single members."""

    code = "path_needs_payment"
    kind = Kind.PAYMENT
    title = "This path has to be paid for."
    advice = "Ask an administrator of your organization to put you on it."


class PathEnrollmentMoveRefused(Conflict):
    """The state machine of places on paths has no such move."""

    code = "path_enrollment_move_refused"
    title = "The state of the place on the path does not allow this."
    advice = "`allowed` lists the states that can follow."


class PathPaused(Forbidden):
    """Steps rest while the path is paused."""

    code = "path_paused"
    title = "Your path is paused."
    advice = "Resume it to go on; deadlines have waited."


class PathNotActive(Forbidden):
    """The place on the path was ended."""

    code = "path_not_active"
    title = "You are not on this path any more."
    advice = "Ask whoever put you on it."


class StepLocked(Forbidden):
    """Whoever manages the path keeps the step closed for everybody."""

    code = "step_locked"
    title = "The step is locked."
    advice = "Whoever manages the path unlocks it."


class StepNotReached(Forbidden):
    """Required steps before it are not completed; `missing` lists them."""

    code = "step_not_reached"
    title = "Other steps come first."
    advice = "Complete the steps in `missing`."


class StepActRefused(Conflict):
    """The act does not belong to a step of this kind, or not to its state."""

    code = "step_act_refused"
    title = "This cannot be done with this step."
    advice = "`kind` and `state` say what the step is."
