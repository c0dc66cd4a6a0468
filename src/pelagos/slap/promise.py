"""Write promises in Python: checks that keep a log of what they saw and judge by it.

A file in a partition's `etc/plugin` defines a class `RunPromise`:

    from pelagos.slap.promise import GenericPromise

    class RunPromise(GenericPromise):
        def __init__(self, config):
            super().__init__(config)
            self.setPeriodicity(minute=5)

        def sense(self):
            if self.getConfig("limit") is None:
                self.logger.error("no limit was given")

Runs under the Python of the instance's release, which may know nothing else of us: standard
library only, and nothing that Python 3.7 lacks. Names and meaning are those of SlapOS'
`slapos.grid.promise.generic`, so that a promise needs another import only.
"""

from __future__ import annotations

import abc
import logging
import os
import random
import re
import time
import traceback
from collections.abc import MutableMapping
from datetime import datetime, timezone
from typing import Any, ClassVar

__all__ = ["AnomalyResult", "EmptyResult", "GenericPromise", "IPromise", "TestResult"]

#: Characters of one message.
MESSAGE_LIMIT = 5000
#: Bytes of the end of a log that are read when a result asks for the last runs.
_LOG_READ = 128 * 1024
_DATE = "%Y-%m-%d %H:%M:%S"
_FAILURES = frozenset({"ERROR", "CRITICAL"})
_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) - ([A-Z]+) - (\d+-\d+) - (.*)")
_NO = frozenset({"0", "false", "n", "no", "off"})


class BaseResult:
    """What a promise found.

    Args:
        problem: whether something is wrong.
        message: what was seen.
        date: when, in UTC; now unless told.
    """

    kind: ClassVar[str] = ""

    def __init__(
        self, problem: bool = False, message: str | None = None, date: datetime | None = None
    ) -> None:
        self._problem = bool(problem)
        self._message = "" if message is None else str(message)[:MESSAGE_LIMIT]
        self._date = date or datetime.now(timezone.utc).replace(tzinfo=None)  # noqa: UP017  # 3.7

    def hasFailed(self) -> bool:
        """Whether something is wrong."""
        return self._problem

    @property
    def message(self) -> str:
        """What was seen."""
        return self._message

    @property
    def date(self) -> datetime:
        """When, in UTC."""
        return self._date

    @classmethod
    def type(cls) -> str:
        """The kind of result, as it stands in status files."""
        return cls.kind


class TestResult(BaseResult):
    """Of `test`: whether the instance may count as started."""

    __test__ = False  # pytest takes the name for its own
    kind = "Test Result"


class AnomalyResult(BaseResult):
    """Of `anomaly`: whether a running instance is to be processed again."""

    kind = "Anomaly Result"


class EmptyResult(BaseResult):
    """The promise has nothing to say in this mode."""

    kind = "Empty Result"


class PromiseQueueResult:
    """A result and whose it is, as a promise hands it over."""

    def __init__(
        self,
        path: str | None = None,
        name: str | None = None,
        title: str | None = None,
        item: BaseResult | None = None,
        execution_time: float = 0,
    ) -> None:
        self.path = path
        self.name = name
        self.title = title
        self.item = EmptyResult() if item is None else item
        self.execution_time = execution_time


class IPromise(abc.ABC):
    """What a promise must have."""

    @abc.abstractmethod
    def sense(self) -> None:
        """Look, and log what is seen; a line of level error means that something is wrong."""

    @abc.abstractmethod
    def test(self) -> BaseResult:
        """Whether the instance may count as started; asked while it is being processed."""

    @abc.abstractmethod
    def anomaly(self) -> BaseResult:
        """Whether something went wrong since; asked while the instance runs."""


