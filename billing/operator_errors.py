"""Refusals of what operators do with subscriptions and money; those of organizations are in `errors`."""

from shared_apps.core.errors import Conflict, InvalidInput


class RefundOutOfRange(InvalidInput):
    """More than what is left of the payment, or nothing at all. Facts: `left_minor`, `currency`."""

    code = "refund_out_of_range"
    title = "This sum cannot be given back."
    advice = "Give back at least 1 and at most `left_minor`, in the invoice's currency."


class RefundUnderWay(Conflict):
    """Another refund of the invoice is on its way. Facts: `refund`."""

    code = "refund_under_way"
    title = "Another refund of this invoice is on its way."
    advice = "Wait until it is there, then look what is left."


class NothingPaid(Conflict):
    """Nothing was paid on the invoice. Facts: `status`."""

    code = "nothing_paid"
    title = "Nothing was paid on this invoice."
    advice = "Only what was paid can be given back; void an open invoice at the gateway instead."


class SeatsBilled(Conflict):
    """The number of seats is what the organization pays for. Facts: `billed`, `comped`."""

    code = "seats_billed"
    title = "The organization pays for these seats."
    advice = "Comp seats on top instead; how many are billed the organization changes itself."
