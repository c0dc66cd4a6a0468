"""HTTPS for the master: when it is spoken, under which names; a certificate that renews itself.

The authority is in `ca/` of the data folder, the server's certificate in `ca/server.*`.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from pelagos.core import wire
from pelagos.core.certificate import Authority, describe, save_pair
from pelagos.core.clock import Clock, SystemClock
from pelagos.core.errors import ConfigError, PelagosError
from pelagos.core.files import write_atomic
from pelagos.core.loopback import is_loopback
from pelagos.core.web import ServerTls
from pelagos.plane.data_folder import DataFolder

log = logging.getLogger(__name__)

#: Seconds that the server's certificate lasts. 90 days: its end is never near while it renews.
LIFETIME = 90 * 86400.0
#: Seconds between two looks at the certificate's end.
_PERIOD = 3600.0
_ANY = frozenset({"", "0.0.0.0", "::", "*"})  # noqa: S104  # compared with, not listened on


def speaks_https(host: str, wish: str) -> bool:
    """Whether the master speaks HTTPS.

    "auto" is plain HTTP where nobody else can listen in, on a loopback address, and HTTPS
    everywhere else, so that no token is ever sent in clear over a network.

    Raises:
        ConfigError: `wish` is none of auto, true and false.

    >>> speaks_https("127.0.0.1", "auto"), speaks_https("10.0.0.5", "auto")
    (False, True)
    """
    match wish.strip().lower():
        case "auto":
            return not is_loopback(host)
        case "true":
            return True
        case "false":
            return False
        case _:
            raise ConfigError(
                f"[master] https is {wish[:40]!r}", hint="set it to auto, true or false"
            )


def local_host(host: str) -> str:
    """Where this machine reaches a server that listens on `host`.

    >>> local_host("0.0.0.0"), local_host("::"), local_host("10.0.0.5")
    ('127.0.0.1', '::1', '10.0.0.5')
    """
    if host not in _ANY:
        return host
    return "::1" if ":" in host else "127.0.0.1"


def outward_host(host: str) -> str:
    """Where other machines reach a server that listens on `host`, as far as it can be known."""
    return _own_address() or socket.gethostname() if host in _ANY else host


def server_names(host: str, further: str) -> tuple[str, ...]:
    """The names and addresses under which the master may be asked, without repetition.

    Args:
        host: what it listens on.
        further: names apart by spaces, from the configuration.
    """
    named = further.split()
    own = [] if host in _ANY else [host]
    local = ["localhost", "127.0.0.1", "::1"]
    around = [] if is_loopback(host) else [socket.gethostname(), socket.getfqdn(), _own_address()]
    found = [*named, *own, *around, *local]
    return tuple(dict.fromkeys(name for name in found if name and _is_name(name)))


def shows_own(url: str, names: tuple[str, ...]) -> bool:
    """Whether a certificate for these names of ours is what one meets at an address.

    One that is not among them belongs to somebody in front, with a certificate of his own.

    >>> shows_own("https://plane.example.org", ("127.0.0.1",))
    False
    """
    parts = urlsplit(url)
    return parts.scheme == "https" and (parts.hostname or "") in {name.lower() for name in names}


def _is_name(name: str) -> bool:
    # What a certificate cannot hold, as the name of some hosts in a test lab, is left out.
    return name.isascii() and not any(char.isspace() or char in "/_" for char in name)


def _own_address() -> str:
    """This machine's address on the way to others; "" when it has none. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: an address that nobody has
        except OSError:
            return ""
        return str(probe.getsockname()[0])


class ServerCertificate:
    """The server's certificate, issued by the plane's own authority.

    Args:
        folder: of the plane.
        authority: issues it.
        names: see `server_names`.
        clock: tells when to renew.
    """

    def __init__(
        self,
        folder: DataFolder,
        authority: Authority,
        names: tuple[str, ...],
        clock: Clock | None = None,
    ) -> None:
        self._authority = authority
        self._names = names
        self._clock = clock or SystemClock()
        self._about = folder.ca / "server.json"
        self.tls = ServerTls(
            certificate=folder.ca / "server.pem",
            key=folder.ca / "server.key",
            client_authority=folder.ca / "ca.pem",
        )

    def see_to(self) -> bool:
        """Issue it when there is none, it nears its end, or names were added; tell whether.

        Raises:
            PelagosError: the files cannot be written.
        """
        now = self._clock.time()
        about: dict[str, object] = {
            "names": list(self._names),
            "authority": self._authority.fingerprint,
        }
        if self._is_good(about, now):
            return False
        issued = self._authority.issue_server(self._names, now=now, lifetime=LIFETIME)
        save_pair(issued, self.tls.certificate, self.tls.key)
        write_atomic(self._about, wire.encode(about), mode=0o600)
        log.info("issued a certificate for %s", ", ".join(self._names))
        return True

    def _is_good(self, about: dict[str, object], now: float) -> bool:
        try:
            known = wire.decode(self._about.read_bytes())
            ends = describe(self.tls.certificate.read_text()).expires
        except (OSError, UnicodeDecodeError, PelagosError):
            return False
        return known == about and self.tls.key.exists() and ends - now > LIFETIME / 3


class Renewer:
    """A thread that sees to the server's certificate until `stop`.

    Args:
        certificate: to see to.
        renewed: called after each renewal, so that the server takes the new one.
        period: seconds between two looks.
    """

    def __init__(
        self,
        certificate: ServerCertificate,
        renewed: Callable[[], None],
        period: float = _PERIOD,
    ) -> None:
        self._certificate = certificate
        self._renewed = renewed
        self._period = period
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="certificate", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ending.wait(self._period):
            try:
                if self._certificate.see_to():
                    self._renewed()
            except PelagosError as error:
                # The former holds for a month still: say so, and try again.
                log.error("cannot renew the server's certificate: %s", error)  # noqa: TRY400  # its own words

    def stop(self) -> None:
        """End the thread."""
        self._ending.set()
        self._thread.join(timeout=5)


def plain_http_is_risky(host: str, *, https: bool) -> bool:
    """Whether tokens go over a network in clear: HTTPS was switched off by hand.

    >>> plain_http_is_risky("0.0.0.0", https=False)
    True
    """
    return not https and not is_loopback(host)
