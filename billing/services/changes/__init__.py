"""Changes of a subscription: previewed, written down, made once at the gateway, settled."""
