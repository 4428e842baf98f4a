"""Doors for messages of other services: no API for people, not in its documents."""
