"""Refusals around jobs."""


class JobLost(Exception):
    """Another worker has the job, since this one was silent too long: it must stop, not report."""
