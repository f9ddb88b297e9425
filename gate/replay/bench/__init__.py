"""What a frame costs, beside the naive loop and beside machines that were measured."""
