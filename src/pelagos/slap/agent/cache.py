"""The binary cache as a computer uses it: fetch a release that another one built, or share ours.

What comes from the cache is run here, so it counts only when a certificate of the site's own
choice has signed what is said of it, and the bytes are those that were signed. Everything else is
passed over, with a reason.
"""

from __future__ import annotations

import hashlib
import re
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pelagos.core import wire
from pelagos.core.backoff import Backoff
from pelagos.core.errors import ConfigError
from pelagos.core.http.errors import HttpError
from pelagos.core.http.transfer import Transfers, make_tls_context
from pelagos.core.http.types import Response
from pelagos.core.signature import Signer, Verifier
from pelagos.slap.agent.account import acting_as, owner_of
from pelagos.slap.agent.archive import ArchiveRefused, unpack
from pelagos.slap.agent.cache_stores import Store
from pelagos.slap.agent.cache_use import CacheUse
from pelagos.slap.agent.errors import AgentError
from pelagos.slap.agent.files import remove_folder
from pelagos.slap.agent.layout import Layout
from pelagos.slap.agent.platform import this_platform
from pelagos.slap.agent.untrusted import read_untrusted
from pelagos.slap.binary_cache import (
    Entry,
    Platform,
    SignedText,
    canonical,
    encode_entry,
    read_pairs,
    release_key,
)

#: Names at the top of a release that say something of this computer only.
OWN_NAMES = re.compile(r"\.completed|\.netrc|\.pelagos-.*|\.installed-here")
_ATTEMPTS = 5
#: Between two attempts: a cache that is being restarted is there again soon.
_PAUSES = Backoff(first=0.5, factor=3.0, limit=15.0)
_FOUND, _PART, _CREATED = 200, 206, 201
_PATHS = re.compile(r"^\s*['\"](/[^'\"]+)['\"],?\s*$", re.MULTILINE)


class CacheMiss(AgentError):
    """The cache has nothing that can be used; the message says why."""


class CacheRefused(AgentError):
    """The cache does not take an upload, and will not take it later."""


