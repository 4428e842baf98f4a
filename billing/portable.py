"""What of billing travels with an organization: its subscriptions and the history of its seats."""

from shared_apps.core.portable import Belongs, Fill, PortableTable, declare_excluded, declare_portable

declare_portable(
    PortableTable(
        "billing_plan",
        "id IN (SELECT plan_id FROM public.billing_subscription WHERE organization_id = {organization})",
        Belongs.MONEY,
        matched_by="code",
    ),
    PortableTable(
        "billing_subscription",
        "organization_id = {organization}",
        Belongs.MONEY,
        # Used seats are counted again by the trigger when the seats come. The contract with the gateway is
        # this installation's: elsewhere the subscription is one that an operator looks after.
        left_out=frozenset({"used", "price_id", "gateway_ref", "item_ref", "schedule_ref", "billed_seats"}),
        fills={"used": Fill.ZERO},
    ),
    PortableTable("billing_seatassignment", "organization_id = {organization}", Belongs.MONEY),
    PortableTable("billing_seatact", "organization_id = {organization}", Belongs.MONEY),
)

declare_excluded(
    "posted by the database when the seats come; statements stay with the invoices they explain",
    "billing_seatentry",
    "billing_seatstatement",
    "billing_statementholding",
)

declare_excluded(
    "what this installation sells, and its contract with the gateway; invoices stay with who made them",
    "billing_planprice",
    "billing_billingaccount",
    "billing_checkout",
    "billing_subscriptionchange",
    "billing_subscriptioninvoice",
    "billing_refund",
    "billing_promotion",
    "billing_dunningnotice",
    "billing_drift",
    "billing_gatewayevent",
    "billing_objectsync",
)
