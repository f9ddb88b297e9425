"""The control socket: a line of JSON each way, from a user that the kernel names."""
