"""`pyone.tester`: answers recorded and played again, set up by the environment if need be.

Recordings of pyone itself cannot be played: they hold pickles, which run code when they are read.
Record them anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pelagos.compat.pyone.answers import kind_of
from pelagos.compat.pyone.client import check_protocol
from pelagos.one.tester import OneServerTester as _OneServerTester

__all__ = ["OneServerTester", "is_wanted"]

_PREFIX = "PYONE_TEST_FIXTURE"
_NO = {"false", "no", "0"}


class OneServerTester(_OneServerTester):
    """A server that records or plays; what is not given is taken from the environment.

    Args:
        fixture_file: default PYONE_TEST_FIXTURE_FILE.
        fixture_unit: default PYONE_TEST_FIXTURE_UNIT, else "init".
        fixture_replay: default PYONE_TEST_FIXTURE_REPLAY, else True: played.
        protocol: "xml-rpc"; no other one is spoken.
    """

    drops_surplus = True

    def __init__(
        self,
        uri: str | None = None,
        session: str | None = None,
        fixture_file: str | Path | None = None,
        fixture_unit: str | None = None,
        timeout: float | None = None,
        fixture_replay: bool | None = None,
        protocol: str | None = None,
        **options: Any,
    ) -> None:
        check_protocol(protocol)
        told = os.environ.get(f"{_PREFIX}_REPLAY", "True").lower() not in _NO
        super().__init__(
            uri,
            session,
            fixture_file or os.environ.get(f"{_PREFIX}_FILE", "one_fixture.json.gz"),
            fixture_unit or os.environ.get(f"{_PREFIX}_UNIT", "init"),
            timeout,
            fixture_replay=told if fixture_replay is None else fixture_replay,
            **{"types": kind_of, **options},
        )

    def server_retry_interval(self) -> float:
        """Seconds between two looks at what changes: what is played need not be waited for."""
        return 0.01


def is_wanted() -> bool:
    """Whether the environment says that every server is to be such a one."""
    return os.environ.get(_PREFIX, "").lower() not in {"", *_NO}
