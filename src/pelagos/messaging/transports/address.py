"""The address of an AMQP broker, read from a URL. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from pelagos.messaging.errors import BusUrlError

_FORM = "amqp://USER:PASSWORD@HOST:PORT/VHOST"
_PORT = 5672

#: Seconds; brokers advise 5 to 20. A frozen or vanished broker is noticed within three times that.
HEARTBEAT = 10


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker is and who we are to it.

    Attributes:
        heartbeat: seconds within which each side lets the other hear something.
    """

    host: str = "localhost"
    port: int = _PORT
    user: str = "guest"
    password: str = field(default="guest", repr=False)
    vhost: str = "/"
    heartbeat: int = HEARTBEAT

    @classmethod
    def from_url(cls, url: str) -> BrokerAddress:
        """Read `amqp://USER:PASSWORD@HOST:PORT/VHOST?heartbeat=SECONDS`; all but amqp: optional.

        A slash in the virtual host's name is written %2F; no name is the virtual host `/`.

        Raises:
            BusUrlError: it has another form; the message does not repeat the URL, as it may hold
                a password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise BusUrlError(
                "the port or host of the bus URL cannot be read", hint=f"its form is {_FORM}"
            ) from error
        if parts.fragment or not url.lower().startswith("amqp://"):
            raise BusUrlError("the bus URL has a wrong form", hint=f"its form is {_FORM}")
        return cls(
            host=parts.hostname or "localhost",
            port=_PORT if port is None else port,
            user=unquote(parts.username or "guest"),
            password="guest" if parts.password is None else unquote(parts.password),
            vhost=unquote(parts.path.removeprefix("/")) or "/",
            heartbeat=_heartbeat(parts.query),
        )

    @property
    def url(self) -> str:
        """The address without the password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        path = "" if self.vhost == "/" else quote(self.vhost, safe="")
        return f"amqp://{quote(self.user, safe='')}@{host}:{self.port}/{path}"


def _heartbeat(query: str) -> int:
    options = dict(parse_qsl(query, keep_blank_values=True))
    text = options.pop("heartbeat", str(HEARTBEAT))
    if options:
        raise BusUrlError(
            f"the bus URL has no option {next(iter(options))!r}", hint="known is heartbeat=SECONDS"
        )
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 3600):  # noqa: PLR2004 - an hour
        raise BusUrlError(f"heartbeat={text} is not a whole number of seconds from 1 to 3600")
    return int(text)
