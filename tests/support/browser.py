"""A real Chromium, steered over W3C WebDriver: plain HTTP to a chromedriver of one's own."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from support.require import Require

T = TypeVar("T")

#: The key under which WebDriver names an element (W3C WebDriver, 12.2).
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_STARTED = re.compile(r"started successfully on port (\d+)")
_PATIENCE = 60.0
ENTER = "\ue007"
TAB = "\ue004"


class BrowserError(Exception):
    """What the driver says that went wrong."""


class Element:
    """An element of the page that is shown."""

    def __init__(self, browser: Browser, reference: str) -> None:
        self._browser = browser
        self.reference = reference

    @property
    def text(self) -> str:
        """What a person reads of it."""
        return self._do("GET", "text")

    def attribute(self, name: str) -> str | None:
        return self._do("GET", f"attribute/{name}")

    @property
    def role(self) -> str:
        """What a screen reader takes it for."""
        return self._do("GET", "computedrole")

    @property
    def label(self) -> str:
        """What a screen reader calls it."""
        return self._do("GET", "computedlabel")

    def click(self) -> None:
        self._do("POST", "click", {})

    def type(self, text: str) -> None:
        self._do("POST", "value", {"text": text})

    def clear(self) -> None:
        self._do("POST", "clear", {})

    def _do(self, method: str, path: str, body: Any = None) -> Any:
        return self._browser.do(method, f"element/{self.reference}/{path}", body)


class Browser:
    """One window. `do` is one command of the protocol, below the session."""

    def __init__(self, driver_url: str, options: dict[str, Any]) -> None:
        self._driver = driver_url
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        made = self._send("POST", "session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"session/{made['sessionId']}"

    def do(self, method: str, path: str, body: Any = None) -> Any:
        return self._send(method, f"{self._session}/{path}", body)

    def open(self, url: str) -> None:
        self.do("POST", "url", {"url": url})

    @property
    def url(self) -> str:
        return str(self.do("GET", "url"))

    @property
    def title(self) -> str:
        return str(self.do("GET", "title"))

    def all(self, css: str) -> list[Element]:
        found = self.do("POST", "elements", {"using": "css selector", "value": css})
        return [Element(self, one[_ELEMENT]) for one in found]

    def one(self, css: str) -> Element:
        """The only element that fits; waits for it."""
        return self.until(lambda: self.all(css), what=css)[0]

    def active(self) -> Element:
        """The element that has the focus."""
        return Element(self, self.do("GET", "element/active")[_ELEMENT])

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns; also where the page itself may run none."""
        return self.do("POST", "execute/sync", {"script": script, "args": list(arguments)})

    def cookies(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.do("GET", "cookie")
        return found

    def complaints(self) -> list[str]:
        """What the console was told since the last call: errors, violations of the policy."""
        return [entry["message"] for entry in self.do("POST", "se/log", {"type": "browser"})]

    def until(self, look: Callable[[], T], *, what: str = "", within: float = _PATIENCE) -> T:
        """The first true value of `look`; what went away meanwhile is looked for again."""
        end = time.monotonic() + within
        while True:
            value: Any = None
            with contextlib.suppress(BrowserError):
                value = look()
            if value:
                return value
            assert time.monotonic() < end, f"still not there: {what or value!r}; {self.text}"
            time.sleep(0.02)

    @property
    def text(self) -> str:
        """All that a person reads."""
        return "\n".join(element.text for element in self.all("body"))

    def close(self) -> None:
        with contextlib.suppress(BrowserError, OSError):
            self._send("DELETE", self._session)

    def _send(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self._driver}/{path}", data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            with error:
                value = json.load(error)["value"]
            raise BrowserError(f"{value['error']}: {value['message']}") from None


@contextlib.contextmanager
def driver(require: Require) -> Iterator[str]:
    """A chromedriver, its browsers and their files; all gone in the end."""
    require.program("chromium", package="chromium")
    program = require.program("chromedriver", package="chromium-driver")
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "driver.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program, "--port=0"], stdout=output, stderr=output, start_new_session=True
            )
        try:
            yield f"http://127.0.0.1:{_port(process, log)}"
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _port(process: subprocess.Popen[bytes], log: Path) -> str:
    waiting = threading.Event()
    end = time.monotonic() + _PATIENCE
    while (found := _STARTED.search(log.read_text(errors="replace"))) is None:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        waiting.wait(0.02)
    return found[1]


@contextlib.contextmanager
def browser(
    driver_url: str, require: Require, *, javascript: bool = True, language: str = "en"
) -> Iterator[Browser]:
    """A browser without a screen and without a past."""
    with tempfile.TemporaryDirectory(prefix="profile-", ignore_cleanup_errors=True) as folder:
        options: dict[str, Any] = {
            "binary": require.program("chromium", package="chromium"),
            "args": [
                "--headless=new",
                "--no-sandbox",  # tests run as root in containers
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--no-proxy-server",
                f"--user-data-dir={folder}",
                f"--lang={language}",
            ],
        }
        if not javascript:
            off = {"profile.managed_default_content_settings.javascript": 2}
            options["prefs"] = off
        window = Browser(driver_url, options)
        try:
            yield window
        finally:
            window.close()
