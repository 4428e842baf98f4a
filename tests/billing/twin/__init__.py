"""The same scenarios at the counterpart and at Stripe itself: what differs is a fault of the counterpart."""
