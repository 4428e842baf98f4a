"""Payment gateways behind our own words: nothing of a gateway's library leaves this package."""
