"""Every call fails once, and from then on: below the gate's own code, in virtual time."""
