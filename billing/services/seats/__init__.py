"""Seats: given, taken, undone, grown; their ledger and monthly statements."""
