"""`postage.generic_application`."""

from __future__ import annotations

from typing import Any

from pelagos import messaging as ours
from pelagos.messaging.application import GenericApplicationExchange

__all__ = ["GenericApplication", "GenericApplicationExchange", "LoggingProducerStub"]


class LoggingProducerStub:
    """Takes every message of a log and sends none."""

    def __init__(self, fingerprint: Any = None, hup: Any = None, vhost: Any = None) -> None:
        """Whatever a producer is made with."""

    def stub(self, *_args: Any, **_kwds: Any) -> None:
        """What every method does."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.stub


class GenericApplication(ours.GenericApplication):
    """Our application with the ancestor's logger.

    Attributes:
        logging_producer: the class of `logger`; it is made with the fingerprint.
    """

    logging_producer: Any = LoggingProducerStub

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.logger = self.logging_producer(self.fingerprint)
