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


class RefundStale(Conflict):
    """Money was given back since the page was opened. Facts: `left_minor`, `currency`."""

    code = "refund_stale"
    title = "Money of this invoice was given back since you opened this page."
    advice = "Look at the invoice's refunds again; what you meant may be done already."


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


class EndNotConfirmed(InvalidInput):
    """The name that was typed is not that of the organization whose subscription would end."""

    code = "end_not_confirmed"
    title = "This is not the organization's subdomain."
    advice = "Type its subdomain to end its subscription, or go back."
