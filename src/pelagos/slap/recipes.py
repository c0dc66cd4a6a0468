"""Recipes of zc.buildout for software releases: `recipe = pelagos:template` and its siblings.

They run inside a buildout, not inside the agent: everything that costs time to import is imported
where it is used, and nothing of the agent is known here. docs/reference/recipes.md is the manual;
each option is checked, and an unknown one is an error that names the nearest right one.
"""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import hashlib
import os
import re
import shlex
import socket
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

_LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@+-]{0,99}")
_REFERENCE = re.compile(r"(\$?)\$\{([^}:]*):([^}:]+)\}")
#: Below the range from which systems take ports for outgoing connections.
_FIRST_PORT, _LAST_PORT = 10_000, 32_000
_HIGHEST_PORT = 65_535
_EVERY_IP = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on

Options = MutableMapping[str, str]


class Sections(Protocol):
    """A buildout: its sections by name."""

    def __getitem__(self, name: str) -> Options: ...


class RecipeError(Exception):
    """An option of a part is wrong. zc.buildout shows it as `Error: …`; see `_user_error`."""


def _user_error(message: str) -> Exception:
    """An error that zc.buildout prints as one line instead of a traceback."""
    try:
        module = sys.modules["zc.buildout"]
    except KeyError:
        return RecipeError(message)
    error: type[Exception] = module.UserError
    return error(message)


class _Recipe:
    """What all recipes share: checked options, and a place in the partition."""

    allowed: ClassVar[tuple[str, ...]] = ()
    required: ClassVar[tuple[str, ...]] = ()

    def __init__(self, buildout: Sections, name: str, options: Options) -> None:
        self.buildout = buildout
        self.name = name
        self.options = options
        self.folder = Path(buildout["buildout"]["directory"])
        self._check_names()

    def _check_names(self) -> None:
        known = ("recipe", *self.allowed)
        for option in list(self.options):
            if option not in known and not option.startswith(("_", "<")):
                near = difflib.get_close_matches(option, known, 1)
                meant = f" Did you mean {near[0]}?" if near else ""
                raise _user_error(
                    f"[{self.name}] has no option {option!r}.{meant} "
                    f"It has: {', '.join(sorted(known))}."
                )
        for option in self.required:
            if not self.options.get(option, "").strip():
                raise _user_error(f"[{self.name}] needs the option {option!r}.")

    def fail(self, message: str) -> Exception:
        """An error that names the part."""
        return _user_error(f"[{self.name}] {message}")

    def lines(self, option: str) -> list[str]:
        """The lines of an option that are not empty, without surrounding space."""
        text = self.options.get(option, "")
        return [line.strip() for line in text.splitlines() if line.strip()]

    def pairs(self, option: str) -> dict[str, str]:
        """The lines `name = value` of an option."""
        found: dict[str, str] = {}
        for line in self.lines(option):
            key, equals, value = line.partition("=")
            key = key.strip()
            if not equals or not _LABEL.fullmatch(key):
                raise self.fail(f"{option}: {line[:80]!r} is not a line 'name = value'.")
            found[key] = value.strip()
        return found

    def flag(self, option: str, *, default: bool) -> bool:
        """An option that is true or false."""
        text = self.options.get(option, "").strip().lower()
        if text not in {"", "true", "false"}:
            raise self.fail(f"{option} is true or false, not {text!r}.")
        return default if not text else text == "true"

    def port_of(self, text: str, option: str) -> int:
        """A port number."""
        if not text.isascii() or not text.isdigit() or not 0 < int(text) <= _HIGHEST_PORT:
            raise self.fail(f"{option}: {text[:80]!r} is not a port (1 … 65535).")
        return int(text)

    def file_name(self) -> str:
        """The name of the file that this part writes: the option `name`, or the part's."""
        name = self.options.get("name", "").strip() or self.name
        if not _FILE_NAME.fullmatch(name):
            raise self.fail(f"the name {name[:80]!r} cannot be a file name here.")
        return name

    def install(self) -> Iterable[str]:
        """Do the part's work; returns the paths that go when the part goes."""
        return ()

    def update(self) -> Iterable[str]:
        """Do the part's work again where nothing changed."""
        return self.install()


