"""The telephone system as its sources ask it: lists of things, as somebody who may see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import urlencode

from pelagos.core import wire
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.http import HttpClient, HttpError, Response
from pelagos.directory.backends.pbx.credentials import Token, UserName
from pelagos.directory.backends.pbx.settings import PbxSettings
from pelagos.directory.errors import SourceError

_OK, _UNAUTHORIZED, _FORBIDDEN = 200, 401, 403


class Credentials(Protocol):
    """As whom the server is asked."""

    def headers(self, method: str, url: str) -> dict[str, str]:
        """What goes with a request."""

    def refused(self, answer: Response) -> bool:
        """Learn from a refusal; whether asking again may help."""


class Pbx:
    """Asks one telephone system; safe to share between threads; close it when done."""

    def __init__(self, settings: PbxSettings, clock: Clock | None = None) -> None:
        self._confd = HttpClient(
            settings.confd.url, timeout=settings.confd.timeout, tls=settings.confd.tls
        )
        self._auth: HttpClient | None = None
        self._credentials: Credentials = UserName(settings.confd)
        if settings.auth is not None:
            self._auth = HttpClient(settings.auth.url, tls=settings.auth.tls)
            self._credentials = Token(settings.auth, self._auth, clock or SystemClock())
        self._uuid: str | None = None

    def close(self) -> None:
        """Give back the connections."""
        self._confd.close()
        if self._auth is not None:
            self._auth.close()

    def uuid(self) -> str | None:
        """The id of the telephone system; asked once.

        Raises:
            SourceError: it does not answer.
        """
        if self._uuid is None:
            uuid = self._get("infos", {}).get("uuid")
            self._uuid = uuid if isinstance(uuid, str) else None
        return self._uuid

    def items(self, path: str, query: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """The things that a list has.

        Raises:
            SourceError: it does not answer, or something that is no list.
        """
        items = self._get(path, query).get("items")
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            raise SourceError(
                f"{self._confd.base_url}{path} answers with something that is no list",
                hint="check host, port, prefix and version of `confd`",
            )
        return items

    def _get(self, path: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        answer = self._asked(path, query)
        if answer.status == _UNAUTHORIZED and self._credentials.refused(answer):
            answer = self._asked(path, query)
        place = f"{self._confd.base_url}{path}"
        if answer.status in {_UNAUTHORIZED, _FORBIDDEN}:
            raise SourceError(
                f"{place} does not let us in (status {answer.status})",
                hint="check user name, password and rights of this source on the telephone system",
            )
        if answer.status != _OK:
            raise SourceError(
                f"{place} answered with status {answer.status}",
                hint="check host, port, prefix and version of `confd`",
            )
        try:
            found = answer.json()
        except wire.WireError as error:
            raise SourceError(f"{place} does not answer in JSON") from error
        if not isinstance(found, Mapping):
            raise SourceError(f"{place} does not answer with an object")
        return found

    def _asked(self, path: str, query: Mapping[str, str]) -> Response:
        query = {key: value.encode(errors="replace").decode() for key, value in query.items()}
        text = urlencode(query)
        url = f"{self._confd.base_url}{path}" + (f"?{text}" if text else "")
        try:
            headers = self._credentials.headers("GET", url)
            return self._confd.request(
                "GET", path, params=query, headers={"Accept": "application/json", **headers}
            )
        except HttpError as error:  # its text may hold the query: what was looked for
            message = error.message.replace(error.url, error.url.partition("?")[0])
            raise SourceError(message, hint=error.hint) from None
