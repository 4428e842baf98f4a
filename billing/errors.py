"""Refusals around plans, subscriptions and seats."""

from shared_apps.core.errors import Conflict, DomainError, Forbidden, InvalidInput, Kind, NotFound


class SeatsExhausted(Conflict):
    """Too few free seats. Facts: `seats_free`, `seats_needed`. Nothing was assigned."""

    code = "seats_exhausted"
    title = "There are not enough free seats."
    advice = "Revoke seats nobody uses, or ask for more seats, and try again."


class NoSubscription(Conflict):
    """The organization has no live subscription, so there are no seats to give."""

    code = "no_subscription"
    title = "There is no subscription."
    advice = "Subscribe first (POST billing/checkouts), or ask the platform's operator for a subscription."


class SubscriptionNotOpen(Conflict):
    """The subscription's status does not allow it: past due or over, new seats are not given and holders keep
    theirs; only a paused one is resumed; only a trial made longer. Facts: `status`."""

    code = "subscription_not_open"
    title = "The status of the subscription does not allow this now."
    advice = "Look at `status`: settle what is due, resume what is paused, or subscribe again."


class SubscriptionExists(Conflict):
    """The organization has a live subscription already."""

    code = "subscription_exists"
    title = "The organization already has a subscription."
    advice = "Change its number of seats, or cancel it first."


class GrantedSubscriptionExists(SubscriptionExists):
    """An operator gave the organization its subscription; it is no reason to pay for a second one."""

    advice = (
        "The platform gave you this subscription. Use it on, or ask the platform's operator to end it on the "
        "day you want to subscribe yourself."
    )


class CheckoutPaid(Conflict):
    """The page that was open has been paid while another one was asked for. Facts: `checkout`."""

    code = "checkout_paid"
    title = "The page that was open has just been paid."
    advice = "Wait until the subscription is there, then change its seats or plan."


class CheckoutReplaced(Conflict):
    """Two pages were asked for at once; the other one is open."""

    code = "checkout_replaced"
    title = "Somebody else asked for another page at the same time."
    advice = "Agree who subscribes, then ask for the page again; only one is ever open."


class CurrencyFixed(Conflict):
    """A customer pays in one currency for good. Facts: `currency`, `asked`."""

    code = "currency_fixed"
    title = "Your organization pays in another currency."
    advice = "Choose a price in the currency named in `currency`."


class ReturnAddressForeign(InvalidInput):
    """A page would lead back to a host that is not the organization's."""

    code = "return_address_foreign"
    title = "The page may lead back to your own hosts only."
    advice = "Leave the address out, or use one on a host of your organization."


class TrialUsed(Conflict):
    """There is one trial for each customer, and this one had it."""

    code = "trial_used"
    title = "The trial has been used."
    advice = "Subscribe without a trial."


class PromotionNotValid(InvalidInput):
    """The code is unknown, over, or not for this plan or currency."""

    code = "promotion_not_valid"
    title = "This promotion code does not work here."
    advice = "Check the code, or go on without it."


class CurrencyUnknown(InvalidInput):
    """Nothing is sold in this currency. Facts: `known`."""

    code = "currency_unknown"
    title = "Nothing is sold in this currency."
    advice = "Use one of the currencies in `known`."


class AmountNotChargeable(InvalidInput):
    """The gateway could not charge this amount. Facts: `step`, `minimum`, `most`, in minor units."""

    code = "amount_not_chargeable"
    title = "This amount cannot be charged in this currency."
    advice = "Use a multiple of `step` that comes to `minimum` or more with the plan's least seats."


class PriceTaken(Conflict):
    """The plan is sold at another price with this interval and currency. Facts: `price`."""

    code = "price_taken"
    title = "The plan has a price for this interval and currency."
    advice = "Archive that price first; who bought at it keeps it."


class PromotionCodeTaken(Conflict):
    """There is a promotion of this code, archived or not."""

    code = "promotion_code_taken"
    title = "There is already a promotion with this code."
    advice = "Choose another code."


class PromotionIncoherent(InvalidInput):
    """A promotion lowers by percent or by an amount, and repeats for months only when it repeats."""

    code = "promotion_incoherent"
    title = "These facts of a promotion do not go together."
    advice = (
        "Give either `percent` or an `amount`, `months` with the duration `repeating` and with no other, and "
        "an `expires_at` that is still to come."
    )


class TaxIdMalformed(InvalidInput):
    """No tax id of this kind looks so. Facts: `kind`."""

    code = "tax_id_malformed"
    title = "This is no tax id of that kind."
    advice = "Copy the number from a document of your tax office, with its country's letters."


class InvoiceNotOpen(Conflict):
    """There is nothing to pay on the invoice. Facts: `status`."""

    code = "invoice_not_open"
    title = "This invoice cannot be paid."
    advice = "Only an open invoice is paid; read it again to see where it stands."


class TooManyTaxIds(Conflict):
    """The organization has as many tax ids as fit an invoice. Facts: `most`."""

    code = "too_many_tax_ids"
    title = "There are as many tax ids as an invoice can show."
    advice = "Remove one first."


