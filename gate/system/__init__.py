"""Services of Linux: service manager, journal, secrets, clocks, files that last."""
