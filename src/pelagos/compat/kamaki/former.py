"""What a client of the ancestor has and says otherwise than ours; the base of all classes here."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from pelagos.clients.base import Reply
from pelagos.clients.base import client as ours
from pelagos.clients.base.call import Path
from pelagos.clients.base.sending import Patience, Sender
from pelagos.compat.kamaki.connection import HTTPConnection, transport_of
from pelagos.compat.kamaki.transports import SHARED, LoggingTransport, log, phrase
from pelagos.core.http import HttpClient

_VERSION = re.compile(r"v(\d+(?:\.\d+)*)\Z")
_KNOWN = frozenset(ours.How.__annotations__)


class _SameAs:
    """An attribute of a class and of its objects that is another one by a former name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, one: Any, owner: type) -> Any:
        return getattr(owner if one is None else one, self._name)

    def __set__(self, one: Any, value: Any) -> None:
        setattr(one, self._name, value)


class Status(int):
    """A status as a number, which is also read as its words."""

    __slots__ = ()

    def __str__(self) -> str:
        return phrase(int(self))

    def __eq__(self, other: object) -> bool:
        return str(self) == other if isinstance(other, str) else int(self) == other

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = int.__hash__


class Answer(Reply):
    """An answer whose status is also read as its words; `status_code` is the number alone."""

    __slots__ = ()

    @classmethod
    def of(cls, reply: Reply) -> Answer:
        """The same answer in this shape."""
        made = cls.__new__(cls)
        for name in Reply.__slots__:
            setattr(made, name, getattr(reply, name))
        made.status = Status(reply.status)
        return made

    @property
    def status_code(self) -> int:
        """HTTP status."""
        return int(self.status)

    def replace_json(self, data: Any) -> None:
        """Let this be read as its JSON."""
        self._json = data


