"""Where organizations' schemas stand when the database is a Citus cluster. See docs/decisions/0007."""
