"""The directory's routes as methods; what belongs to a person or a phonebook is in `contacts`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypedDict

from pelagos.core import wire
from pelagos.core.http import HttpClient
from pelagos.core.http.types import ClientTls
from pelagos.directory.client.answers import (
    Headers,
    LookupAnswer,
    LookupPart,
    LookupRow,
    ReverseAnswer,
    SourceFact,
    SourceState,
)
from pelagos.directory.client.contacts import PersonalContacts, Phonebooks
from pelagos.directory.client.exchange import Exchange, path_of
from pelagos.directory.client.sources import BackendSources
from pelagos.directory.errors import DirectoryUnreachable
from pelagos.directory.model import SourceVerdict


class _Sources(TypedDict):
    items: list[SourceState]


class _Checked(TypedDict):
    items: list[SourceFact]


class DirectoryClient:
    """Questions to one directory. Immutable and safe to share between threads.

    Args:
        url: address of the directory, without `/0.1`.
        token: sent as `X-Auth-Token`.
        timeout: seconds for one answer.
        http: who carries the requests; by default a client of its own.
        tls: over https, whom to trust.

    Attributes:
        personal: the contacts of the person whose token it is.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout: float = 10.0,
        http: HttpClient | None = None,
        tls: ClientTls | None = None,
    ) -> None:
        self._exchange = Exchange(url, token, timeout=timeout, http=http, tls=tls)
        self.personal = PersonalContacts(self._exchange)

    def __repr__(self) -> str:
        return f"DirectoryClient({self._exchange.url!r})"

    # ---- look up ----

    def lookup(self, term: str, profile: str = "default") -> LookupAnswer:
        """What the sources of the profile know of a term.

        Raises:
            BadTermError, TokenError, UnknownProfileError, RequestError: the directory refused.
            DirectoryUnreachable: no usable answer came.
        """
        path = path_of("directories", "lookup", profile)
        return self._exchange.ask("GET", path, LookupAnswer, params={"term": term})

    def stream(self, term: str, profile: str = "default") -> Iterator[Headers | LookupPart]:
        """The same, source by source, each as soon as it has answered; first of all the headers.

        Raises:
            BadTermError, TokenError, UnknownProfileError, RequestError: the directory refused.
            DirectoryUnreachable: no usable answer came, or it broke off.
        """
        path = path_of("directories", "lookup", profile, "stream")
        is_whole = False
        for name, data in self._exchange.events(path, {"term": term}):
            if name == "headers":
                yield wire.convert(data, Headers)
            elif name == "error":
                reasons = data.get("reason") if isinstance(data, dict) else None
                said = "; ".join(map(str, reasons)) if isinstance(reasons, list) else str(data)
                raise DirectoryUnreachable(said, hint="ask again")
            elif name == "source":
                rows = data.get("results", ()) if isinstance(data, dict) else ()
                yield LookupPart(
                    wire.convert(data, SourceVerdict), wire.convert(rows, tuple[LookupRow, ...])
                )
            is_whole = is_whole or name == "end"
        if not is_whole:
            raise DirectoryUnreachable(
                "the answer broke off before all sources had answered", hint="ask again"
            )

    def headers(self, profile: str = "default") -> Headers:
        """The columns of the profile's answers."""
        return self._exchange.ask(
            "GET", path_of("directories", "lookup", profile, "headers"), Headers
        )

    def reverse(self, exten: str, profile: str, user_uuid: str) -> ReverseAnswer:
        """Whose a number is.

        Args:
            exten: the number.
            profile: whose sources are asked.
            user_uuid: whose personal contacts are looked at, too; whoever may not look at those of
                all names himself. In a plane it is the person's name.
        """
        path = path_of("directories", "reverse", profile, user_uuid)
        return self._exchange.ask("GET", path, ReverseAnswer, params={"exten": exten})

    # ---- favourites ----

    def favorites(self, profile: str = "default") -> LookupAnswer:
        """The favourites of the person, as rows of the profile's display."""
        path = path_of("directories", "favorites", profile)
        return self._exchange.ask("GET", path, LookupAnswer)

    def add_favorite(self, source: str, contact_id: str) -> None:
        """Make an entry of a source a favourite; whether it exists is not looked at.

        Raises:
            RequestError: with status 409, when it is one already.
        """
        self._exchange.send("PUT", path_of("directories", "favorites", source, contact_id))

    def remove_favorite(self, source: str, contact_id: str) -> None:
        """Take an entry off the favourites."""
        self._exchange.send("DELETE", path_of("directories", "favorites", source, contact_id))

    # ---- what belongs to somebody ----

    def personal_rows(self, profile: str = "default") -> LookupAnswer:
        """The person's own contacts, as rows of the profile's display."""
        path = path_of("directories", "personal", profile)
        return self._exchange.ask("GET", path, LookupAnswer)

    def phonebooks(self, tenant: str) -> Phonebooks:
        """The phonebooks of a tenant."""
        return Phonebooks(self._exchange, tenant)

    # ---- the directory itself ----

    def sources(self) -> tuple[SourceState, ...]:
        """Every configured source, and why it is not there, where it is not."""
        document = self._exchange.ask("GET", path_of("sources"), _Sources)
        return tuple(document["items"])

    def sources_of(self, backend: str) -> BackendSources:
        """The sources of a back-end, to make, change and remove some."""
        return BackendSources(self._exchange, backend)

    def check(self, names: Sequence[str] = ()) -> tuple[SourceFact, ...]:
        """What each source answers to a question that tries it; of all when none is named."""
        params = {"name": ",".join(names)} if names else None
        document = self._exchange.ask("GET", path_of("sources", "check"), _Checked, params=params)
        return tuple(document["items"])

    def config(self) -> dict[str, Any]:
        """The configuration that is served, its secrets masked."""
        return self._exchange.ask("GET", path_of("config"), dict[str, Any])

    def close(self) -> None:
        """Give back the connections."""
        self._exchange.close()
