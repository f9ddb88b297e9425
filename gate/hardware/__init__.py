"""The outside world in and out: camera and its thread, lines, relay, lamps, board."""
