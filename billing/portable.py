"""What of billing travels with an organization: its subscriptions and the history of its seats."""

from shared_apps.core.portable import Belongs, Fill, PortableTable, declare_portable

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
        # Counted again by the trigger when the seats come.
        left_out=frozenset({"used"}),
        fills={"used": Fill.ZERO},
    ),
    PortableTable("billing_seatassignment", "organization_id = {organization}", Belongs.MONEY),
)
