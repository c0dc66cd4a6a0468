"""The contacts of the benchmark, the same for both sides, and what is asked for."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

COLUMNS = ("id", "firstname", "lastname", "number", "mobile", "email", "company", "city")
SEARCHED = ("firstname", "lastname", "company")
MATCHED = ("number", "mobile")
FORMATS = {
    "name": "{firstname} {lastname}",
    "phone": "{number}",
    "phone_mobile": "{mobile}",
    "reverse": "{firstname} {lastname}",
}
DISPLAY = (
    {"title": "Name", "field": "name", "type": "name"},
    {"title": "Phone", "field": "phone", "type": "number"},
    {"title": "Mobile", "field": "phone_mobile", "type": "callable"},
    {"title": "E-mail", "field": "email", "type": "email"},
    {"title": "Company", "field": "company"},
)
TOKEN = "a-token"
USER = "5c8e0000-0000-4000-8000-000000000001"
_ONSETS = "b br c ch d f g gr h j k kl l m n p r s sch st t tr v w z".split()  # noqa: SIM905
_CODAS = ("", "", "", "n", "r", "l", "s", "t", "ck", "m")
_CITIES = ("Zürich", "Liège", "Kraków", "Bonn", "Tromsø", "Leeds")


class People:
    """Names that repeat as those of people do, made of syllables, always the same ones."""

    def __init__(self, seed: int = 7) -> None:
        self._random = random.Random(seed)
        self.first = [self._name(2) for _ in range(800)]
        self.last = [self._name(self._random.choice((2, 2, 3))) for _ in range(20_000)]
        self._companies = [f"{self._name(3)} Ltd" for _ in range(1_000)]

    def write(self, path: Path, source: int, count: int) -> None:
        """One CSV file of so many contacts."""
        choose = self._random.choice
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for number in range(count):
                first, last = choose(self.first), choose(self.last)
                row = (
                    number, first, last, exten(source, number), f"+4479{source}{number:07d}",
                    f"{first}.{last}@example.org".lower(), choose(self._companies),
                    choose(_CITIES),
                )  # fmt: skip
                writer.writerow(row)

    def terms(self, count: int) -> list[str]:
        """Last names as people type them."""
        return [self._random.choice(self.last).lower() for _ in range(count)]

    def extens(self, count: int, sources: int, contacts: int) -> list[str]:
        """Numbers that exist, but for one in ten."""
        made = []
        for _ in range(count):
            found = exten(self._random.randrange(sources), self._random.randrange(contacts))
            made.append("9" + found if self._random.random() < 0.1 else found)
        return made

    def _name(self, syllables: int) -> str:
        choose = self._random.choice
        name = "".join(
            choose(_ONSETS) + choose(("a", "e", "i", "o", "u", "ei")) + choose(_CODAS)
            for _ in range(syllables)
        )
        return name.capitalize()


def exten(source: int, number: int) -> str:
    """The number of a contact."""
    return f"{source + 1}{number:06d}"


def files(folder: Path) -> dict[str, Path]:
    """The sources of a folder: name and file."""
    return {path.stem: path for path in sorted(folder.glob("*.csv"))}


def config(folder: Path, **more: Any) -> dict[str, Any]:
    """The configuration of our directory over the files of a folder."""
    sources = {
        name: {
            "type": "csv",
            "file": str(path),
            "unique_column": "id",
            "searched_columns": list(SEARCHED),
            "first_matched_columns": list(MATCHED),
            "format_columns": dict(FORMATS),
        }
        for name, path in files(folder).items()
    }
    profiles = {"bench": {"sources": list(sources), "timeout": 300}}
    return {
        "sources": sources | more,
        "services": {
            "lookup": profiles | {"hung": {"sources": [*sources, *more], "timeout": 2.9}},
            "reverse": profiles,
        },
        "views": {
            "displays": {"office": [dict(column) for column in DISPLAY]},
            "profile_to_display": {"bench": "office", "hung": "office"},
        },
    }
