"""Training, evaluation and export of models; the daemon never imports this room.

Install the extra for it: ``pip install 'smile-gate[train]'``.
"""