class SeatsInUse(Conflict):
    """The wanted number of seats is below the number in use. Facts: `used`, `asked`; for a subscription that
    is paid also `to_release`, how many have to go, and `holders`, whose seats are needed least (50 at most:
    id of the seat, member, name, e-mail, state, since, last_seen_at)."""

    code = "seats_in_use"
    title = "More seats are in use than would be left."
    advice = "Revoke seats first, then lower the number."


class SeatsOutsidePlan(InvalidInput):
    """The number of seats is not sold under the plan. Facts: `min_seats`, `max_seats`."""

    code = "seats_outside_plan"
    title = "The plan is not sold with this number of seats."
    advice = "Choose a number between min_seats and max_seats."


class MoreSeatsNow(InvalidInput):
    """More seats are bought now and paid for at once, never with the next period. Facts: `seats`, now billed.

    With the next period they could be given out before its first invoice is paid.
    """

    code = "more_seats_now"
    title = "More seats are bought now, not with the next period."
    advice = "Ask for a preview of the number, and confirm that."


class PlanNotOffered(Conflict):
    """The plan is archived."""

    code = "plan_not_offered"
    title = "This plan is no longer offered."
    advice = "Choose an active plan."


class PlanCodeTaken(Conflict):
    """A plan of this code exists."""

    code = "plan_code_taken"
    title = "There is already a plan with this code."
    advice = "Choose another code."


class MembersNotFound(NotFound):
    """Some of the members are not of this organization, or may not hold a seat. Facts: `members`."""

    code = "member_not_found"
    title = "Some of the members are not here."
    advice = "Read the list of members again; removed and suspended members hold no seat."


class SeatNotHeld(Conflict):
    """The seat was given back, or the member holds none."""

    code = "seat_not_held"
    title = "Nobody holds this seat any more."
    advice = "Read the list of seats again."


class SeatAlreadyHeld(Conflict):
    """The member to take the seat over holds one already."""

    code = "seat_already_held"
    title = "The member holds a seat already."
    advice = "Choose another member, or only revoke the seat."


class SelfClaimOff(Forbidden):
    """The organization assigns its seats itself."""

    code = "seat_self_claim_off"
    title = "Seats are given by your administrators here."
    advice = "Ask an administrator of your organization for a seat."


class CardDeclined(DomainError):
    """The payer's bank refused. Facts: `reason`, the gateway's word. Nothing was changed."""

    code = "card_declined"
    kind = Kind.PAYMENT
    title = "The payment was declined."
    advice = "Use another card or ask your bank, and try again."


class GatewayUnavailable(DomainError):
    """The payment gateway does not answer or is busy; the same call may be repeated."""

    code = "gateway_unavailable"
    kind = Kind.UNAVAILABLE
    title = "The payment service does not answer."
    advice = "Try again in half a minute; nothing is charged twice."


class FailureKept(GatewayUnavailable):
    """The gateway failed and repeats that under this key for a day: the call is over, its effect is to be
    looked for, and it can only go on under another key."""


class GatewayRefused(Conflict):
    """The payment gateway refuses what we ask, which trying again will not change. Facts: `reason`."""

    code = "gateway_refused"
    title = "The payment service does not accept this."
    advice = "Read the subscription again; if it goes on, ask the platform's support."


class PaymentsNotSetUp(Conflict):
    """This installation sells nothing by card."""

    code = "payments_not_set_up"
    title = "Nothing can be bought here."
    advice = "Ask the platform's operator for seats."


class PriceNotOffered(InvalidInput):
    """The plan is not sold with this interval and currency. Facts: `plan`, `interval`, `currency`."""

    code = "price_not_offered"
    title = "The plan is not sold like this."
    advice = "Choose one of the listed prices: GET billing/prices, or GET prices on the platform's host."


class PreviewStale(Conflict):
    """The preview is too old, or the subscription is another one by now: the sums would differ."""

    code = "preview_stale"
    title = "This preview no longer holds."
    advice = "Ask for a new preview and confirm that."


class ChangeUnderWay(Conflict):
    """Another change of the subscription is on its way or waits for its payment. Facts: `change`, `state`,
    and `invoice_url` where it waits for a payment."""

    code = "change_under_way"
    title = "Another change is on its way."
    advice = "Wait until it is confirmed, or pay its invoice at `invoice_url`; then try again."


class ChangeUnpaid(DomainError):
    """The card was declined: nothing has changed yet. Facts: `change`, `due_minor`, `currency`, `until`, and
    `invoice_url`, where the invoice can be paid with any card; the change is made then, by itself."""

    code = "change_unpaid"
    kind = Kind.PAYMENT
    title = "The payment was declined, so nothing has changed yet."
    advice = "Pay the invoice at `invoice_url`; the change is made then. After `until` it lapses."


class SubscriptionEnds(Conflict):
    """It is to end with its period, so nothing can be planned for after. Facts: `ends_at`."""

    code = "subscription_ends"
    title = "The subscription ends with this period."
    advice = "Keep the subscription first, then plan the change."


class PlanDoesNotFit(Conflict):
    """What the organization uses is more than the plan allows. Facts: `reasons`, a list of `limit`, `most`
    and `now`."""

    code = "plan_does_not_fit"
    title = "The plan allows less than you use."
    advice = "Bring each figure in `reasons` down to `most`, or choose a larger plan."


