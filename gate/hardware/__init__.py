"""Devices: camera and its thread, input and output lines, relay, lamps, board."""
