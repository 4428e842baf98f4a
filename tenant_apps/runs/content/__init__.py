"""What a run says, without the database."""
