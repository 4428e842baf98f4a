"""Following the gateway: its messages, what is seen there, what differs."""
