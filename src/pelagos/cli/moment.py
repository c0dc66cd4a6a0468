"""Points and lengths of time, worded for a person."""

from __future__ import annotations

import time

_HALF_A_DAY = 43200.0
_STEPS = ((60.0, 1.0, "s"), (3600.0, 60.0, "min"), (86400.0, 3600.0, "h"))


def length(seconds: float) -> str:
    """A length of time in its largest fitting unit.

    >>> length(7.9), length(190), length(7300), length(200000)
    ('7 s', '3 min', '2 h', '2 days')
    """
    for limit, unit, name in _STEPS:
        if seconds < limit:
            return f"{int(seconds // unit)} {name}"
    days = int(seconds // 86400)
    return "1 day" if days == 1 else f"{days} days"


def ago(at: float, now: float) -> str:
    """How long something is past: "3 min ago"; "just now" below a second, or in the future."""
    return f"{length(now - at)} ago" if now - at >= 1 else "just now"


def local(at: float) -> str:
    """A point in time as the clock on the wall shows it: "2026-07-14 09:30:12"."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def short(at: float, now: float) -> str:
    """A point in time in few characters: "09:30:12" in the last 12 hours, else with its date."""
    moment = time.localtime(at)
    return time.strftime("%H:%M:%S" if 0 <= now - at < _HALF_A_DAY else "%Y-%m-%d %H:%M", moment)


def clock_and_ago(at: float, now: float) -> str:
    """Both: "2026-07-14 09:30:12 (3 min ago)"."""
    return f"{local(at)} ({ago(at, now)})"
