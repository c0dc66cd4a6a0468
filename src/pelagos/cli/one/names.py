"""Names of things of an OpenNebula for completion, when it answers at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pelagos.core.errors import PelagosError

#: More would be no help to who types.
_MOST = 200


def names(
    resource: str, words: Sequence[str], environ: Mapping[str, str], timeout: float
) -> Iterator[tuple[str, str]]:
    """Names and what they are; nothing when something fails.

    Args:
        resource: of the calls: "vn".
        words: those of the line, with its options.
        timeout: seconds.
    """
    from pelagos.cli.main import said
    from pelagos.core.clock import SystemClock
    from pelagos.core.http.transports.lean import LeanTransport
    from pelagos.one import OneServer

    auth = said(words, "--auth")
    found_by = {**environ, "ONE_AUTH": auth} if auth else dict(environ)
    clock = SystemClock()
    end = clock.monotonic() + timeout
    try:
        with OneServer(
            said(words, "--endpoint"),
            timeout=timeout,
            retries=0,
            environment=found_by,
            transport=LeanTransport(),
        ) as one:
            for count, thing in enumerate(getattr(one, f"{resource}pool").iter(page=_MOST)):
                if count >= _MOST or clock.monotonic() > end:
                    return
                yield str(thing.NAME), f"{thing.ID}"
    except (PelagosError, OSError):
        return
