"""The vocabulary of the binary cache: keys, entries, signatures' texts, what fits which computer.

Two stores over HTTP, as SlapOS' network cache has them: *shacache* keeps bytes by their SHA-512,
*shadir* keeps for a key a list of entries, each a pair of a JSON text and its signature. Agent and
master meet here. Pure: no network, disk or clock.

Our own entries carry, besides the pair's RSA-SHA1 signature that the original reads, one with
SHA-256 inside the JSON text, under `signature-sha256`; it covers the canonical text of all other
keys. See docs/decisions/0014-signatures-of-the-binary-cache.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pelagos.core import wire

MODERN = "signature-sha256"
#: Characters of one entry's JSON text.
ENTRY_LIMIT = 16 * 1024
_SHA512 = re.compile(r"[0-9a-f]{128}")
_KEY = re.compile(r"[A-Za-z0-9._:=+@,~-]{1,200}")


def is_sha512(text: str) -> bool:
    """Whether a text is a SHA-512 in lower-case hexadecimal."""
    return _SHA512.fullmatch(text) is not None


def is_key(text: str) -> bool:
    """Whether a text can be a key of shadir: no slash, no space."""
    return _KEY.fullmatch(text) is not None and text not in {".", ".."}


def release_key(url: str) -> str:
    """The key of a built release: the MD5 of its URL, as of its folder."""
    return hashlib.md5(url.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Platform:
    """What a built release needs of a computer.

    Attributes:
        multiarch: e.g. "x86_64-linux-gnu".
        os: (distribution id, version, codename).
    """

    multiarch: str
    os: tuple[str, str, str]

    def fits(self, other: Platform) -> bool:
        """Whether what was built on the other runs on this."""
        return _abi(self.multiarch) == _abi(other.multiarch) and _plain_os(self.os) == _plain_os(
            other.os
        )

    def __str__(self) -> str:
        return f"{self.multiarch} {' '.join(part for part in self.os if part)}"


def _abi(multiarch: str) -> tuple[str, bool]:
    """Processor and C library; compilers of some distributions name a vendor in between."""
    return multiarch.partition("-")[0], "musl" in multiarch


def _plain_os(os: Sequence[str]) -> tuple[str, str, str]:
    """Debian and its children by their major version, whatever their codename."""
    name, version, codename = os[0].lower(), os[1], os[2]
    if name in {"debian", "raspbian"}:
        return "debian", version.partition(".")[0], ""
    return name, version, codename


@dataclass(frozen=True, slots=True)
class Entry:
    """What shadir says of one built release.

    Attributes:
        software_root: the folder that held it; it works in the same one only.
        sha512: of the archive.
    """

    software_url: str
    software_root: str
    platform: Platform
    sha512: str

    def metadata(self) -> dict[str, Any]:
        """The mapping, with the original's keys."""
        return {
            "software_url": self.software_url,
            "software_root": self.software_root,
            "multiarch": self.platform.multiarch,
            "os": list(self.platform.os),
            "sha512": self.sha512,
        }


@dataclass(frozen=True, slots=True)
class SignedText:
    """An entry as it came: a JSON text with its signatures.

    Attributes:
        text: what the pair's own signature covers.
        signature: RSA-SHA1, base64; empty when unsigned.
        modern: SHA-256, base64; empty when there is none.
        modern_text: what that one covers.
    """

    text: str
    signature: str
    modern: str
    modern_text: bytes
    metadata: Mapping[str, Any]

    def entry(self) -> Entry | None:
        """What it says; None when it does not say it well."""
        found = self.metadata
        system, sha512 = found.get("os"), found.get("sha512")
        texts = [found.get(name) for name in ("software_url", "software_root", "multiarch")]
        if not isinstance(sha512, str) or not is_sha512(sha512):
            return None
        if not isinstance(system, list) or len(system) != 3:  # noqa: PLR2004 - as Platform.os
            return None
        if not all(isinstance(text, str) for text in (*texts, *system)):
            return None
        url, root, multiarch = texts
        return Entry(str(url), str(root), Platform(str(multiarch), (*system,)), sha512)


def canonical(metadata: Mapping[str, Any]) -> bytes:
    """The text that the signature with SHA-256 covers: sorted keys, no spaces, without itself."""
    return wire.encode({name: metadata[name] for name in sorted(metadata) if name != MODERN})


def encode_entry(metadata: Mapping[str, Any], modern: str) -> str:
    """The JSON text of an entry."""
    signed = {**metadata, MODERN: modern} if modern else metadata
    return wire.encode(signed).decode()


def read_pairs(body: bytes) -> list[SignedText]:
    """The entries in an answer of shadir; what cannot be read is left out.

    Raises:
        WireError: the answer is no list at all.
    """
    pairs = wire.decode(body, list[Any])
    found = (read_pair(pair) for pair in pairs)
    return [one for one in found if one is not None]


def read_pair(pair: Any) -> SignedText | None:
    """One entry: a JSON text and its signature; None when it is none."""
    if not isinstance(pair, list) or len(pair) != 2:  # noqa: PLR2004 - the two
        return None
    text, signature = pair
    if not isinstance(text, str) or len(text) > ENTRY_LIMIT or not isinstance(signature, str):
        return None
    try:
        metadata = wire.decode(text.encode(), dict[str, Any])
    except (wire.WireError, UnicodeEncodeError):
        return None
    modern = metadata.get(MODERN)
    return SignedText(
        text=text,
        signature=signature,
        modern=modern if isinstance(modern, str) else "",
        modern_text=canonical(metadata),
        metadata=metadata,
    )
