"""Answers of a real server recorded once, and played again without it: for tests of programs.

A recording is JSON (compressed when its name ends in `.gz`): per unit the calls in their order,
with arguments and answer as texts. The session, passwords and tokens are not in it. Nothing in it
is ever run.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pelagos.core import wire
from pelagos.core.clock import ManualClock
from pelagos.core.http.errors import HttpError
from pelagos.core.http.transports.base import Transport
from pelagos.core.http.transports.fake import FakeStream
from pelagos.core.http.types import Request
from pelagos.one import methods
from pelagos.one.errors import OneConfigException, OneException, OneHelperException
from pelagos.one.server import OneServer
from pelagos.one.settings import find_endpoint

_FORMAT = 1
_PIECE = 1024 * 1024
_HIDDEN = "hidden"
#: Parameters and elements that nobody else should read.
_SECRET_PARAMETERS = {"password", "token"}
_SECRET_ELEMENT = re.compile(r"(&lt;((?:\w*PASSWORD)|TOKEN)&gt;)(.*?)(&lt;/\2&gt;)", re.DOTALL)
_SECRET_ANSWERS = {"one.user.login"}
_TEXT = re.compile(r"(<string>).*?(</string>)", re.DOTALL)
_METHOD = re.compile(r"<methodName>(.*?)</methodName>")


class Recording:
    """Calls and their answers, per unit.

    Args:
        path: the file; it need not be there yet.

    Raises:
        OneConfigException: the file is not such a recording.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.units: dict[str, list[dict[str, str]]] = {}
        if path.exists():
            self.units = self._load()

    def _load(self) -> dict[str, list[dict[str, str]]]:
        try:
            data = self.path.read_bytes()
            data = gzip.decompress(data) if self.path.suffix == ".gz" else data
            found = json.loads(data)
            units = {_FORMAT: found["units"]}[found["format"]]
            return {
                str(unit): [{str(k): str(v) for k, v in call.items()} for call in calls]
                for unit, calls in units.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
            raise OneConfigException(
                f"{self.path} is not a recording: {error}", hint="record it anew"
            ) from error

    def save(self) -> None:
        """Write the file."""
        data = wire.encode({"format": _FORMAT, "units": self.units})
        self.path.write_bytes(gzip.compress(data, mtime=0) if self.path.suffix == ".gz" else data)


class _Unit:
    """What both kinds of tester share: the unit, and what is hidden."""

    def __init__(self, recording: Recording, unit: str, session: str) -> None:
        self.recording = recording
        self.unit = unit
        self._session = _escaped(session)
        self._secret = _escaped(session.partition(":")[2])

    def _key(self, request: Request) -> tuple[str, str]:
        """The method, and its arguments as text."""
        body = request.body if isinstance(request.body, bytes) else b""
        text = body.decode().replace(self._session, _HIDDEN)
        found = _METHOD.search(text)
        method = found[1] if found else ""
        arguments = [part.partition("</param>")[0] for part in text.split("<param>")[2:]]
        if method.startswith("system."):
            return method, "".join(text.split("<param>")[1:])
        try:
            known = methods.find(method).parameters
        except OneException:
            known = ()
        for place, parameter in enumerate(known[: len(arguments)]):
            if parameter.name in _SECRET_PARAMETERS:
                arguments[place] = _HIDDEN
        return method, "".join(arguments)

    def _hidden(self, method: str, answer: str) -> str:
        if self._secret:
            answer = answer.replace(self._secret, _HIDDEN)
        if method in _SECRET_ANSWERS:
            answer = _TEXT.sub(rf"\1{_HIDDEN}\2", answer)
        return _SECRET_ELEMENT.sub(rf"\1{_HIDDEN}\4", answer)


class RecordingTransport(_Unit):
    """Asks a real server, and keeps what it says."""

    def __init__(self, real: Transport, recording: Recording, unit: str, session: str) -> None:
        super().__init__(recording, unit, session)
        self._real = real

    def open(self, request: Request) -> FakeStream:
        """Ask, and keep the answer or the failure."""
        method, arguments = self._key(request)
        call = {"method": method, "arguments": arguments}
        self.recording.units.setdefault(self.unit, []).append(call)
        try:
            stream = self._real.open(request)
            try:
                body = b"".join(_pieces(stream))
            finally:
                stream.close()
        except HttpError as error:
            call["failure"] = error.message
            raise
        call["status"] = str(stream.status)
        call["answer"] = self._hidden(method, body.decode("utf-8", "replace"))
        return FakeStream(stream.status, stream.headers, body)

    def send(self, request: Request) -> Any:
        """Not used by a server of OpenNebula."""
        return self._real.send(request)

    def close(self) -> None:
        """Write the recording."""
        self._real.close()
        self.recording.save()


class ReplayingTransport(_Unit):
    """Answers as it was recorded; the same call again gets the next answer."""

    def __init__(self, recording: Recording, unit: str, session: str) -> None:
        super().__init__(recording, unit, session)
        self._used: dict[str, set[int]] = {}

    def open(self, request: Request) -> FakeStream:
        """The next recorded answer.

        Raises:
            OneHelperException: there is none, or no more.
            HttpError: the server could not be reached when it was recorded.
        """
        method, arguments = self._key(request)
        used = self._used.setdefault(self.unit, set())
        for place, call in enumerate(self.recording.units.get(self.unit, [])):
            same = call.get("method") == method and call.get("arguments") == arguments
            if same and place not in used:
                used.add(place)
                if "failure" in call:
                    raise HttpError(call["failure"], url=request.url, retry_after=None)
                return FakeStream(int(call["status"]), {}, call["answer"].encode())
        raise OneHelperException(
            f"{self.recording.path} has no answer, or no more, to {method} with these arguments "
            f"in the unit {self.unit!r}",
            method=method,
            hint="record it anew",
        )

    def send(self, request: Request) -> Any:
        """Not used by a server of OpenNebula."""
        raise HttpError("only streams were recorded", url=request.url)

    def close(self) -> None:
        """Nothing is held."""


class OneServerTester(OneServer):
    """A server that records what it is asked, or plays what was recorded.

    Args:
        fixture_file: the recording.
        fixture_unit: the part of it; another test may use another one.
        fixture_replay: True plays, False asks the real server and records.
        options: as of OneServer.
    """

    def __init__(
        self,
        uri: str | None = None,
        session: str | None = None,
        fixture_file: str | Path = "one_fixture.json.gz",
        fixture_unit: str = "init",
        timeout: float | None = None,
        *,
        fixture_replay: bool = True,
        **options: Any,
    ) -> None:
        self._recording = Recording(Path(fixture_file))
        self._is_replay = fixture_replay
        if fixture_replay:
            session = session or "nobody:nothing"
            self._unit: _Unit = ReplayingTransport(self._recording, fixture_unit, session)
            options = {"clock": ManualClock(), **options}
        else:
            session = find_endpoint(uri, session, timeout).session
            real = options.pop("transport", None) or _real(options)
            self._unit = RecordingTransport(real, self._recording, fixture_unit, session)
        super().__init__(uri, session, timeout, transport=self._unit, **options)

    def set_fixture_unit_test(self, name: str) -> None:
        """From now on, another unit; when recording, what it had is forgotten."""
        self._unit.unit = name
        if not self._is_replay:
            self._recording.units.pop(name, None)


def _real(options: dict[str, Any]) -> Transport:
    from pelagos.one.server import _pool  # noqa: PLC0415  # its own way to connections

    return _pool(options.pop("https_verify", True), options.pop("context", None), 10, None)


def _pieces(stream: Any) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
