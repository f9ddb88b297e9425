"""Measuring the loop; Prometheus reads it. Off unless the settings ask for it."""