class Template(_Recipe):
    """Writes a file whose `${section:option}` references are filled in; `$${…}` stands for `${…}`.

    Options: output; inline or source (a path); mode (default 0640).
    """

    allowed = ("inline", "mode", "output", "source")
    required = ("output",)

    def __init__(self, buildout: Sections, name: str, options: Options) -> None:
        super().__init__(buildout, name, options)
        if ("inline" in options) == ("source" in options):
            raise self.fail("needs exactly one of the options inline and source.")
        self._mode = self._read_mode()
        self._text = self._fill()
        self.output = Path(self.folder, options["output"])
        options["output"] = str(self.output)

    def _read_mode(self) -> int:
        text = self.options.get("mode", "0640")
        if not re.fullmatch(r"0?[0-7]{3}", text):
            raise self.fail(f"mode is three octal digits such as 0640, not {text!r}.")
        return int(text, 8)

    def _fill(self) -> str:
        if "inline" in self.options:  # zc.buildout has filled in what is not escaped
            return self.options["inline"].replace("$${", "${").rstrip("\n") + "\n"
        source = Path(self.folder, self.options["source"])
        try:
            text = source.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise self.fail(f"the source {source} cannot be read: {error}") from error
        return _REFERENCE.sub(self._value, text)

    def _value(self, match: re.Match[str]) -> str:
        escape, section, option = match.groups()
        if escape:
            return match[0][1:]
        return self.buildout[section or self.name][option]

    def install(self) -> Iterable[str]:
        """Write the file when it would change."""
        self.output.parent.mkdir(parents=True, exist_ok=True)
        _write(self.output, self._text, self._mode)
        return (str(self.output),)


class Parameters(_Recipe):
    """Reads the instance's parameters from the master; each becomes an option of this section.

    Options: defaults, lines `name = value`: the parameters that the instance knows, with what
    holds when the requester says nothing. A parameter that is not declared there is an error,
    unless strict = false. multiline: names of those whose value may have several lines.
    """

    allowed = ("defaults", "multiline", "strict")

    def __init__(self, buildout: Sections, name: str, options: Options) -> None:
        super().__init__(buildout, name, options)
        defaults = self.pairs("defaults")
        for reserved in {"recipe", *self.allowed} & defaults.keys():
            raise self.fail(f"a parameter cannot be named {reserved}.")
        multiline = options.get("multiline", "").split()
        for stranger in sorted(set(multiline) - defaults.keys()):
            raise self.fail(f"multiline: {stranger[:80]!r} is not among the defaults.")
        given = _fetch_parameters(buildout)
        if self.flag("strict", default=True):
            self._refuse_unknown(given, defaults)
        taken = {
            key: value
            for key, value in given.items()
            if _LABEL.fullmatch(key) and key not in {"recipe", *self.allowed}
        }
        for key, value in taken.items():
            self._refuse_profile(key, value, may_be_multiline=key in multiline)
        for key, value in {**defaults, **taken}.items():
            options[key] = value

    def _refuse_unknown(self, given: Mapping[str, str], defaults: Mapping[str, str]) -> None:
        for unknown in sorted(set(given) - set(defaults)):
            near = difflib.get_close_matches(unknown, list(defaults), 1)
            meant = f" Did you mean {near[0]}?" if near else ""
            known = ", ".join(sorted(defaults)) or "none"
            raise self.fail(
                f"the service has no parameter {unknown[:80]!r}.{meant} It knows: {known}."
            )

    def _refuse_profile(self, key: str, value: str, *, may_be_multiline: bool) -> None:
        """Refuse what would be read as part of the profile.

        zc.buildout fills in what it has just filled in once more, so `${slap-connection:…}` in a
        value would show the partition's token; and a line of a value would become a line of the
        option that it is put into, e.g. one more variable of a service's environment. The values
        of two parameters may be put side by side, so that a reference begins in the first.
        """
        if "${" in value:
            raise self.fail(f"the parameter {key!r} holds '${{', which zc.buildout would fill in.")
        if value.endswith("$"):  # the profile may put what begins with "{" right behind it
            raise self.fail(f"the parameter {key!r} ends in '$', which zc.buildout may fill in.")
        if not may_be_multiline and value.splitlines() not in ([], [value]):
            raise self.fail(
                f"the parameter {key!r} has several lines, and the release takes one "
                "(its profile may allow more: multiline)."
            )


def _connection(buildout: Sections) -> Options:
    return buildout["slap-connection"]


def _client(buildout: Sections) -> Any:
    from pelagos.slap.client import SlapClient  # noqa: PLC0415 - it costs time

    return SlapClient(_connection(buildout)["server-url"], timeout=30.0)


def _fetch_parameters(buildout: Sections) -> Mapping[str, str]:
    told = _connection(buildout)
    partition = _asked(
        lambda: _client(buildout).fetch_partition(told["computer-id"], told["partition-id"])
    )
    return {
        str(key): "" if value is None else str(value)
        for key, value in partition.parameters.items()
    }


def _asked(call: Callable[[], Any]) -> Any:
    """The master's answer; a failure becomes one line of the buildout's log."""
    from pelagos.core.errors import PelagosError  # noqa: PLC0415 - as above

    try:
        return call()
    except PelagosError as error:
        hint = f" {error.hint}" if error.hint else ""
        raise _user_error(
            f"The master does not answer as needed: {error.message}{hint}"
        ) from error


