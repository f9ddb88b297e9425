"""The model that could not be loaded at the start, tried again in the background."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from gate.config import Config
from gate.service.inbox import Call, Inbox
from gate.vision.classifier import TFLiteClassifier
from gate.vision.from_config import open_model, open_pipeline
from gate.vision.pipeline import Pipeline

log = logging.getLogger(__name__)

RETRY_S = 10.0

Seeing = tuple[TFLiteClassifier, Pipeline]


def load(config: Config) -> Seeing | str:
    """The model and the pipeline with it, or why there is none: it is no reason not to start."""
    model = None
    try:
        model = open_model(config)
        return model, open_pipeline(config, model)
    except Exception as error:  # a runtime that can't be imported, a file that breaks it
        if model is not None:
            model.close()
        log.critical("the model cannot be loaded: %s", error)
        return str(error) or type(error).__name__


class ModelLoader:
    """Loads it in a thread, now and then; the loop gets it as a letter."""

    def __init__(self, inbox: Inbox, install: Callable[[Seeing], None], now: float) -> None:
        self._inbox = inbox
        self._install = install
        self._retry_at = now + RETRY_S
        self._thread: threading.Thread | None = None

    def supervise(self, config: Config, now: float) -> None:
        """Try again if it is time; for each turn of the loop as long as there is no model."""
        if now < self._retry_at or (self._thread is not None and self._thread.is_alive()):
            return
        self._retry_at = now + RETRY_S
        self._thread = threading.Thread(
            target=self._load, args=(config,), name="model", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError as error:
            log.error("the model cannot be loaded: %s", error)
            self._thread = None

    def _load(self, config: Config) -> None:
        loaded = load(config)
        if not isinstance(loaded, str):
            self._inbox.post(Call(lambda: self._install(loaded)))
