"""The page of the directory in a real browser, with and without JavaScript."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest

from pelagos.core.clock import ManualClock
from pelagos.core.errors import PelagosError
from pelagos.core.web import Server
from pelagos.directory import Directory
from pelagos.directory.views.page import sessions as module
from pelagos.directory.views.page.sessions import Sessions
from support.browser import ENTER, Browser, browser, driver
from support.directory import BACKENDS, Hung, Raising, Rows, config, offer
from support.require import Require

pytestmark = pytest.mark.integration

EVIL = '<img src=x onerror="document.title=1">'


class Slow(Rows):
    """Answers when it is told to."""

    go = threading.Event()

    def search(self, term: str, _args: Any = None) -> list[dict[str, Any]]:
        self.go.wait(60)
        return super().search(term)


@pytest.fixture(scope="module")
def driver_url(require: Require) -> Iterator[str]:
    with driver(require) as url:
        yield url


@pytest.fixture
def with_script(driver_url: str, require: Require) -> Iterator[Browser]:
    with browser(driver_url, require) as window:
        yield window


@pytest.fixture
def without_script(driver_url: str, require: Require) -> Iterator[Browser]:
    with browser(driver_url, require, javascript=False) as window:
        yield window


def settings() -> dict[str, Any]:
    rows = [
        {"name": "Céline", "tel": "+44(0)20 7946", "mail": "c@example.org", "id": "1"},
        {
            "name": EVIL,
            "tel": None,
            "mail": "javascript:alert(1)",
            "id": "2",
            "web": "javascript:alert(1)",
        },
    ]
    whole = config(
        {
            "staff": {"type": "rows", "rows": rows, "unique_column": "id"},
            "late": {"type": "slow", "rows": [{"name": "Célestin"}]},
            "crm": {"type": "raising"},
        },
        timeout=60,
    )
    whole["views"]["displays"]["people"] = [
        {"title": "Name", "field": "name", "type": "name"},
        {"title": "Phone", "field": "tel", "type": "number"},
        {"title": "Mail", "field": "mail", "type": "email"},
        {"title": "Web", "field": "web", "type": "url"},
    ]
    whole["services"]["lookup"]["small"] = {"sources": ["staff"]}
    whole["views"]["profile_to_display"] |= {"small": "people", "secret": "people"}
    return whole


def verify(token: str) -> Mapping[str, Any] | None:
    infos = {"auth_id": "ann", "xivo_user_uuid": "ann"}
    if token == "s3cret":
        return infos
    if token == "some":
        return {**infos, "acls": ["dird.directories.lookup.small.read"]}
    if token == "away":
        raise PelagosError("the master does not answer")
    return None


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    class Waiting(Slow):
        go = threading.Event()

    offer(monkeypatch, BACKENDS, rows=Rows, slow=Waiting, raising=Raising)
    with Directory(settings(), verify=verify) as directory:
        server = Server(directory.app)
        server.start()
        try:
            yield server.url
        finally:
            Waiting.go.set()
            server.stop()


@pytest.fixture
def go(site: str) -> threading.Event:
    """Lets the slow source answer."""
    del site
    return next(one for one in Slow.__subclasses__()[-1:]).go


def log_in(window: Browser, site: str, token: str = "s3cret") -> None:
    window.open(site)
    field = window.one("#token")
    field.clear()
    field.type(token + ENTER)


def rows(window: Browser) -> list[str]:
    return [line.text for line in window.all("#results tbody tr")]


def search(window: Browser, term: str) -> None:
    field = window.one("#term")
    field.clear()
    field.type(term + ENTER)


# ---- with a browser


def test_results_arrive_as_the_sources_answer(
    with_script: Browser, site: str, go: threading.Event
) -> None:
    window = with_script
    log_in(window, site)
    window.one("#term")
    search(window, "C")
    window.until(lambda: rows(window), what="the row of the fast source")
    assert rows(window) == ["Céline +44(0)20 7946 c@example.org staff"]
    assert window.one("#said").text == "searching…"
    go.set()
    window.until(lambda: len(rows(window)) == 2, what="the row of the slow source")
    assert rows(window)[1].split() == ["Célestin", "late"]
    said = window.until(lambda: "2 results" in (s := window.one("#said").text) and s)
    assert said == "2 results; 2 of 3 sources answered, without: crm"
    [problem] = [item.text for item in window.all("#sources li")]
    assert problem.startswith("crm: failed: ") and "s3cret" not in problem
    assert window.url.endswith("/search?term=C&profile=default")
    assert [a.attribute("href") for a in window.all("#results a")] == [
        "tel:+44207946", "mailto:c@example.org",
    ]  # fmt: skip
    assert window.complaints() == []


def test_the_page_works_without_javascript(
    without_script: Browser, site: str, go: threading.Event
) -> None:
    go.set()
    window = without_script
    log_in(window, site)
    search(window, "C")
    said = window.until(lambda: "result" in (s := window.one("#said").text) and s)
    assert said == "2 results; 2 of 3 sources answered, without: crm"
    assert rows(window) == ["Céline +44(0)20 7946 c@example.org staff", "Célestin late"]
    assert window.one("#sources li").text.startswith("crm: failed")
    window.one("header button").click()
    window.one("#token")
    window.open(f"{site}/search?term=C")
    assert window.one("#token") and not rows(window)


@pytest.mark.parametrize("kind", ["with_script", "without_script"])
def test_what_a_source_writes_is_text_and_never_markup(
    kind: str, request: pytest.FixtureRequest, site: str
) -> None:
    window: Browser = request.getfixturevalue(kind)
    log_in(window, f"{site}/search?profile=small&term=img")
    window.until(lambda: rows(window), what="rows")
    assert EVIL in rows(window)[0]
    search(window, "<img")
    window.until(lambda: "1 result" in window.one("#said").text)
    assert EVIL in rows(window)[0]
    assert window.all("#results img") == [] and window.all("#results a") == []
    assert window.title == "<img - Directory"
    assert window.complaints() == []


def test_a_screen_reader_finds_its_way(with_script: Browser, site: str) -> None:
    window = with_script
    window.open(site)
    token = window.one("#token")
    assert (token.label, window.active().attribute("id")) == ("Your token", "token")
    assert window.one("html").attribute("lang") == "en"
    log_in(window, f"{site}/search?profile=small&term=C")
    term = window.one("#term")
    assert (term.role, term.label) == ("searchbox", "Name, number or anything else")
    assert window.one("#profile").label == "Profile"
    assert window.one("#search").role == "search"
    assert window.one("#said").role == "status"
    assert window.one(".wide").role == "region" and window.one(".wide").label == "Results"
    assert {head.role for head in window.all("th")} == {"columnheader"}
    assert [button.label for button in window.all("button")] == ["Log out", "Search"]
    names = [landmark.role for landmark in window.all("header, main")]
    assert names == ["banner", "main"]
    assert window.run("return document.documentElement.scrollWidth <= innerWidth")


def test_nothing_comes_from_elsewhere_and_nothing_foreign_would_run(
    with_script: Browser, site: str
) -> None:
    window = with_script
    log_in(window, site)
    window.one("#term")
    loaded = window.run("return performance.getEntriesByType('resource').map(e => e.name)")
    assert loaded and all(url.startswith(f"{site}/search/") for url in loaded), loaded
    window.run("const s = document.createElement('script'); s.textContent = 'window.x = 1';"
               "document.head.append(s)")  # fmt: skip
    assert window.run("return window.x === undefined")
    assert any("Content Security Policy" in line for line in window.complaints())


def test_a_browser_keeps_no_token(with_script: Browser, site: str) -> None:
    window = with_script
    log_in(window, site)
    window.one("#term")
    [cookie] = window.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and cookie["path"] == "/search"
    assert "s3cret" not in str(cookie)
    assert window.run("return document.cookie + localStorage.length") == "0"


def test_a_session_that_ended_asks_for_the_token_and_goes_on_where_one_was(
    with_script: Browser, site: str
) -> None:
    window = with_script
    log_in(window, f"{site}/search?profile=small")
    window.one("#term")
    window.do("DELETE", "cookie")
    search(window, "C")
    window.one("#token").type("s3cret" + ENTER)
    window.until(lambda: rows(window), what="what was searched for before")
    assert rows(window) == ["Céline +44(0)20 7946 c@example.org staff"]


def test_back_shows_what_was_there(with_script: Browser, site: str) -> None:
    window = with_script
    log_in(window, f"{site}/search?profile=small&term=C")
    window.until(lambda: rows(window))
    search(window, "nobody")
    window.until(lambda: "no results" in window.one("#said").text)
    window.do("POST", "back", {})
    window.until(lambda: rows(window) and "1 result" in window.one("#said").text)
    assert window.one("#term").attribute("value") == "C"


# ---- without one


class Visitor:
    """Speaks HTTP by hand, and keeps cookies."""

    def __init__(self, site: str) -> None:
        self.netloc = urlsplit(site).netloc
        self.cookie = ""

    def ask(
        self, method: str, path: str, form: Mapping[str, str] | None = None, **headers: str
    ) -> tuple[int, dict[str, str], str]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        body = None
        if form is not None:
            body = urlencode(form)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        if self.cookie:
            sent["Cookie"] = self.cookie
        with contextlib.closing(http.client.HTTPConnection(self.netloc, timeout=60)) as link:
            link.request(method, path, body, sent)
            answer = link.getresponse()
            text = answer.read().decode()
        found = dict(answer.getheaders())
        if "Set-Cookie" in found:
            self.cookie = found["Set-Cookie"].partition(";")[0]
        return answer.status, found, text

    def log_in(self, token: str = "s3cret", **more: str) -> tuple[int, dict[str, str], str]:
        return self.ask("POST", "/search/login", {"token": token, **more})


@pytest.fixture
def visitor(site: str) -> Visitor:
    return Visitor(site)


def test_every_answer_has_the_strict_headers(visitor: Visitor) -> None:
    for path in ("/", "/search", "/search/stream", "/search/page.js", "/search/page.css"):
        _, headers, _ = visitor.ask("GET", path)
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none';") and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert visitor.ask("GET", "/search")[1]["Cache-Control"] == "no-store"


def test_who_is_not_logged_in_learns_nothing(visitor: Visitor) -> None:
    status, _, text = visitor.ask("GET", "/search?term=C&profile=secret")
    assert status == 200 and "Your token" in text
    assert "small" not in text and "Céline" not in text
    assert visitor.ask("GET", "/search/stream?term=C&profile=default")[0] == 401


@pytest.mark.parametrize(
    ("token", "status", "said"),
    [("wrong", 401, "not valid"), ("", 401, "no token"), ("away", 503, "cannot be verified"),
     ("tök€n", 401, "not valid"), ("a\r\nb", 401, "not valid")],
)  # fmt: skip
def test_a_token_that_is_no_good_opens_nothing(
    visitor: Visitor, token: str, status: int, said: str
) -> None:
    found, headers, text = visitor.log_in(token)
    assert (found, "Set-Cookie" in headers) == (status, False)
    assert said in text and (not token or token not in text)


def test_a_form_of_another_site_is_refused(visitor: Visitor, site: str) -> None:
    foreign: list[dict[str, str]] = [
        {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example"}, {"Origin": "null"},
    ]  # fmt: skip
    for headers in foreign:
        status, found, _ = visitor.ask("POST", "/search/login", {"token": "s3cret"}, **headers)
        assert (status, "Set-Cookie" in found) == (403, False), headers
    own = {"Origin": site, "Sec_Fetch_Site": "same-origin"}
    assert visitor.ask("POST", "/search/login", {"token": "s3cret"}, **own)[0] == 303


@pytest.mark.parametrize(
    "origin", ["null", "http://[::1", "", "://", "http://", "\xff", "x" * 999]
)
def test_a_form_of_nowhere_is_refused(visitor: Visitor, origin: str) -> None:
    status, _, _ = visitor.ask("POST", "/search/login", {"token": "s3cret"}, Origin=origin)
    assert status == 403 and not visitor.cookie


def test_a_form_that_takes_time_to_read_is_refused_unread(visitor: Visitor) -> None:
    form = {"token": "s3cret", **{f"a{number}": "" for number in range(40_000)}}
    status, _, _ = visitor.ask("POST", "/search/login", form)
    assert status == 413 and not visitor.cookie


def test_the_next_page_is_always_ours(visitor: Visitor) -> None:
    for evil in ("//evil.example", "https://evil.example", "\r\nSet-Cookie: a=b", "term=C#x"):
        _, headers, _ = visitor.log_in(next=evil)
        assert headers["Location"] in {"/search", "/search?term=C%23x"}, evil
        assert "a=b" not in headers.get("Set-Cookie", "")


def test_rights_hold_on_the_page_too(visitor: Visitor) -> None:
    visitor.log_in("some")
    _, _, text = visitor.ask("GET", "/search?profile=small&term=C")
    assert "Céline" in text and "secret" not in text
    for path in ("/search?profile=default&term=C", "/search/stream?profile=default&term=C"):
        status, _, text = visitor.ask("GET", path)
        assert status == 403 and "Céline" not in text
    assert visitor.ask("GET", "/search/stream?profile=nope&term=C")[0] == 404


def test_a_bad_term_is_refused_in_words(visitor: Visitor) -> None:
    visitor.log_in()
    for term in ("x" * 300, "\x00", "a\x1b[31m"):
        for path in ("/search", "/search/stream"):
            status, _, text = visitor.ask("GET", f"{path}?profile=small&term={quote(term)}")
            assert status == 400 and "the term" in text, (path, term)


def test_logging_out_ends_the_session_everywhere(visitor: Visitor) -> None:
    visitor.log_in()
    kept = visitor.cookie
    assert "Céline" in visitor.ask("GET", "/search?profile=small&term=C")[2]
    visitor.ask("POST", "/search/logout", {})
    visitor.cookie = kept
    assert "Your token" in visitor.ask("GET", "/search?profile=small&term=C")[2]
    for cookie in ("pelagos_directory=", "pelagos_directory=s3cret", "pelagos_directory=é\x7f"):
        visitor.cookie = cookie
        assert "Your token" in visitor.ask("GET", "/search")[2]


def test_sessions_end_with_their_time_and_with_their_number() -> None:
    clock = ManualClock()
    sessions = Sessions(clock)
    first = sessions.open("a")
    assert sessions.token(first) == "a"
    clock.advance(module.LIFETIME)
    assert sessions.token(first) is None
    keys = [sessions.open(str(number)) for number in range(module._MOST + 1)]
    assert sessions.token(keys[0]) is None and sessions.token(keys[-1]) == str(module._MOST)


def test_nobody_logs_others_out_by_logging_in_again_and_again() -> None:
    sessions = Sessions(ManualClock())
    other = sessions.open("another's")
    keys = [sessions.open("mine") for _ in range(module._MOST + 5)]
    assert sessions.token(other) == "another's"
    live = [key for key in keys if sessions.token(key) == "mine"]
    assert live == keys[-module._MOST_OF_ONE :]


def test_logging_in_again_ends_the_session_before_and_makes_a_new_one(visitor: Visitor) -> None:
    visitor.log_in()
    first = visitor.cookie
    visitor.log_in("some")
    assert visitor.cookie != first
    visitor.cookie = first
    assert "Your token" in visitor.ask("GET", "/search")[2]
    visitor.cookie = "pelagos_directory=chosen-by-somebody-else"
    visitor.log_in()
    assert "chosen" not in visitor.cookie


def test_a_whole_file_is_not_for_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, BACKENDS, rows=Rows, hung=Hung)
    many = [{"name": f"Contact {number}"} for number in range(700)]
    whole = config({"staff": {"type": "rows", "rows": many}})
    with Directory(whole, verify=verify) as directory:
        client = directory.app.test_client()
        client.post("/search/login", data={"token": "s3cret"})
        page = client.get("/search?profile=default&term=").text
        assert page.count("<tr>") == 501 and "700 results" in page and "first 500" in page
        stream = client.get("/search/stream?profile=default&term=").text
        assert stream.count('"source":"staff"') == 500 and "700 results" in stream
