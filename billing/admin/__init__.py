"""Console pages of what is sold, of subscriptions with their money, and of the gateway's messages."""

from billing.admin import gateway, plans, records, seats, subscriptions

__all__ = ["gateway", "plans", "records", "seats", "subscriptions"]
