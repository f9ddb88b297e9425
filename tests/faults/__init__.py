"""Harm done to a real daemon: a process with a recorded camera, and pins that outlive it."""
