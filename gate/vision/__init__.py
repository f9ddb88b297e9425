"""Vision: where the face is, whether its eyes are open, and whether the light is enough.

Pictures come in as 8-bit arrays and boxes in pixels of the upright frame; nothing here knows the
gate's rules. `gate.vision.pipeline` puts these parts together.
"""
