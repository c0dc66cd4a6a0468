"""`recipe = pelagos:promise`: tells whether the service is well, by a program or a plugin."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from pelagos.slap.recipes.base import Options, Recipe, Sections, write_file

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


_PLUGIN = """\
import sys
sys.path[0:0] = {path!r}

{load}
extra_config_dict = {config!r}
"""
_FROM_MODULE = "from {module} import RunPromise\n"
_FROM_FILE = """\
with open({file!r}, "rb") as _stream:
    exec(compile(_stream.read(), {file!r}, "exec"))
"""
_WAYS = ("url", "address", "command", "plugin")


class Promise(Recipe):
    """Writes what tells whether the service is well: `etc/promise/NAME` or `etc/plugin/NAME.py`.

    Options: exactly one of url (http or https: a 2xx or 3xx answer is wanted), address (HOST:PORT
    that accepts connections), command (any: exit status 0) and plugin (a Python file or module
    that has the class RunPromise); name (default: the part's name); timeout (seconds, default 5).
    For a plugin also path (folders in which it finds modules, one a line) and config (lines
    `name = value` for its getConfig).
    """

    allowed = ("address", "command", "config", "name", "path", "plugin", "timeout", "url")

    def __init__(self, buildout: Sections, name: str, options: Options) -> None:
        super().__init__(buildout, name, options)
        ways = [way for way in _WAYS if options.get(way, "").strip()]
        if len(ways) != 1:
            raise self.fail("needs exactly one of the options url, address, command and plugin.")
        given = options[ways[0]].strip()
        if ways == ["plugin"]:
            self.path = self.folder / "etc" / "plugin" / f"{self.file_name()}.py"
            self.text = self._by_plugin(given)
            return
        for option in ("config", "path"):
            if options.get(option, "").strip():
                raise self.fail(f"{option} is for a plugin only.")
        self.path = self.folder / "etc" / "promise" / self.file_name()
        arguments = getattr(self, f"_by_{ways[0]}")(given)
        self.text = f"#!/bin/sh\nexec {shlex.join(arguments)}\n"

    def _by_plugin(self, plugin: str) -> str:
        if re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", plugin) and not plugin.endswith(".py"):
            load = _FROM_MODULE.format(module=plugin)
        else:
            file = Path(self.folder, plugin)
            if not file.is_file():
                raise self.fail(f"plugin: {str(file)[:200]!r} is neither a file nor a module.")
            load = _FROM_FILE.format(file=str(file))
        path = [str(Path(self.folder, line)) for line in self.lines("path")]
        return _PLUGIN.format(path=path, load=load, config=self.pairs("config"))

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
        write_file(self.path, self.text, 0o750)
        return (str(self.path),)
