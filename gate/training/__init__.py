"""Training, evaluation and export of models; the daemon never imports this room.

In a clone its extra is installed by ``pip install '.[train]'``.
"""
