"""A reference: what Django, DRF, PostgreSQL and the web server do with nothing of ours in between."""
