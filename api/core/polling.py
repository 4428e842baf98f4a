"""How often a client may ask for the state of long work."""

from typing import Final

# Seconds, as Retry-After says them. Few steps of a job are shorter, so asking sooner tells nothing new.
POLL_SECONDS: Final = "1"
