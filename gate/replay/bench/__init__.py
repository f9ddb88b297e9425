"""Cost of a frame, beside the naive loop and beside machines that were measured."""
