"""Checks of the audit log: the whole of it, its newest events, an export."""
