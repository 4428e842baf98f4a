"""Whose customer somebody is at the gateway: by our row alone, never by what a message says of itself."""

from billing.inbox_errors import SignUpUnderWay, UnknownCustomer
from billing.models import BillingAccount, Checkout


def get_account(customer_ref: str) -> BillingAccount:
    """Return the account of a customer.

    Raises:
        SignUpUnderWay: it is of somebody who signs up; the organization comes about any moment.
        UnknownCustomer: no organization is this customer.
    """
    account = BillingAccount.objects.filter(gateway_ref=customer_ref).first()
    if account is not None:
        return account
    if Checkout.objects.filter(customer_ref=customer_ref, sign_up_id__isnull=False).exists():
        raise SignUpUnderWay(customer=customer_ref)
    raise UnknownCustomer(customer=customer_ref)
