"""Figures about speed, measured on servers of their own: `make bench`, or `make bench ONLY=name`."""
