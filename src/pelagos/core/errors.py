"""The root of every error that Pelagos raises on purpose.

PelagosError
├── ConfigError        core.config: a file, key or value that cannot be used
├── CertificateError   core.certificate: a certificate, key or request cannot be used
├── HttpError …        core.http.errors
├── SlapError …        slap.errors
├── MessagingError …   messaging.errors
└── DirectoryError …   directory.errors
"""

from __future__ import annotations


class PelagosError(Exception):
    """Something went wrong that a person can understand.

    Attributes:
        message: what happened and why, one or two sentences without a traceback.
        hint: what to do next, or None.
        retry_after: seconds after which trying again may help, or None when it cannot.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.message


class ConfigError(PelagosError):
    """A configuration file, key or value cannot be used."""
