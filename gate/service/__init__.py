"""The daemon: parts started in order, the loop, commands, reload, upkeep."""
