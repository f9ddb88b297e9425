"""smile-gate: a turnstile that opens for a smile."""

__version__ = "0.1.0"
