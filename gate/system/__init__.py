"""What Linux gives: the service manager, the journal, secrets, clocks, files that last."""
