"""The control socket: a line of JSON each way, from a user whom the kernel names."""
