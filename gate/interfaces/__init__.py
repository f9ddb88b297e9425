"""How people and programs meet a running gate: status, control socket, metrics."""
