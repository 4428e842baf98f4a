"""Why a message of the payment gateway cannot be worked off."""

from shared_apps.core.errors import Conflict


class UnknownCustomer(Conflict):
    """A message of the gateway is about a customer that is no organization here. Facts: `customer`."""

    code = "unknown_customer"
    title = "No organization is this customer of the gateway."
    advice = "Tie the customer to its organization, then process the message again."


class SignUpUnderWay(UnknownCustomer):
    """The customer is somebody who signs up; the organization comes about any moment. Facts: `customer`."""

    code = "sign_up_under_way"
    advice = "Nothing: the message waits for the organization."


class SecondSubscription(Conflict):
    """The organization has a live subscription, and pays for another one. Facts: `live`, `second`."""

    code = "second_subscription"
    title = "The organization pays for a second subscription."
    advice = "End one of the two at the gateway, then process the message again."


class SubscriptionOfAnother(Conflict):
    """A subscription we know names another organization's customer. Facts: `subscription`, `customer`."""

    code = "subscription_of_another"
    title = "The subscription belongs to another organization here."
    advice = "Compare the customer at the gateway with the organization's billing account."


class PriceUnknown(Conflict):
    """A subscription is on a price that is none of ours. Facts: `price`."""

    code = "price_unknown"
    title = "The subscription is on a price that is not in the catalogue."
    advice = "Put it on one of the catalogue's prices at the gateway, then process the message again."


class PaymentNotHereYet(Conflict):
    """Money was given back on an invoice that has not arrived yet. Facts: `payment`, `invoice`."""

    code = "payment_not_here_yet"
    title = "The invoice of this payment is not here yet."
    advice = "Nothing: it is tried again."


class EventNotParked(Conflict):
    """Only a message that failed or was parked is processed again."""

    code = "event_not_parked"
    title = "The message needs no second try."
    advice = "Read it again to see what became of it."
