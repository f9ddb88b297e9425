"""Commands that train, judge and export models."""
