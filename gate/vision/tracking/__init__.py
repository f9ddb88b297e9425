"""Following the guest from frame to frame: search, template, who stands beside."""
