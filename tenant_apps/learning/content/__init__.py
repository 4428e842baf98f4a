"""What follows from versions and progress alone: no tables, no clock, no actor."""
