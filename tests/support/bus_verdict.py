"""What programs of a load have written down, and what is to be held against the bus."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path


class Ledger:
    """What one role has written so far."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self.lines: list[list[str]] = []

    def read(self) -> list[list[str]]:
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._position)
                data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            self._position += len(whole)
            self.lines += [line.split(" ", 3) for line in whole.decode().splitlines()]
        return self.lines

    def of(self, word: str) -> list[str]:
        return [line[2] for line in self.read() if line[1] == word]

    def of_any(self, word: str) -> bool:
        return any(line[1] == word for line in self.read())

    def first_after(self, word: str, moment: float) -> float | None:
        """When it happened first after that; what counts is near the end."""
        found = None
        for line in reversed(self.read()):
            if float(line[0]) <= moment:
                break
            if line[1] == word:
                found = float(line[0])
        return found


@dataclass
class Verdict:
    """What became of everything.

    Attributes:
        told: messages that the publisher was told are safe; calls whose caller got the answer.
        lost: of those messages, the ones that never arrived.
        doubled: messages that arrived more than once; redelivery and re-sending may do that.
        two_ids: messages whose copies have different ids: nobody could tell that they are copies.
        one_id: messages that share an id with another one: somebody would take it for a copy.
        wrong: calls that were answered with another call's answer.
        failed: what ended with an error, by its kind.
        effects_lost, effects_doubled: calls that succeeded without an effect; calls with two.
        answers: calls that succeeded.
        recovery: by role, seconds from the broker's return to the first success, of each fault.
    """

    told: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: int = 0
    two_ids: list[str] = field(default_factory=list)
    one_id: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    answers: int = 0
    effects_lost: list[str] = field(default_factory=list)
    effects_doubled: list[str] = field(default_factory=list)
    recovery: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def breaches(self) -> dict[str, list[str]]:
        """What must be empty."""
        all_of = {
            "lost": self.lost,
            "two ids": self.two_ids,
            "one id": self.one_id,
            "wrong answers": self.wrong,
            "effects lost": self.effects_lost,
            "effects doubled": self.effects_doubled,
        }
        return {name: found[:10] for name, found in all_of.items() if found}

    @property
    def slowest(self) -> float:
        """Seconds of the longest recovery."""
        return max((max(times) for times in self.recovery.values() if times), default=0.0)

    def figures(self) -> str:
        parts = [
            f"{self.told:,} messages told safe, {len(self.lost)} lost",
            f"{self.doubled:,} arrived again, {len(self.two_ids)} of them with another id",
            f"{self.answers:,} calls answered, {len(self.wrong)} of them wrongly",
            f"of their effects {len(self.effects_lost)} lost, {len(self.effects_doubled)} doubled",
            f"errors told: {dict(self.failed) or 'none'}",
        ]
        for role, unsorted in self.recovery.items():
            times = sorted(unsorted)
            late = sum(one > 5.0 for one in times)
            parts.append(
                f"{role}: back after {times[len(times) // 2]:.2f} s (median), "
                f"{times[-1]:.2f} s (longest), {late} of {len(times)} after more than 5 s"
            )
        return "\n".join(f"    {part}" for part in parts)
