"""View `page`: search the directory with a browser, at `/search`.

    GET  /search?profile=…&term=…          the page, with what was found
    GET  /search/stream?profile=…&term=…   the same as server-sent events, source by source
    POST /search/login, /search/logout     a token for a session, and its end

Whoever is not logged in sees the form that asks for a token, and no name of a profile.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from functools import wraps
from importlib import resources
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Flask, Response, redirect, render_template_string, request

from pelagos.core.clock import SystemClock
from pelagos.core.fanout import Reply
from pelagos.directory.auth import acl
from pelagos.directory.errors import RequestError, TokenError, UnknownProfileError
from pelagos.directory.merge import column_values
from pelagos.directory.model import Asker, Display, SourceAnswer, SourceResult, SourceVerdict
from pelagos.directory.services.lookup import MAX_TERM_LENGTH
from pelagos.directory.settings import profile_displays
from pelagos.directory.views.answers import in_short, sees_errors, told
from pelagos.directory.views.base import BaseViewPlugin
from pelagos.directory.views.event_stream import event_stream
from pelagos.directory.views.lookup_json import MARKS_PATIENCE, Lookups
from pelagos.directory.views.page.cells import cells, summary, titles
from pelagos.directory.views.page.sessions import LIFETIME, Sessions
from pelagos.directory.views.rest import may, who_asks

BASE = "/search"
_COOKIE = "pelagos_directory"
_Pending = Iterator[Reply[Mapping[str, Any]]] | None
_RIGHT = "dird.directories.lookup.{profile}.read"
#: Rows that are shown; nobody reads more, and browsers get slow.
_MOST_ROWS = 500
#: Bytes of a form: a token and the query of a page.
_LARGEST_FORM = 64 * 1024
_FILES = {"page.css": "text/css", "page.js": "text/javascript", "page.svg": "image/svg+xml"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer browsers hide whose form it is
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class PageView(BaseViewPlugin):
    """The page; its only configuration is that of the profiles and displays."""

    def load(self, args: Mapping[str, Any]) -> None:
        """Add the routes.

        Raises:
            KeyError: the service `lookup` is not there.
        """
        app: Flask = args["http_app"]
        page = _Page(profile_displays(args["config"]), args["services"])
        for rule, handler, method in (
            (BASE, page.show, "GET"),
            (f"{BASE}/stream", page.stream, "GET"),
            (f"{BASE}/login", page.login, "POST"),
            (f"{BASE}/logout", page.logout, "POST"),
            (f"{BASE}/<any({','.join(map(repr, _FILES))}):name>", _file, "GET"),
            ("/", _to_page, "GET"),
        ):
            app.add_url_rule(rule, f"page {rule}", _guarded(handler), methods=[method])


class _Page:
    """The handlers, and what they share."""

    def __init__(self, displays: Mapping[str, Display], services: Mapping[str, Any]) -> None:
        self._displays = displays
        self._lookups = Lookups(displays, services["lookup"], services.get("favorites"))
        self._sessions = Sessions(SystemClock())
        self._template = _read("page.html").decode()

    def show(self) -> Response:
        """The page; with a term, what was found."""
        asker = self._asker()
        if asker is None:
            return self._form_of_login()
        profiles = self._profiles(asker)
        profile = request.args.get("profile") or next(iter(profiles), "")
        term = request.args.get("term")
        known: dict[str, Any] = {
            "person": _name(asker), "profiles": profiles, "profile": profile, "term": term,
        }  # fmt: skip
        if term is None and profile:
            return self._page(**known)
        try:
            display = self._display(asker, profile)
            pending = self._lookups.favorites_of(profile, asker)
            answer = self._lookups.service.lookup(term or "", profile, asker)
        except RequestError as error:
            return self._page(**known, status=error.status, problem=str(error))
        favorites = _known(pending)
        shown = answer.results[:_MOST_ROWS]
        verdicts = [(v.name, v.has_answered) for v in answer.sources]
        return self._page(
            **known,
            titles=titles(display),
            rows=[_row(result, display, favorites) for result in shown],
            said=summary(len(answer.results), verdicts),
            away=[_away(v) for v in told(answer.sources, asker) if not v.has_answered],
            more=_more(len(answer.results)),
        )

    def stream(self) -> Response:
        """What was found, source by source."""
        asker = self._asker()
        if asker is None:
            raise TokenError(["log in first"])
        profile = request.args.get("profile", "")
        display = self._display(asker, profile)
        term = request.args.get("term", "")
        parts = self._lookups.service.stream(term, profile, asker)
        pending = self._lookups.favorites_of(profile, asker, MARKS_PATIENCE)
        return event_stream(_events(parts, display, pending, is_short=not sees_errors(asker)))

    def login(self) -> Response:
        """A session for a token."""
        _own_form()
        query = request.form.get("next", "")
        try:
            token = request.form.get("token", "").strip()
            who_asks(token)
        except RequestError as error:
            return self._form_of_login(error.status, str(error), query)
        self._sessions.end(request.cookies.get(_COOKIE, ""))
        answer = _to_page(query)
        answer.set_cookie(
            _COOKIE,
            self._sessions.open(token),
            max_age=int(LIFETIME),
            path=_base(),
            secure=request.is_secure,
            httponly=True,
            samesite="Strict",
        )
        return answer

    def logout(self) -> Response:
        """The end of the session."""
        _own_form()
        self._sessions.end(request.cookies.get(_COOKIE, ""))
        answer = _to_page()
        answer.delete_cookie(_COOKIE, path=_base(), httponly=True, samesite="Strict")
        return answer

    def _asker(self) -> Asker | None:
        """Who has logged in, None when nobody has, or the token is not valid any more.

        Raises:
            RequestError: tokens cannot be verified now.
        """
        key = request.cookies.get(_COOKIE, "")
        token = self._sessions.token(key)
        if token is None:
            return None
        try:
            return who_asks(token)
        except TokenError:
            self._sessions.end(key)
            return None

    def _profiles(self, asker: Asker) -> list[str]:
        return [p for p in self._displays if may(asker, acl.fill(_RIGHT, {"profile": p}))]

    def _display(self, asker: Asker, profile: str) -> Display:
        if profile not in self._displays:
            raise UnknownProfileError(
                [
                    f"there is no profile {profile}"
                    if profile
                    else "there is no profile that you may use"
                ]
            )
        if profile not in self._profiles(asker):
            raise RequestError([f"you may not use the profile {profile}"], status=403)
        return self._displays[profile]

    def _form_of_login(self, status: int = 200, problem: str = "", query: str = "") -> Response:
        return self._page(
            status=status, problem=problem, next=query or request.query_string.decode()
        )

    def _page(self, *, status: int = 200, **values: Any) -> Response:
        nothing = {"person": "", "term": None, "rows": (), "titles": (), "away": (), "said": ""}
        html = render_template_string(
            self._template, **{**nothing, "base": _base(), "longest": MAX_TERM_LENGTH, **values}
        )
        return Response(html, status, mimetype="text/html")


def _guarded(handler: Callable[..., Any]) -> Callable[..., Response]:
    """The handler with the headers of the page, and with its refusals as plain text."""

    @wraps(handler)
    def handle(**values: Any) -> Response:
        try:
            answer: Response = handler(**values)
        except RequestError as error:
            answer = Response(f"{error}\n", error.status, mimetype="text/plain")
        for name, value in _HEADERS.items():
            answer.headers.setdefault(name, value)
        return answer

    return handle


def _file(name: str) -> Response:
    return Response(_read(name), mimetype=_FILES[name], headers={"Cache-Control": "no-cache"})


def _to_page(query: str = "") -> Response:
    """The way to the page; of a query that a form brought, only what the page itself asks for."""
    known = [(key, value) for key, value in parse_qsl(query) if key in {"profile", "term"}]
    where = f"{_base()}?{urlencode(known)}" if known else _base()
    answer = redirect(where, 303, Response)
    assert isinstance(answer, Response)  # noqa: S101  # as was just asked for
    return answer


def _base() -> str:
    return f"{request.script_root}{BASE}"


def _own_form() -> None:
    """Pass, when the form that was sent is ours: no other site may log people in or out.

    Raises:
        RequestError: another site sent it.
    """
    request.max_content_length = _LARGEST_FORM  # anybody may send one, and reading takes time
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site:
        is_own = site in {"same-origin", "none"}
    else:
        is_own = origin is None or origin.partition("://")[2] == request.host
    if not is_own:
        raise RequestError(["this form was sent by another site"], status=403)


def _events(
    parts: Iterator[SourceAnswer], display: Display, pending: _Pending, *, is_short: bool
) -> Generator[tuple[str, Any], None, None]:
    """The answers of the sources, as they come."""
    yield "headers", {"titles": titles(display)}
    favorites = None
    found = 0
    verdicts: list[tuple[str, bool]] = []
    for part in parts:
        if favorites is None:  # not before the sources have been asked
            favorites = _known(pending)
        shown = part.results[: max(0, _MOST_ROWS - found)]
        found += len(part.results)
        verdicts.append((part.verdict.name, part.verdict.has_answered))
        rows = [_row(result, display, favorites) for result in shown]
        verdict = in_short(part.verdict) if is_short else part.verdict
        away = "" if verdict.has_answered else _away(verdict)
        yield "source", {"rows": rows, "away": away}
    said, more = summary(found, verdicts), _more(found)
    yield "end", {"said": f"{said}. {more}" if more else said}


def _known(pending: _Pending) -> Mapping[str, Any]:
    """The ids of the favourites by source; none when they cannot be told in time."""
    reply = next(pending, None) if pending is not None else None
    return (reply.value if reply is not None else None) or {}


def _row(result: SourceResult, display: Display, favorites: Mapping[str, Any]) -> dict[str, Any]:
    values = column_values(result, display, favorites)
    return {"cells": cells(values, display.types), "source": result.source}


def _away(verdict: SourceVerdict) -> str:
    reason = f": {verdict.error}" if verdict.error else ""
    return f"{verdict.name}: {verdict.verdict}{reason}"


def _more(found: int) -> str:
    if found <= _MOST_ROWS:
        return ""
    return f"The first {_MOST_ROWS} are shown; search for more letters to see the others."


def _name(asker: Asker) -> str:
    return str(asker.token_infos.get("auth_id") or "you")


def _read(name: str) -> bytes:
    return (resources.files(__package__) / name).read_bytes()