class FreePort(_Recipe):
    """Picks a TCP port that nobody listens on and keeps it from run to run, as the option port.

    Options: ip (default 127.0.0.1); port, when it is given and not empty, is kept instead, unless
    another partition of this computer keeps it.
    """

    allowed = ("ip", "port")

    def __init__(self, buildout: Sections, name: str, options: Options) -> None:
        super().__init__(buildout, name, options)
        wished = options.get("port", "").strip()
        options["ip"] = ip = options.get("ip", "").strip() or "127.0.0.1"
        kept = self.folder / "var" / "port" / self.name
        with _alone(self.folder.parent):
            port = self._take(self.port_of(wished, "port"), ip) if wished else _port_in(kept)
            port = port or self._pick(ip, kept)
            kept.parent.mkdir(parents=True, exist_ok=True)
            _write(kept, f"{port} {ip}\n", 0o640)
        options["port"] = str(port)

    def _take(self, port: int, ip: str) -> int:
        """A wished port, unless a neighbour keeps it, whether or not that runs now."""
        for neighbour, its_port, its_ip in _ports_of_neighbours(self.folder):
            if port == its_port and (ip == its_ip or {ip, its_ip} & _EVERY_IP):
                raise self.fail(f"port {port} is taken: the partition {neighbour} keeps it.")
        return port

    def _pick(self, ip: str, kept: Path) -> int:
        """The first free port from one that depends on the place: neighbours do not meet."""
        taken = {port for _, port, _ in _ports_of_neighbours(self.folder)}
        taken |= {port for path in kept.parent.glob("*") if (port := _port_in(path))}
        span = _LAST_PORT - _FIRST_PORT
        start = int.from_bytes(hashlib.sha256(os.fsencode(kept)).digest()[:4], "big") % span
        for step in range(span):
            port = _FIRST_PORT + (start + step) % span
            if port not in taken and _is_free(ip, port):
                return port
        raise self.fail(f"no free port between {_FIRST_PORT} and {_LAST_PORT} on {ip}.")