class BinaryCache:
    """One cache over HTTP. Safe to share between threads.

    Raises:
        ConfigError: a file or address in the settings cannot be used.
    """

    def __init__(self, use: CacheUse, layout: Layout, *, here: Platform | None = None) -> None:
        self.use = use
        self._layout = layout
        self._here = here or this_platform()
        self._archives, self._directory = use.stores or _over_http(use)
        self._modern = Verifier.load(use.certificates) if use.certificates else None
        self._old = Verifier.load(use.old_certificates) if use.old_certificates else None
        self._signer = Signer.load(use.signing_key) if use.signing_key else None
        self._check_signer()

    def _check_signer(self) -> None:
        if self.use.upload and self._signer is None:
            raise ConfigError(
                "uploads to the binary cache need a key that signs them",
                hint="set node_cache.signing_key, or switch node_cache.upload off",
            )
        if self._signer is None or self._modern is None:
            return
        if not self._modern.verifies(b"probe", self._signer.sign(b"probe")):
            raise ConfigError(
                "the key that signs uploads belongs to none of the certificates that are believed",
                hint="add its certificate to the file in node_cache.certificates",
            )

    def is_forced(self, url: str) -> bool:
        """Whether a release must come from the cache."""
        return url.startswith(self.use.forced) if self.use.forced else False

    def is_excluded(self, url: str) -> bool:
        """Whether the cache has nothing to do with a release."""
        return url.startswith(self.use.blacklist) if self.use.blacklist else False

    # ---- fetching ----------------------------------------------------------------------------

    def fetch(self, url: str, stop: threading.Event, *, into: Path) -> None:
        """Bring a release into an empty folder beside its own; moving it there is the caller's.

        Raises:
            CacheMiss: it cannot be had from there; says why.
            OSError: this computer's disk does not do it.
        """
        if self._modern is None and self._old is None:
            raise CacheMiss("no certificate says whose builds are believed")
        if self.is_excluded(url):
            raise CacheMiss("its address is excluded from the cache")
        entry = self._choose(url)
        part = self._layout.software / f".fetched-{entry.sha512[:32]}"
        with acting_as(owner_of(self._layout.software)):
            try:
                self._download(entry.sha512, part, stop)
                self._unpack(url, part, into, stop)
            finally:
                if not stop.is_set():  # stopped, the next agent goes on with it
                    part.unlink(missing_ok=True)

    def _choose(self, url: str) -> Entry:
        """The newest entry that can be believed and used here."""
        reasons: list[str] = []
        for signed in self._ask(release_key(url)):
            entry = signed.entry()
            reason = "it is damaged" if entry is None else self._obstacle(url, signed, entry)
            if entry is not None and reason is None:
                return entry
            if reason is not None and reason not in reasons:
                reasons.append(reason)
        raise CacheMiss("; ".join(reasons) or "the cache has no build of it")

    def _ask(self, key: str) -> Iterator[SignedText]:
        try:
            with self._directory.get(key) as answer:
                if answer.status == 404:  # noqa: PLR2004 - RFC 9110
                    return
                if answer.status != _FOUND:
                    raise CacheMiss(f"the cache's directory answers {answer.status}")
                body = _limited(answer.pieces(), 16 << 20)
        except HttpError as error:
            raise CacheMiss(error.message) from error
        try:
            yield from read_pairs(body)
        except wire.WireError as error:
            raise CacheMiss("the cache's directory answers something else than JSON") from error

    def _obstacle(self, url: str, signed: SignedText, entry: Entry) -> str | None:
        """Why an entry cannot be used; None when it can."""
        if not self._is_believed(signed):
            return "a build there is not signed by anybody who is believed here"
        if entry.software_url != url:
            return "a build there is of another release"
        if not self._here.fits(entry.platform):
            return f"a build there is for {entry.platform}, this is {self._here}"
        if entry.software_root != str(self._layout.software):
            return f"a build there works below {entry.software_root} only"
        return None

    def _is_believed(self, signed: SignedText) -> bool:
        if self._modern is not None and self._modern.verifies(signed.modern_text, signed.modern):
            return True
        return self._old is not None and self._old.verifies_old(
            signed.text.encode(), signed.signature
        )

    def _download(self, sha512: str, part: Path, stop: threading.Event) -> None:
        """Bring the whole archive to `part`, going on where a cut transfer ended."""
        last = ""
        deadline = time.monotonic() + self.use.total_timeout
        for attempt in range(_ATTEMPTS):
            if attempt and stop.wait(_PAUSES.delay(attempt)):
                raise CacheMiss("the agent stops")
            if time.monotonic() > deadline:
                break
            try:
                found = self._download_on(sha512, part, stop, deadline)
            except HttpError as error:
                last = error.message
                continue
            if found != sha512:
                part.unlink()
                raise CacheMiss("the archive is not the one that was signed")
            return
        raise CacheMiss(f"the archive could not be fetched: {last}")

    def _download_on(self, sha512: str, part: Path, stop: threading.Event, deadline: float) -> str:
        with part.open("ab+") as out:
            out.seek(0)
            digest = hashlib.file_digest(out, "sha512")
            offset = out.tell()
            with self._archives.get(sha512, offset=offset) as answer:
                if answer.status == 416:  # noqa: PLR2004 - RFC 9110: it was whole
                    return digest.hexdigest()
                if answer.status not in {_FOUND, _PART}:
                    raise CacheMiss(f"the cache answers {answer.status} for the archive")
                if offset and answer.status == _FOUND:  # it does not know ranges: begin anew
                    out.truncate(0)
                    digest, offset = hashlib.sha512(), 0
                for piece in answer.pieces():
                    if stop.is_set():
                        raise CacheMiss("the agent stops")
                    if time.monotonic() > deadline:
                        limit = self.use.total_timeout
                        raise CacheMiss(f"the archive did not come within {limit:g} s")
                    offset += len(piece)
                    if offset > self.use.size_limit:
                        raise CacheMiss("the archive is larger than a release may be")
                    digest.update(piece)
                    out.write(piece)
        return digest.hexdigest()

    def _unpack(self, url: str, part: Path, into: Path, stop: threading.Event) -> None:
        final = self._layout.release(url)
        remove_folder(into)
        into.mkdir(mode=0o755)
        try:
            with part.open("rb") as source:
                unpack(
                    source,
                    into,
                    name=final.name,
                    final=final,
                    limit=self.use.size_limit,
                    is_stopped=stop.is_set,
                )
            _check_usable(into, final)
            for path in into.iterdir():
                if OWN_NAMES.fullmatch(path.name):
                    _remove(path)
        except ArchiveRefused as error:
            remove_folder(into)
            raise CacheMiss(error.message) from error
        except BaseException:
            remove_folder(into)
            raise

    # ---- sharing -----------------------------------------------------------------------------

    def share(self, url: str, archive: Path) -> None:
        """Upload a packed release and say what it is.

        Raises:
            HttpError: the cache does not answer, or not now.
            CacheRefused: it does not take it.
        """
        with archive.open("rb") as stream:
            sha512 = hashlib.file_digest(stream, "sha512").hexdigest()
            size = stream.tell()
            if not self._has(sha512):
                stream.seek(0)
                answer = self._archives.send("POST", "", stream, length=size)
                self._check_taken(answer, sha512)
        entry = Entry(url, str(self._layout.software), self._here, sha512)
        pair = wire.encode(self._sign(entry))
        answer = self._directory.send(
            "PUT", release_key(url), pair, content_type="application/json"
        )
        self._check_taken(answer, "")

    def _sign(self, entry: Entry) -> list[str]:
        if self._signer is None:
            raise CacheRefused("no key signs what is uploaded")
        metadata = entry.metadata()
        text = encode_entry(metadata, self._signer.sign(canonical(metadata)))
        return [text, self._signer.sign_old(text.encode())]

    def _has(self, sha512: str) -> bool:
        with self._archives.get(sha512) as answer:
            return answer.status == _FOUND

    def _check_taken(self, answer: Response, expected: str) -> None:
        if answer.status == _CREATED and (not expected or answer.text.strip() == expected):
            return
        said = f"the cache answers {answer.status}: {answer.text[:300]}"
        if answer.status in {401, 408, 429} or answer.status >= 500:  # noqa: PLR2004 - RFC 9110
            raise HttpError(said, url=self.use.directory_url)
        raise CacheRefused(said)


