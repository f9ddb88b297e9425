"""Strange inputs by the million: ``make fuzz``; a seeded few of each kind in ``make test``."""