class TrialEndNotAllowed(InvalidInput):
    """A trial ends ahead, later than it does now, within two years. Facts: `trial_ends_at`."""

    code = "trial_end_not_allowed"
    title = "The trial cannot end then."
    advice = "Choose a moment after `trial_ends_at`, within two years."


class NotManagedHere(Conflict):
    """The subscription was given by an operator; there is nothing to buy or change."""

    code = "subscription_granted"
    title = "Your subscription was given by the platform."
    advice = "Ask the platform's operator to change it."


class SeatCooling(Conflict):
    """The seat was given too lately to move on. Facts: `until`, `cooling_hours`."""

    code = "seat_cooling"
    title = "This seat was given too lately to be moved."
    advice = "Move it after `until`, or give the other member a free seat."


class MovesExhausted(Conflict):
    """The plan's moves of this year are used. Facts: `allowance`, `used`, `renews_at`."""

    code = "moves_exhausted"
    title = "The moves that the plan allows in a year are used."
    advice = "Give a free seat, buy one, or wait for `renews_at`; seats of members who leave are free anyway."


class ActUndone(Conflict):
    """The act on many seats was undone before."""

    code = "seat_act_undone"
    title = "This was undone already."
    advice = "Read the list of acts again."


class UndoOver(Conflict):
    """The act can no longer be undone, or never could: an undoing is not undone. Facts: `undo_until`."""

    code = "seat_undo_over"
    title = "It is too late to undo this."
    advice = "Assign or revoke the seats by hand."


class SubscriptionReadOnly(DomainError):
    """Told to those who can settle it: what is owed, or paused, lets people only read. Facts: `reason`,
    `since`, `what_to_do`, `see`."""

    code = "subscription_read_only"
    kind = Kind.PAYMENT
    title = "Your subscription lets people only read for now."
    advice = "Do one of `what_to_do`; GET billing/access tells where. Everything is back at once then."


class SubscriptionClosed(DomainError):
    """Told to those who can settle it: the subscription is over. Facts as of `SubscriptionReadOnly`."""

    code = "subscription_closed"
    kind = Kind.PAYMENT
    title = "Your subscription is over."
    advice = "Subscribe again by POST billing/checkouts. You can go on reading and exporting what is here."


class ReadOnlyForNow(DomainError):
    """Told to everybody else in a subscription that lets people only read."""

    code = "organization_read_only"
    kind = Kind.FORBIDDEN
    title = "Your organization can only be read for now."
    advice = "Nothing is lost. Ask an administrator of your organization when it goes on."


class ClosedForNow(DomainError):
    """Told to everybody else when the subscription is over."""

    code = "organization_closed"
    kind = Kind.FORBIDDEN
    title = "Your organization is closed for now."
    advice = "Nothing is lost. Ask an administrator of your organization when it opens again."


class NothingOwed(Conflict):
    """There is no grace to extend: the subscription is not behind. Facts: `status`."""

    code = "nothing_owed"
    title = "Nothing is owed on this subscription."
    advice = "Read the subscription again; only one that is past due or unpaid has a grace."


class GraceOutOfRange(InvalidInput):
    """The new end of the grace is in the past or too far away. Facts: `latest`."""

    code = "grace_out_of_range"
    title = "The grace cannot end then."
    advice = "Choose an instant between now and `latest`."


class PlanLimitReached(DomainError):
    """The plan allows no more of it. Facts: `limit_name`, `limit`, `used`."""

    code = "plan_limit_reached"
    kind = Kind.PAYMENT
    title = "Your plan allows no more of this."
    advice = (
        "Give up what you no longer need, or change to a larger plan; GET billing/entitlements shows both."
    )


class NotInPlan(DomainError):
    """The plan does not hold this. Facts: `feature`."""

    code = "not_in_plan"
    kind = Kind.PAYMENT
    title = "Your plan does not hold this."
    advice = "Change to a plan that has it; GET billing/entitlements shows what yours holds."


class FeatureUnknown(InvalidInput):
    """No feature is called so. Facts: `feature`, `known`."""

    code = "feature_unknown"
    title = "There is no such feature."
    advice = "Use one of the names in `known`."


class FeatureValueRefused(InvalidInput):
    """A limit is a whole number from 0, or null for none; everything else is true or false. Facts: `feature`,
    `kind`."""

    code = "feature_value_refused"
    title = "The feature does not take this value."
    advice = "Give a limit as a whole number from 0 to 10^15 or null, and any other feature as true or false."


class EntitlementSetAndReset(InvalidInput):
    """A name is set and taken back in one request. Facts: `names`."""

    code = "entitlement_set_and_reset"
    title = "An entitlement cannot be set and taken back at once."
    advice = "Name each in `entitlements` or in `reset`."


class GrowthUnbounded(InvalidInput):
    """Seats that are bought by themselves need a number beyond which they are not."""

    code = "seat_growth_unbounded"
    title = "Say up to how many seats may be bought."
    advice = "Send `growth_most` with `growth`."
