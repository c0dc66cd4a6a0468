"""What a command works with: streams, options that every command takes, configuration, the plane.

Everything is found when it is first asked for, so that a command that needs no plane neither
looks for one nor pays for the imports.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pelagos.cli.failures import NOT_ALLOWED, CommandError, NoPlaneError, UsageError
from pelagos.cli.output import Output
from pelagos.cli.terminal import clean, is_terminal, wants_colour
from pelagos.core.errors import PelagosError

if TYPE_CHECKING:  # not for a cycle: a command pays for these when it uses them
    from pelagos.cli.kept import Kept
    from pelagos.cli.keys import Keys
    from pelagos.cli.pager import Paged
    from pelagos.cli.selection import Selection
    from pelagos.core.clock import Clock
    from pelagos.core.config import Config
    from pelagos.core.http import ClientTls, HttpClient
    from pelagos.core.http.transports.base import Transport
    from pelagos.directory.client import DirectoryClient
    from pelagos.plane.endpoints import Endpoints
    from pelagos.plane.sections import PlaneConfig
    from pelagos.slap.client import SlapClient


class Context:
    """The world as one command sees it.

    Args:
        options: values of the options that every command takes (`GLOBAL_ARGUMENTS`) and
            of those of lists (`SHOW_ARGUMENTS`, `LIST_ARGUMENTS`).
        environ: the environment; None = this process's.
        stdin: where `-` reads from.
        stdout: where results go.
        stderr: where errors, hints and progress go.
        transport: carries all requests; None = real sockets.
        clock: what tells the time; None = this machine's.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        *,
        environ: Mapping[str, str] | None = None,
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        transport: Transport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.options = options
        self.environ = os.environ if environ is None else environ
        self.stdin = stdin or sys.stdin
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
        self.transport = transport
        self._clock = clock
        #: What is called when the command is over.
        self.closers: list[Callable[[], object]] = []
        #: What the session keeps that the command belongs to; None outside of one.
        self.kept: Kept | None = None
        #: What the rows of its lists may have; see `Command.keys`.
        self.keys: Keys | None = None

    # ---- what is printed ----

    @cached_property
    def output(self) -> Output:
        """Prints results as the options wish."""
        width = None
        if is_terminal(self.stdout):
            import shutil

            width = shutil.get_terminal_size().columns
        return Output(
            self._paged or self.stdout,
            self.options.get("output") or "table",
            columns=self.options.get("columns"),
            selection=self._selection,
            colour=wants_colour(self.stdout, self.environ),
            width=width,
            keys=self.keys,
        )

    @cached_property
    def _paged(self) -> Paged | None:
        """The way to a pager, for results on a terminal that ask for one."""
        if self.options.get("no_pager", True) or not is_terminal(self.stdout):
            return None
        from pelagos.cli.pager import paged, pager_of

        made = paged(self.stdout, self.environ, lambda: pager_of(self.plane.pager, self.environ))
        if made is not None:
            self.closers.append(made.close)
        return made

    @property
    def _selection(self) -> Selection | None:
        conditions, order = self.options.get("conditions"), self.options.get("sorting")
        if not conditions and not order:
            return None
        from pelagos.cli.selection import Selection

        return Selection(conditions or (), order or ())

    def say(self, text: str) -> None:
        """Tell the person something that is not a result, on stderr."""

        def write() -> None:
            self.stderr.write(clean(text, keep="\n") + "\n")
            self.stderr.flush()

        paged = self.__dict__.get("_paged")
        if paged is None:
            write()
        else:
            paged.when_read(write)

    # ---- places and settings ----

    @cached_property
    def data(self) -> Path:
        """The data folder; it may not exist."""
        from pelagos.core import config

        given = self.options.get("data")
        return Path(given).expanduser().absolute() if given else config.data_dir(self.environ)

    @cached_property
    def config_path(self) -> Path:
        """The configuration file; it may not exist."""
        from pelagos.core import config

        given = self.options.get("config")
        return Path(given).expanduser().absolute() if given else config.config_file(self.environ)

    @cached_property
    def config(self) -> Config:
        """The settings: the environment above the file above the defaults."""
        from pelagos.core import config
        from pelagos.plane.sections import SECTIONS

        named = self.config_path if self.options.get("config") else None
        return config.load(SECTIONS, named, self.environ)

    @cached_property
    def plane(self) -> PlaneConfig:
        """The settings that every command needs."""
        from pelagos.plane.sections import PlaneConfig

        return self.config.of(PlaneConfig)

    @cached_property
    def clock(self) -> Clock:
        """What tells the time."""
        from pelagos.core.clock import SystemClock

        return self._clock or SystemClock()

    # ---- the plane ----

    @cached_property
    def endpoints(self) -> Endpoints:
        """What `pelagos up` noted in the data folder; empty values when nothing.

        Raises:
            PelagosError: it cannot be read or is damaged.
        """
        from pelagos.plane.endpoints import read_endpoints

        try:
            return read_endpoints(self.data)
        except PelagosError as error:
            if isinstance(error.__cause__, PermissionError):
                raise CommandError(error.message, hint=error.hint, code=NOT_ALLOWED) from error
            raise

    @cached_property
    def master_url(self) -> str:
        """Where the master is: --master-url, the configuration, or the plane of the data folder.

        Raises:
            NoPlaneError: none of them says so.
        """
        url = self._configured_master or self.endpoints.master_url
        if not url:
            raise NoPlaneError(
                f"no plane is known here: {self.data} has none",
                hint="start one: pelagos up\nor name one: --master-url URL, or PELAGOS_MASTER_URL",
            )
        return url

    @property
    def is_own_plane(self) -> bool:
        """Whether the master is that of the data folder, and not one that was named."""
        return not self._configured_master

    @property
    def is_known(self) -> bool:
        """Whether a plane was ever started on the data folder."""
        return any(getattr(self.endpoints, name) for name in self.endpoints.__slots__)

    @property
    def _configured_master(self) -> str:
        return self.options.get("master_url") or self.plane.master_url

    @cached_property
    def token(self) -> str | None:
        """The person's token: --token-file, PELAGOS_TOKEN, the configuration, or the data folder.

        None when there is none; a master's URL may carry one itself.

        Raises:
            CommandError: a file was named and cannot be read.
        """
        named = self.options.get("token_file")
        if named:
            return _token_in_named(Path(named).expanduser())
        if self.environ.get("PELAGOS_TOKEN"):
            return _checked(self.environ["PELAGOS_TOKEN"], "PELAGOS_TOKEN")
        if self.plane.token_file:
            return _token_in_named(self.plane.token_file)
        # The token of the own plane is not for a master that was named.
        return _token_in(self.data / "token") if self.is_own_plane else None

    @cached_property
    def master(self) -> SlapClient:
        """The client of the master.

        Raises:
            CommandError: no master or no token is known.
        """
        from pelagos.slap.client import SlapClient

        url = self.master_url
        http = self._http(url)  # first, because it tells of what is no address
        if self.token is None and "@" not in url:
            raise _no_token(url)
        return SlapClient(url, http=http)

    @cached_property
    def directory(self) -> DirectoryClient:
        """The client of the directory.

        Raises:
            CommandError: no directory or no token is known.
        """
        from pelagos.directory.client import DirectoryClient

        url = self._directory_url
        if not url:
            raise NoPlaneError(
                f"no directory is known here: {self.data} has none",
                hint="start one: pelagos up\nor name one: PELAGOS_DIRECTORY_URL",
            )
        if self.token is None:
            raise _no_token(url)
        return DirectoryClient(url, self.token, http=self._http(url), tls=self._tls)

    @property
    def _directory_url(self) -> str:
        return self.plane.directory_url or self.endpoints.directory_url

    def _http(self, url: str) -> HttpClient:
        from pelagos.cli.silence import WatchedTransport
        from pelagos.core.http import HttpClient

        timeout, token = self.plane.timeout, self.token
        is_text = url.isprintable() and " " not in url
        try:
            http = HttpClient(
                url if is_text else "",
                token=token,
                timeout=timeout,
                transport=self.carrier(self._tls),
            )
            if self.transport is not None:
                return http
            return http.over(WatchedTransport(http.transport, http.base_url))
        except PelagosError as error:
            raise UsageError(f"{url!r} is not an address of a server", hint=error.hint) from error

    def carrier(self, tls: ClientTls | None = None) -> Transport:
        """What carries requests to who is to be trusted so; closed with the command, or kept."""
        if self.transport is not None:
            return self.transport
        if self.kept is not None:
            return self.kept.transport(tls)
        from pelagos.core.http.transports.lean import LeanTransport

        made = LeanTransport(tls=tls)
        self.closers.append(made.close)
        return made

    @property
    def _tls(self) -> ClientTls | None:
        """Whom to trust: the named authority, else that of the own plane."""
        from pelagos.core.http import ClientTls

        authority = self.plane.authority
        if authority is None and self.is_own_plane and self.endpoints.authority:
            authority = Path(self.endpoints.authority)
        return None if authority is None else ClientTls(authority=authority)

    def services(self) -> Iterator[Any]:
        """Every service that the caller may see; one page is in memory at a time."""
        after = 0
        while True:
            page = self.glance(f"v1/services?after={after}" if after else "v1/services")
            if not isinstance(page, Mapping) or "services" not in page:
                yield from self.master.services(after)
                return
            yield from page["services"]
            if page.get("next") is None:
                return
            after = page["next"]

    def glance(self, path: str, timeout: float = 3.0) -> Any:
        """What the master answers to GET `path`, as plain data; None = ask `master` instead.

        Much cheaper than `master` for a command that asks once; see `pelagos.cli.glance`.
        """
        is_watched = self.transport or self.kept or self.options.get("verbose")
        if is_watched or not self.token:
            return None
        from pelagos.cli.glance import look

        return look(self.master_url, path, self.token, timeout)

    def glance_directory(self, path: str, timeout: float) -> Any:
        """As `glance`, of the directory; for completion."""
        if not self._directory_url or not self.token:
            return None
        from pelagos.cli.glance import look

        return look(self._directory_url, path, self.token, timeout, header="X-Auth-Token:")


def _no_token(url: str) -> CommandError:
    return CommandError(
        f"there is no token for {url}",
        hint="give one: --token-file FILE, or PELAGOS_TOKEN",
        code=NOT_ALLOWED,
    )


def _token_in_named(path: Path) -> str:
    token = _token_in(path)
    if token is None:
        raise _no_good_token(f"cannot read the token file {path}: No such file or directory")
    return token


def _token_in(path: Path) -> str | None:
    from pelagos.core.files import read_token

    try:
        token = read_token(path)
        return None if token is None else _checked(token, f"the token file {path}")
    except PelagosError as error:
        raise _no_good_token(error.message) from error


def _checked(token: str, where: str) -> str:
    from pelagos.core.files import check_token

    try:
        return check_token(token, where)
    except PelagosError as error:
        raise _no_good_token(error.message) from error


def _no_good_token(message: str) -> CommandError:
    hint = "give another: --token-file FILE, or PELAGOS_TOKEN"
    return CommandError(message, hint=hint, code=NOT_ALLOWED)
