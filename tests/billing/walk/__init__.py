"""A random walk over all that moves seats, with the ledger, the seats and the gateway held together."""
