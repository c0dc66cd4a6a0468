"""The settings of a computer that uses a binary cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pelagos.slap.agent.cache_stores import Store


@dataclass(frozen=True, slots=True)
class CacheUse:
    """How a computer uses a binary cache.

    Attributes:
        url: of shacache; `http(s)://HOST/cache/sha` for a master of ours. Userinfo is the token.
        directory_url: of shadir.
        token: sent to both, when there is one.
        certificates: file with the certificates whose signatures (SHA-256) are believed, in PEM.
            None: nothing is fetched.
        old_certificates: file with RSA certificates whose signatures with SHA-1 are believed,
            too: what the original's builders sign. None: of nobody.
        signing_key: file with the private key that signs what is uploaded.
        upload: whether releases that were built here are uploaded.
        forced: releases whose URL begins so are never built here.
        blacklist: releases whose URL begins so are neither fetched nor uploaded.
        size_limit: bytes of one release when unpacked. 20 GiB.
        authority: file with the authorities that sign the server's certificate; the system's
            unless told.
        client_certificate: file with the certificate that this computer shows.
        client_key: file with its key.
        timeout: seconds without a byte after which a transfer is given up. 60.
        total_timeout: seconds that bringing one release may take; then it is built here. 3600.
        retry_first: seconds until a failed upload is tried again; then twice as long, and so on.
            60.
        retry_limit: seconds between two tries at most. 1800, as in SlapOS.
        stores: where archives and entries are, instead of at the two URLs.
    """

    url: str
    directory_url: str
    token: str | None = None
    certificates: Path | None = None
    old_certificates: Path | None = None
    signing_key: Path | None = None
    upload: bool = False
    forced: tuple[str, ...] = ()
    blacklist: tuple[str, ...] = ()
    size_limit: int = 20 << 30
    authority: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    timeout: float = 60.0
    total_timeout: float = 3600.0
    retry_first: float = 60.0
    retry_limit: float = 1800.0
    stores: tuple[Store, Store] | None = None

    def __repr__(self) -> str:
        return f"CacheUse(upload={self.upload!r})"  # the URL may carry a token
