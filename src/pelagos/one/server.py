"""The way in: a server of OpenNebula, and its calls as attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pelagos.one import methods
from pelagos.one.resources import Resources

if TYPE_CHECKING:  # who only imports this does not pay for connections
    import ssl

    from pelagos.core.clock import Clock
    from pelagos.core.http.transports.base import Transport
    from pelagos.one.batch import Batch
    from pelagos.one.results import Types

#: Bytes of one answer; the server writes at most 1 GiB.
SIZE_LIMIT = 1024 * 1024 * 1024


class OneServer(Resources):
    """A server of OpenNebula. Nothing in it changes; safe to share between threads.

    Each call is an attribute: `one.vm.info(7)`, `one.vmpool.info(-2, -1, -1, -1)`, with keywords
    if you like. What is not given is found where the tools of OpenNebula look (`settings`).

    Args:
        uri: "http://HOST:2633/RPC2"; credentials in it are for a web server in between.
        session: "user:password" or "user:token".
        timeout: seconds for a whole answer, of this object alone.
        https_verify: True: whom this system trusts; a file: that authority; False: anybody,
            and so anyone in between.
        context: over https, a context of your own.
        retries: how often a call that changes nothing is sent again when nobody answered or the
            answer broke off.
        connections: calls under way at once from all threads; more wait for a free place.
        size_limit: bytes of one answer that are taken.
        types: the package that `pelagos one generate` wrote for this version of the server, or a
            function from a root's name to its class; by default those that come with Pelagos.
        environment: where to look for ONE_AUTH, https_proxy and the like; by default, this
            process's.
        transport: who carries the requests; by default a pool of connections of its own.

    Raises:
        OneConfigException: no session, or an address that cannot be used.
    """

    def __init__(  # noqa: PLR0913  # the ancestor's first four, and what varies between sites
        self,
        uri: str | None = None,
        session: str | None = None,
        timeout: float | None = None,
        https_verify: bool | str | Path = True,
        *,
        context: ssl.SSLContext | None = None,
        retries: int = 2,
        connections: int = 10,
        size_limit: int = SIZE_LIMIT,
        types: Types = "pelagos.one.results.types",
        environment: Mapping[str, str] | None = None,
        transport: Transport | None = None,
        clock: Clock | None = None,
    ) -> None:
        from pelagos.core.clock import SystemClock  # noqa: PLC0415  # see above
        from pelagos.one.exchange import Exchange  # noqa: PLC0415
        from pelagos.one.settings import find_endpoint  # noqa: PLC0415

        endpoint = find_endpoint(uri, session, timeout, environment)
        self._clock = clock or SystemClock()
        self._exchange = Exchange(
            endpoint,
            transport or _pool(https_verify, context, connections, environment),
            self._clock,
            retries=retries,
            connections=connections,
            size_limit=size_limit,
            types=types,
        )

    @property
    def uri(self) -> str:
        """The address, without credentials."""
        return self._exchange.endpoint.uri

    @property
    def user_name(self) -> str:
        """The user of the session."""
        return self._exchange.endpoint.user

    @property
    def clock(self) -> Clock:
        """What tells the time and waits."""
        return self._clock

    @property
    def timeout(self) -> float:
        """Seconds for a whole answer."""
        return self._exchange.endpoint.timeout

    def call(self, method: str, *args: Any, **named: Any) -> Any:
        """Any call by its name; one that the table does not know is sent as it is given.

        Raises:
            OneException: see `pelagos.one.errors`.
        """
        resource, _, name = method.removeprefix("one.").partition(".")
        if name not in methods.calls(resource) and not named:
            return self.send(f"one.{resource}.{name}", args, may_repeat=False)
        found = methods.find(method)
        return self.send(
            found.name, methods.bind(found, args, named), may_repeat=found.is_read_only
        )

    def send(self, method: str, params: Any, *, may_repeat: bool) -> Any:
        """Parameters that are already fit for the wire, with the session before them."""
        session = self._exchange.endpoint.session
        return self._exchange.ask(method, [session, *params], may_repeat=may_repeat)

    def stream(self, method: str, *args: Any, **named: Any) -> Iterator[Any]:
        """The elements below the root of a call's XML answer, one by one, in bounded memory.

        >>> one = OneServer(session="oneadmin:secret")
        >>> records = one.stream("one.vmpool.accounting", -2, -1, -1)

        Raises:
            OneException: before the first element, or when the answer breaks off.
        """
        found = methods.find(method)
        params = methods.bind(found, args, named)
        session = self._exchange.endpoint.session
        return self._exchange.stream(found.name, [session, *params])

    def repeated(self, method: str, attempt: Callable[[], Any]) -> Any:
        """What an attempt gives that only reads; made again as a call is."""
        return self._exchange.repeated(method, attempt, may_repeat=True)

    def batch(self) -> Batch:
        """Many calls in one request: see `Batch`."""
        from pelagos.one.batch import Batch  # noqa: PLC0415  # only who uses it pays

        return Batch(self._exchange)

    def close(self) -> None:
        """Give back the connections; the server can still be called and opens new ones."""
        self._exchange.close()

    def server_close(self) -> None:
        """The ancestor's name of `close`."""
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"OneServer({self.uri!r}, user={self.user_name!r})"


def _pool(
    https_verify: bool | str | Path,
    context: ssl.SSLContext | None,
    connections: int,
    environment: Mapping[str, str] | None,
) -> Transport:
    from pelagos.core.http.proxy import Proxies  # noqa: PLC0415  # see above
    from pelagos.core.http.transports.pooled import PooledTransport  # noqa: PLC0415  # see above
    from pelagos.core.http.types import ClientTls  # noqa: PLC0415

    tls = ClientTls(
        authority=None if isinstance(https_verify, bool) else Path(https_verify),
        is_verified=https_verify is not False,
    )
    return PooledTransport(
        pool_size=connections, tls=tls, context=context, proxies=Proxies(environment)
    )
