"""What operators do by hand: subscriptions given, seats on top, trials, refunds."""
