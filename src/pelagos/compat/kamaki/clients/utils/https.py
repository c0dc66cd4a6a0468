"""Over https, whom the clients of this process believe in: whom this system trusts, until told."""

from __future__ import annotations

from pathlib import Path

from pelagos.compat.kamaki.transports import SHARED

__all__ = ["patch_ignore_ssl", "patch_with_certs"]


def patch_with_certs(ca_file: str | None) -> None:
    """Believe in the authorities of a PEM file, from the next connection on.

    A file that cannot be used is told by the first request.
    """
    path = Path(ca_file).expanduser() if ca_file else None
    SHARED.trust(authority=path, is_verified=True)


def patch_ignore_ssl(insecure: bool = True) -> None:
    """Believe anybody, and so whoever sits between; False believes as before again."""
    SHARED.trust(is_verified=not insecure)
