"""Interfaces of a running gate for people and programs: status, control socket, metrics."""