class Client(ours.Client):
    """A client of any service, made and used as the ancestor's are.

    Args:
        endpoint_url, base_url: of the service; the two are one, by both versions' names.
        token: sent as X-Auth-Token.
        more: account and container, where a class has them, and at the end the connection of
            the first versions.
        http_client: such a connection.
        terms: as ours takes them.

    Attributes:
        MAX_THREADS, POOL_SIZE: how many calls a method may make at once; the two are one.
        CONNECTION_RETRY_LIMIT: how often a call is tried again; 0: as ours are.
        poolsize: kept for programs that set it; connections are opened as they are needed.
        LOG_TOKEN: write which token was sent, by its hash. LOG_DATA: write bodies. LOG_PID: write
            which request a line belongs to.
    """

    POOL_SIZE: Any = _SameAs("MAX_THREADS")
    CONNECTION_RETRY_LIMIT: int = 0
    LOG_TOKEN: bool = False
    LOG_DATA: bool = False
    LOG_PID: bool = False

    def __init_subclass__(cls, **how: Any) -> None:
        super().__init_subclass__(**how)
        if "POOL_SIZE" in vars(cls):
            cls.MAX_THREADS = vars(cls)["POOL_SIZE"]
            del cls.POOL_SIZE

    def __init__(
        self,
        endpoint_url: str | None = None,
        token: str | None = None,
        *more: Any,
        base_url: str | None = None,
        http_client: HTTPConnection | None = None,
        http: Any = None,
        **terms: Any,
    ) -> None:
        connections = [one for one in (*more, http_client) if isinstance(one, HTTPConnection)]
        others = [one for one in more if not isinstance(one, HTTPConnection)]
        self.http_client = connections[0] if connections else None
        if isinstance(http, HttpClient):
            http = http.transport
        if http is None:
            tls = terms.pop("tls", None)
            http = SHARED if tls is None else HttpClient("https://any.invalid", tls=tls).transport
            http = http if self.http_client is None else transport_of(self.http_client, http)
        self._retries: int | None = None
        super().__init__(
            endpoint_url,
            token,
            *others,
            base_url=base_url,
            http=LoggingTransport(http, self),
            **terms,
        )
        self._patience = self._sender._patience  # noqa: SLF001  # as our own base has chosen
        self.poolsize: int | None = None
        self.request_headers_to_quote = list(type(self).request_headers_to_quote)
        self.request_header_prefices_to_quote = list(type(self).request_header_prefices_to_quote)
        self.response_headers: list[str] = []
        self.response_header_prefices = list(type(self).response_header_prefices)

    @property
    def api_version(self) -> str:
        """The version in the address; "" when there is none."""
        found = [_VERSION.match(one) for one in urlsplit(self.endpoint_url).path.split("/")]
        return next((one[1] for one in found if one), "")

    def request(self, method: str, path: Path, **how: Any) -> Reply:
        """Make one call; arguments that no verb knows are left out, as the ancestor did."""
        self._heed_retries()
        self._take_from_connection()
        if unknown := how.keys() - _KNOWN:
            log.info("%s %s: nothing is known as %s", method, path, ", ".join(sorted(unknown)))
            how = {name: value for name, value in how.items() if name in _KNOWN}
        reply = Answer.of(super().request(method, path, **how))
        if self.response_headers or self.response_header_prefices:
            reply.headers = type(reply.headers)(self._unquoted(reply.headers))
        return reply

    def _heed_retries(self) -> None:
        limit = self.CONNECTION_RETRY_LIMIT
        if limit != self._retries:
            patience = Patience(attempts=1 + limit) if limit else self._patience
            self._sender = Sender(self._sender.transport, patience)
            self._retries = limit

    def _take_from_connection(self) -> None:
        """Send what a program has set on the connection itself, once."""
        if self.http_client is None:
            return
        for name, value in self.http_client.headers.items():
            self.set_header(name, value)
        for name, value in self.http_client.params.items():
            self.set_param(name, value)
        self.http_client.reset_headers()
        self.http_client.reset_params()

    def _unquoted(self, headers: Any) -> dict[str, str]:
        exact = {name.lower() for name in self.response_headers}
        begins = tuple(name.lower() for name in self.response_header_prefices)
        return {
            name: unquote(value)
            if name.lower() in exact or name.lower().startswith(begins)
            else value
            for name, value in headers.items()
        }

    def set_default_header(self, name: str, value: Any) -> None:
        """Send a header field with this thread's next call, unless it has one already."""
        if name not in self.headers:
            self.set_header(name, value)

    @staticmethod
    def _quote_header_keys(headers: MutableMapping[str, Any], prefixes: Iterable[str]) -> None:
        _rename(headers, prefixes, quote)

    @staticmethod
    def _unquote_header_keys(headers: MutableMapping[str, Any], prefixes: Iterable[str]) -> None:
        _rename(headers, prefixes, unquote)


def _rename(
    headers: MutableMapping[str, Any], prefixes: Iterable[str], change: Callable[[str], str]
) -> None:
    """Change what follows a prefix in the names, in place."""
    for name in list(headers):
        begin = next((one for one in prefixes if name.lower().startswith(one.lower())), None)
        if begin is not None:
            changed = name[: len(begin)] + change(name[len(begin) :])
            headers[changed] = headers.pop(name)


def take_former_names(kind: type[Client], **renamed: str) -> None:
    """Let the methods of a class take arguments by the names of the first versions, too.

    Args:
        kind: the class; of each method that its base, one of ours, has.
        renamed: the argument now, by its name then.
    """
    package = __name__.rpartition(".")[0]
    for name in dir(kind):
        homes = [one for one in kind.__mro__ if name in vars(one)]
        method = next(
            (vars(one)[name] for one in homes if not one.__module__.startswith(package)), None
        )
        code = getattr(method, "__code__", None)
        if method is None or code is None or name.startswith("_") or name in vars(kind):
            continue
        taken = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        if any(now in taken and then not in taken for then, now in renamed.items()):
            setattr(kind, name, _taking(kind, method, renamed))


def _taking(
    kind: type[Client], method: Callable[..., Any], renamed: dict[str, str]
) -> Callable[..., Any]:
    name = method.__name__

    @functools.wraps(method)
    def call(self: Any, *args: Any, **how: Any) -> Any:
        told = {renamed.get(one, one): value for one, value in how.items()}
        return getattr(super(kind, self), name)(*args, **told)

    return call
