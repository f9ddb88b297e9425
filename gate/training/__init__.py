"""Training, evaluation and export of models; the daemon never imports this room.

It needs TensorFlow, the extra ``train`` in setup.cfg.
"""
