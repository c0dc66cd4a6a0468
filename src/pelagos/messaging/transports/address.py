"""The address of an AMQP broker, read from a URL. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from pelagos.messaging.errors import BusUrlError

_FORM: Final = "amqp://USER:PASSWORD@HOST:PORT,HOST:PORT/VHOST?heartbeat=SECONDS"
#: The standard library takes no list of hosts with an IPv6 address in it.
_URL: Final = re.compile(
    r"[^:/?#]+://((?P<login>[^/?#]*)@)?(?P<places>[^/?#]*)(?P<path>[^?#]*)(\?(?P<query>[^#]*))?"
)
_PORTS: Final = {"amqp": 5672, "amqps": 5671}
_ENGINE: Final = "+pika"  # asks for the other implementation; the address is the same
_TLS_OPTIONS: Final = ("ca", "cert", "key", "verify")
_HOUR: Final = 3600
_YES: Final = ("yes", "true", "1")
_NO: Final = ("no", "false", "0")

#: Seconds; brokers advise 5 to 20. A frozen or vanished broker is noticed within about twice that.
HEARTBEAT: Final = 10


@dataclass(frozen=True, slots=True)
class Tls:
    """How a connection is encrypted.

    Attributes:
        ca: a file of certificates to trust instead of the system's, or None.
        cert: a file with our own certificate, or None.
        key: a file with its key; None when the certificate's file holds it.
        verify: whether the broker must prove that it is the host of the URL.
    """

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker is and who we are to it.

    Attributes:
        heartbeat: seconds within which each side lets the other hear something.
        others: further hosts and ports of the same broker, tried in this order.
        tls: how it is encrypted; None: it is not.
    """

    host: str = "localhost"
    port: int = _PORTS["amqp"]
    user: str = "guest"
    password: str = field(default="guest", repr=False)
    vhost: str = "/"
    heartbeat: int = HEARTBEAT
    others: tuple[tuple[str, int], ...] = ()
    tls: Tls | None = None

    @classmethod
    def from_url(cls, url: str) -> BrokerAddress:
        """Read `amqp://USER:PASSWORD@HOST:PORT,HOST:PORT/VHOST?OPTIONS`; all but amqp: optional.

        A slash in the virtual host's name is written %2F; no name is the virtual host `/`.
        Options: heartbeat (seconds); with `amqps:` also ca, cert and key (files) and verify=no.

        Raises:
            BusUrlError: it has another form; the message does not repeat the URL, as it may hold
                a password.
        """
        scheme = url.partition(":")[0].lower().removesuffix(_ENGINE)
        parts = _URL.fullmatch(url)
        if parts is None or scheme not in _PORTS:
            raise BusUrlError("the bus URL has a wrong form", hint=f"its form is {_FORM}")
        login, path, query = (parts[name] or "" for name in ("login", "path", "query"))
        try:
            hosts = [_host(place, _PORTS[scheme]) for place in parts["places"].split(",")]
        except ValueError:
            raise BusUrlError(  # from None, as what was read may be a piece of a password
                "the port or host of the bus URL cannot be read", hint=f"its form is {_FORM}"
            ) from None
        if not login and "@" in path + query:
            raise BusUrlError(
                "the bus URL has its @ behind a / or ?",
                hint="in a user or password / is written %2F, ? is %3F and @ is %40",
            )
        user, colon, password = login.partition(":")
        options = _options(query)
        heartbeat = _heartbeat(options.pop("heartbeat", str(HEARTBEAT)))
        return cls(
            host=hosts[0][0],
            port=hosts[0][1],
            user=unquote(user) or "guest",
            password=unquote(password) if colon else "guest",
            vhost=unquote(path.removeprefix("/")) or "/",
            heartbeat=heartbeat,
            others=tuple(hosts[1:]),
            tls=_tls(scheme, options),
        )

    @property
    def hosts(self) -> tuple[tuple[str, int], ...]:
        """All hosts and ports, in the order in which they are tried."""
        return ((self.host, self.port), *self.others)

    @property
    def url(self) -> str:
        """The address without the password."""
        scheme = "amqp" if self.tls is None else "amqps"
        hosts = ",".join(f"{_bracketed(host)}:{port}" for host, port in self.hosts)
        return f"{scheme}://{quote(self.user, safe='')}@{hosts}/{vhost_path(self.vhost)}"


def with_vhost(url: str, vhost: str) -> str:
    """The URL of the same bus with this virtual host, where a bus has such; all else stays.

    >>> with_vhost("amqps://ann:a@sea,lake/old?ca=/ca.pem", "/new")
    'amqps://ann:a@sea,lake/%2Fnew?ca=/ca.pem'
    """
    parts = _URL.fullmatch(url)
    if parts is None or url.partition(":")[0].lower().removesuffix(_ENGINE) not in _PORTS:
        return url
    begin, end = parts.span("path")
    return f"{url[:begin]}/{vhost_path(vhost)}{url[end:]}"


def vhost_path(vhost: str) -> str:
    """A virtual host as it stands behind the slash of a URL."""
    return "" if vhost == "/" else quote(vhost, safe="")


def _host(place: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{place}")
    if parts.path or parts.query:
        raise ValueError(place)
    return parts.hostname or "localhost", port if parts.port is None else parts.port


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name != "heartbeat" and name not in _TLS_OPTIONS:
            raise BusUrlError(
                f"the bus URL has no option {name!r}",
                hint="known: heartbeat=SECONDS, and with amqps: ca=, cert=, key=FILE, verify=no",
            )
    return options


def _heartbeat(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _HOUR):
        raise BusUrlError(f"heartbeat={text} is not a whole number of seconds from 1 to 3600")
    return int(text)


def _tls(scheme: str, options: dict[str, str]) -> Tls | None:
    if scheme != "amqps":
        if options:
            raise BusUrlError(
                f"the option {next(iter(options))!r} of the bus URL is about encryption",
                hint="begin the URL with amqps:",
            )
        return None
    verify = options.get("verify", "yes").lower()
    if verify not in _YES + _NO:
        raise BusUrlError(f"verify={verify} is neither yes nor no")
    if "key" in options and "cert" not in options:
        raise BusUrlError("the bus URL names a key and no certificate", hint="add cert=FILE")
    return Tls(options.get("ca"), options.get("cert"), options.get("key"), verify in _YES)
