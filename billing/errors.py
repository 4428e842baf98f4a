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
    advice = "Ask the platform's operator for a subscription."


class SubscriptionNotOpen(Conflict):
    """The subscription is past due or over: holders keep their seats, new ones are not given."""

    code = "subscription_not_open"
    title = "The subscription does not allow new seats now."
    advice = "Settle what is due or renew the subscription."


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


class SeatsInUse(Conflict):
    """The wanted number of seats is below the number in use. Facts: `used`, `asked`."""

    code = "seats_in_use"
    title = "More seats are in use than would be left."
    advice = "Revoke seats first, then lower the number."


class SeatsOutsidePlan(InvalidInput):
    """The number of seats is not sold under the plan. Facts: `min_seats`, `max_seats`."""

    code = "seats_outside_plan"
    title = "The plan is not sold with this number of seats."
    advice = "Choose a number between min_seats and max_seats."


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


class GatewayRefused(Conflict):
    """The payment gateway refuses what we ask, which trying again will not change. Facts: `reason`."""

    code = "gateway_refused"
    title = "The payment service does not accept this."
    advice = "Read the subscription again; if it goes on, ask the platform's support."


class UnknownCustomer(Conflict):
    """A message of the gateway is about a customer that is no organization here. Facts: `customer`."""

    code = "unknown_customer"
    title = "No organization is this customer of the gateway."
    advice = "Tie the customer to its organization, then process the message again."


class EventNotParked(Conflict):
    """Only a message that failed or was parked is processed again."""

    code = "event_not_parked"
    title = "The message needs no second try."
    advice = "Read it again to see what became of it."


class PaymentsNotSetUp(Conflict):
    """This installation sells nothing by card."""

    code = "payments_not_set_up"
    title = "Nothing can be bought here."
    advice = "Ask the platform's operator for seats."


class PriceNotOffered(InvalidInput):
    """The plan is not sold with this interval and currency. Facts: `plan`, `interval`, `currency`."""

    code = "price_not_offered"
    title = "The plan is not sold like this."
    advice = "Choose one of the prices that GET billing/prices lists."


class PreviewStale(Conflict):
    """The preview is too old, or the subscription is another one by now: the sums would differ."""

    code = "preview_stale"
    title = "This preview no longer holds."
    advice = "Ask for a new preview and confirm that."


class ChangeUnderWay(Conflict):
    """Another change of the subscription is on its way. Facts: `change`."""

    code = "change_under_way"
    title = "Another change is on its way."
    advice = "Wait for it to be confirmed, then try again."


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