def _over_http(use: CacheUse) -> tuple[Store, Store]:
    context = _tls(use)

    def transfers(url: str) -> Transfers:
        return Transfers(url, token=use.token, timeout=use.timeout, context=context)

    return transfers(use.url), transfers(use.directory_url)


def _tls(use: CacheUse) -> ssl.SSLContext | None:
    if not use.url.startswith("https:"):
        return None
    files = (use.authority, use.client_certificate, use.client_key)
    return make_tls_context(*(str(file) if file else None for file in files))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        remove_folder(path)
    else:
        path.unlink()


def _limited(pieces: Iterator[bytes], limit: int) -> bytes:
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > limit:
            raise CacheMiss("the answer of the cache's directory is too large")
    return bytes(body)


def _check_usable(folder: Path, final: Path) -> None:
    """Whether the release finds here what its buildout was made with: interpreter and eggs."""
    if not (folder / "instance.cfg").is_file() and not (folder / "template.cfg").is_file():
        raise ArchiveRefused("the archive has no instance.cfg")
    script = folder / "bin" / "buildout"
    content = read_untrusted(script, limit=1 << 20, follow=True)
    if content is None:
        raise ArchiveRefused("the archive has no bin/buildout")
    text = content.decode(errors="replace")
    first = text.partition("\n")[0]
    needed = [*first.removeprefix("#!").split()[:1], *_PATHS.findall(text)]
    for path in needed:
        inside = path.startswith(f"{final}/")
        there = folder / path[len(str(final)) + 1 :] if inside else Path(path)
        if path.startswith("/") and not there.exists():
            raise ArchiveRefused(f"a build there needs {path}, which is not here")
