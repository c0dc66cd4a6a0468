"""The pages about the directory's API and its tokens say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from pelagos.directory.auth import settings
from pelagos.directory.auth.rights import KEYSTONE, PERSON, PLANE
from pelagos.directory.settings import cors
from pelagos.directory.views.api.table import OPERATIONS
from pelagos.directory.views.api.view import routes_of
from support.whole_directory import WholeDirectory

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
AUTH = (REFERENCE / "directory-auth.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def test_every_route_has_its_line_and_right(tmp_path: Path) -> None:
    site = WholeDirectory(tmp_path)
    served = sorted(routes_of(site.directory.app), key=lambda route: (route.path, route.method))
    site.directory.close()
    expected = [
        f"| `{route.key}` | {f'`{route.right}`' if route.right else 'none needed'} "
        f"| {OPERATIONS[route.key].summary} |"
        for route in served
    ]
    page = (REFERENCE / "directory-api.md").read_text(encoding="utf-8")
    written = [line for line in page.splitlines() if re.match(r"\| `[A-Z]+ /", line)]
    assert written == expected


def test_every_key_of_the_page_is_one_and_none_is_missing() -> None:
    named = [
        set(re.findall(r"`(\w+)`", line.split("|")[1]))
        for line in AUTH.splitlines()
        if re.match(r"\| `[a-z_]+`", line)
    ]
    keys = set().union(*named) - {"edit", "update", "me"}
    known = {key for keys in settings._KEYS.values() for key in keys}
    assert keys == known | set(settings._COMMON) | set(cors._KEYS)


def test_the_rights_of_roles_are_those_on_the_page() -> None:
    (text,) = [text for kind, text in BLOCK.findall(AUTH) if kind == "text"]
    assert tuple(text.split()) == PLANE["tenant"] and KEYSTONE["member"] == PERSON
    assert PLANE["tenant"][: len(PERSON)] == PERSON
    assert all(".default." in right for right in PLANE["tenant"][len(PERSON) :])
    assert PLANE["operator"] == KEYSTONE["admin"] == ("#",)