def _port_in(kept: Path) -> int | None:
    """The port that was kept in a file; None when there is none."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(kept.read_text("ascii").split()[0])
    return None


def _ports_of_neighbours(folder: Path) -> Iterator[tuple[str, int, str]]:
    """Partition, port and address of what the other partitions of this computer keep."""
    for kept in folder.parent.glob("*/var/port/*"):
        neighbour = kept.relative_to(folder.parent).parts[0]
        with contextlib.suppress(OSError, ValueError, IndexError):
            port, *ip = kept.read_text("ascii").split()
            if neighbour != folder.name:
                yield neighbour, int(port), ip[0] if ip else "127.0.0.1"


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let no neighbour choose a port at the same time."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _is_free(ip: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((ip, port))
        except OSError:
            return False
    return True


class Service(_Recipe):
    """Writes the executable of a service: `etc/service/NAME` or, run once, `etc/run/NAME`.

    Options: command: one line is split into words as a shell would; of several lines each is one
    argument as it stands. name (default: the part's name); once (true: run once); environment,
    lines `NAME = value`; folder (working directory); restart-on, files whose change restarts the
    service.
    """

    allowed = ("command", "environment", "folder", "name", "once", "restart-on")
    required = ("command",)

    def __init__(self, buildout: Sections, name: str, options: Options) -> None:
        super().__init__(buildout, name, options)
        kind = "run" if self.flag("once", default=False) else "service"
        self.path = self.folder / "etc" / kind / self.file_name()
        self.arguments = self._words()
        self.environment = self.pairs("environment")

    def _words(self) -> list[str]:
        lines = self.lines("command")
        if len(lines) > 1:
            return lines
        try:
            return shlex.split(lines[0])
        except ValueError as error:
            raise self.fail(f"command cannot be split into words: {error}") from error

    def install(self) -> Iterable[str]:
        """Write the wrapper when it would change."""
        text = ["#!/bin/sh\n"]
        text += [f"# {_digest(Path(self.folder, p))}\n" for p in self.lines("restart-on")]
        folder = self.options.get("folder", "").strip()
        if folder:
            text.append(f"cd {shlex.quote(folder)} || exit 1\n")
        for key, value in self.environment.items():
            text.append(f"export {key}={shlex.quote(value)}\n")
        text.append(f"exec {shlex.join(self.arguments)}\n")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _write(self.path, "".join(text), 0o750)
        return (str(self.path),)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "absent"


_TCP_CHECK = """\
import socket, sys
host, port, timeout = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
try:
    socket.create_connection((host, port), timeout).close()
except OSError as error:
    sys.exit("nobody answers on %s port %d: %s" % (host, port, error))
print("%s port %d accepts connections" % (host, port))
"""

_HTTP_CHECK = """\
import socket, sys
url, host, port, timeout = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
path = "/" + url.split("://", 1)[1].partition("/")[2]
ask = "GET %s HTTP/1.0\\r\\nHost: %s\\r\\nUser-Agent: pelagos-promise\\r\\n\\r\\n"
try:
    with socket.create_connection((host, port), timeout) as connection:
        if url.startswith("https:"):
            import ssl
            context = ssl.create_default_context()
            connection = context.wrap_socket(connection, server_hostname=host)
        connection.sendall((ask % (path, url.split("/")[2])).encode())
        line = connection.makefile("rb").readline(1000).decode("latin-1").strip()
except (OSError, ValueError) as error:
    sys.exit("%s does not answer: %s" % (url, error))
words = line.split(None, 2)
status = words[1] if len(words) > 1 and words[0].startswith("HTTP/") else ""
if status[:1] not in ("2", "3"):
    sys.exit("%s answers: %s" % (url, line[:200] or "nothing"))
print("%s answers %s" % (url, status))
"""


class Promise(_Recipe):
    """Writes the executable `etc/promise/NAME` that tells whether the service is well.

    Options: exactly one of url (http or https: a 2xx or 3xx answer is wanted), address (HOST:PORT
        that accepts
    connections) and command (any: exit status 0); name (default: the part's name); timeout
    (seconds, default 5).
    """

    allowed = ("address", "command", "name", "timeout", "url")

    def __init__(self, buildout: Sections, name: str, options: Options) -> None:
        super().__init__(buildout, name, options)
        ways = [way for way in ("url", "address", "command") if options.get(way, "").strip()]
        if len(ways) != 1:
            raise self.fail("needs exactly one of the options url, address and command.")
        self.path = self.folder / "etc" / "promise" / self.file_name()
        self.arguments = getattr(self, f"_by_{ways[0]}")(options[ways[0]].strip())

    def _timeout(self) -> str:
        text = self.options.get("timeout", "5").strip()
        if not re.fullmatch(r"\d{1,3}(\.\d+)?", text) or float(text) == 0:
            raise self.fail(f"timeout is a number of seconds, not {text[:40]!r}.")
        return text

    def _by_url(self, url: str) -> list[str]:
        match = re.fullmatch(r"(https?)://(\[[0-9a-fA-F:.]+\]|[^/:\s@]+)(?::(\d+))?(/\S*)?", url)
        if match is None:
            raise self.fail(f"{url[:80]!r} is not an http or https URL without credentials.")
        port = match[3] or {"http": "80", "https": "443"}[match[1]]
        host = match[2].strip("[]")
        return self._python(_HTTP_CHECK, url, host, str(self.port_of(port, "url")))

    def _by_address(self, address: str) -> list[str]:
        host, colon, port = address.rpartition(":")
        if not colon or not host:
            raise self.fail(f"address is HOST:PORT, not {address[:80]!r}.")
        return self._python(_TCP_CHECK, host.strip("[]"), str(self.port_of(port, "address")))

    def _by_command(self, command: str) -> list[str]:
        lines = [line.strip() for line in command.splitlines() if line.strip()]
        return lines if len(lines) > 1 else shlex.split(lines[0])

    def _python(self, code: str, *arguments: str) -> list[str]:
        """Without site and environment an interpreter is up in a tenth of the time."""
        return [sys.executable, "-I", "-S", "-c", code, *arguments, self._timeout()]

    def install(self) -> Iterable[str]:
        """Write the check when it would change."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _write(self.path, f"#!/bin/sh\nexec {shlex.join(self.arguments)}\n", 0o750)
        return (str(self.path),)


class Publish(_Recipe):
    """Hands the connection parameters to whoever requested the instance.

    Options: connection, lines `name = value`.
    """

    allowed = ("connection",)
    required = ("connection",)

    def __init__(self, buildout: Sections, name: str, options: Options) -> None:
        super().__init__(buildout, name, options)
        self.connection = self.pairs("connection")

    def install(self) -> Iterable[str]:
        """Send them; a master that knows them already changes nothing."""
        told = _connection(self.buildout)
        client = _client(self.buildout)
        _asked(lambda: client.publish(told["computer-id"], told["partition-id"], self.connection))
        return ()


def _write(path: Path, text: str, mode: int) -> None:
    """Write a file in one step, and only when it would change."""
    content = text.encode()
    with contextlib.suppress(OSError):
        if path.read_bytes() == content and path.stat().st_mode & 0o777 == mode:
            return
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            os.fchmod(stream.fileno(), mode)
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise
