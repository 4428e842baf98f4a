"""What a subscription's state and plan allow, and what is told of a debt."""