class GenericPromise(IPromise):
    """Base of promises: its configuration, its log, and results that are read from that log.

    Args:
        config: what the runner tells: name, path, partition-folder, log-folder, queue and more;
            the rest is for `getConfig`.

    Raises:
        ValueError: something that every promise needs is missing in `config`.
    """

    def __init__(self, config: MutableMapping[str, Any]) -> None:
        for needed in ("queue", "name", "path", "partition-folder"):
            if config.get(needed) is None:
                raise ValueError(f"the configuration of the promise has no {needed!r}")
        self._config = config
        self._queue: Any = config.pop("queue")
        self._name = str(config.pop("name"))
        self._path = str(config.pop("path"))
        self._partition_folder = str(config.pop("partition-folder"))
        self._log_folder: str | None = config.pop("log-folder", None)
        self._is_verbose = bool(config.pop("debug", True))
        self._title = os.path.splitext(self._name)[0]  # noqa: PTH122  # a name, not a path
        self._run_id = f"{int(time.time())}-{random.randint(100, 999)}"  # noqa: S311  # a label
        self._is_tested = self._is_anomaly_detected = True
        told = config.pop("bang-on-failure", None)
        self._may_bang = told is None or str(told).strip().lower() not in _NO
        self.setPeriodicity(config.pop("periodicity", 2))
        self._set_up_log()

    def _set_up_log(self) -> None:
        self.logger = logging.getLogger("promise." + self._name)
        self.logger.propagate = False
        for former in list(self.logger.handlers):
            self.logger.removeHandler(former)
            former.close()
        self._log_file: str | None = None
        self._lines: list[str] = []
        handler: logging.Handler = _Memory(self._lines)
        if self._log_folder is not None:
            os.makedirs(self._log_folder, exist_ok=True)  # noqa: PTH103  # as the rest: names
            self._log_file = os.path.join(self._log_folder, self._title + ".log")  # noqa: PTH118
            handler = logging.FileHandler(self._log_file, encoding="utf-8")
        form = f"%(asctime)s - %(levelname)s - {self._run_id} - %(message)s"
        handler.setFormatter(logging.Formatter(form, datefmt=_DATE))
        self.logger.setLevel(logging.DEBUG if self._is_verbose else logging.INFO)
        self.logger.addHandler(handler)

    # ---- what it is told ------------------------------------------------------------------------

    def getConfig(self, key: str, default: Any = None) -> Any:
        """A value of the configuration."""
        return self._config.get(key, default)

    def setConfig(self, key: str, value: Any) -> None:
        """Give a value of the configuration."""
        self._config[key] = value

    def getTitle(self) -> str:
        """The name without its ending."""
        return self._title

    def getName(self) -> str:
        """The name of its file."""
        return self._name

    def getPromiseFile(self) -> str:
        """The path of its file."""
        return self._path

    def getPartitionFolder(self) -> str:
        """The partition."""
        return self._partition_folder

    def getLogFolder(self) -> str | None:
        """Where the logs of promises are; None when this one keeps its log in memory."""
        return self._log_folder

    def getLogFile(self) -> str | None:
        """Its log; None when it is kept in memory."""
        return self._log_file

    # ---- when it is asked -----------------------------------------------------------------------

    def setPeriodicity(self, minute: float) -> None:
        """Ask for that many minutes between two runs while the instance is well.

        Raises:
            ValueError: it is not above zero.
        """
        if not minute > 0:
            raise ValueError(f"the periodicity is minutes above 0, not {minute!r}")
        self._periodicity = minute

    def getPeriodicity(self) -> float:
        """Minutes between two runs."""
        return self._periodicity

    def setTestLess(self) -> None:
        """Be asked for anomalies only."""
        self._is_tested = False

    def isTested(self) -> bool:
        """Whether `test` is asked."""
        return self._is_tested

    def setAnomalyLess(self) -> None:
        """Be asked while the instance is processed only."""
        self._is_anomaly_detected = False

    def isAnomalyDetected(self) -> bool:
        """Whether `anomaly` is asked."""
        return self._is_anomaly_detected

    def allowBang(self, allow: bool = True) -> None:
        """Say whether an anomaly has the instance processed again."""
        self._may_bang = allow

    def isBangAllowed(self) -> bool:
        """Whether an anomaly has the instance processed again."""
        return self._may_bang

    # ---- what it says ---------------------------------------------------------------------------

    def test(self) -> BaseResult:
        """By default: the last run has logged no error."""
        return self._test()

    def anomaly(self) -> BaseResult:
        """By default: the last run has logged no error."""
        return self._anomaly()

    def _test(
        self, result_count: int = 1, failure_amount: int = 1, latest_minute: float = 0
    ) -> TestResult:
        """Failed when so many of the last runs have failed."""
        return TestResult(*self._judged(result_count, failure_amount, latest_minute))

    def _anomaly(
        self, result_count: int = 1, failure_amount: int = 1, latest_minute: float = 0
    ) -> AnomalyResult:
        """Failed when so many of the last runs have failed."""
        return AnomalyResult(*self._judged(result_count, failure_amount, latest_minute))

    def _judged(
        self, result_count: int, failure_amount: int, latest_minute: float
    ) -> tuple[bool, str]:
        runs = self.getLastPromiseResultList(latest_minute, result_count)
        if not runs:
            return False, "No result found!"
        failed = [run for run in runs if any(line["status"] in _FAILURES for line in run)]
        shown = failed[0] if failed and len(failed) >= failure_amount else runs[0]
        if shown in failed:
            shown = [line for line in shown if line["status"] in _FAILURES]
        text = "\n".join(line["message"] for line in shown)
        return len(failed) >= failure_amount, text

    def getLastPromiseResultList(
        self, latest_minute: float = 0, result_count: int = 1, only_failure: bool = False
    ) -> list[list[dict[str, Any]]]:
        """The lines of the last runs, the newest run first.

        Args:
            latest_minute: only what was logged in so many last minutes; 0 = ever.
            result_count: how many runs at the most.
            only_failure: only lines that say of an error.

        Returns:
            For each run its lines: date (a datetime, local), status (the level) and message.
        """
        runs: dict[str, list[dict[str, Any]]] = {}
        line: dict[str, Any] | None = None
        for text in self._log_lines():
            match = _LINE.fullmatch(text)
            if match is None:
                if line is not None:
                    line["message"] += "\n" + text
                continue
            date = datetime.strptime(match[1], _DATE)  # noqa: DTZ007  # the log is in local time
            line = {"date": date, "status": match[2], "message": match[4]}
            runs.setdefault(match[3], []).append(line)
        since = time.time() - latest_minute * 60 if latest_minute else 0.0
        wanted = [
            [one for one in run if not only_failure or one["status"] in _FAILURES]
            for run in list(runs.values())[::-1]
            if run[-1]["date"].timestamp() >= since
        ]
        return wanted[:result_count]

    def _log_lines(self) -> list[str]:
        if self._log_file is None:
            return [part for line in self._lines for part in line.splitlines()]
        try:
            with open(self._log_file, "rb") as stream:  # noqa: PTH123
                start = max(0, stream.seek(0, os.SEEK_END) - _LOG_READ)
                stream.seek(start)
                text = stream.read().decode("utf-8", "replace")
        except OSError:
            return []
        lines = text.split("\n")
        return lines[1:] if start else lines

    def run(self, check_anomaly: bool = False, can_bang: bool = True) -> None:
        """Look and hand over the result; whoever runs it bangs, so `can_bang` changes nothing."""
        del can_bang
        kind = AnomalyResult if check_anomaly else TestResult
        if not self._is_tested and not self._is_anomaly_detected:
            self._hand_over(kind(True, "A promise cannot be without test and without anomaly."))
        elif not (self._is_anomaly_detected if check_anomaly else self._is_tested):
            self._queue.put_nowait(PromiseQueueResult())
        else:
            self._hand_over(self._result(kind, check_anomaly))

    def _result(self, kind: type[BaseResult], check_anomaly: bool) -> BaseResult:
        # A promise is foreign code: whatever it raises is its result.
        try:
            self.sense()
        except Exception as error:  # noqa: BLE001
            self.logger.error("%s: %s", type(error).__name__, error)  # noqa: TRY400
            self.logger.debug("%s", traceback.format_exc())
        try:
            found: BaseResult | None = self.anomaly() if check_anomaly else self.test()
        except Exception as error:  # noqa: BLE001
            return kind(True, f"{type(error).__name__}: {error}")
        if found is None:
            return kind(True, f"the promise's {kind.__name__} is missing: it returned None")
        return found

    def _hand_over(self, item: BaseResult) -> None:
        self._queue.put_nowait(PromiseQueueResult(self._path, self._name, self._title, item))


class _Memory(logging.Handler):
    """A log that goes with the promise."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))
