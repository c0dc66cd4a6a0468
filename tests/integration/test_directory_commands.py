"""The directory of a real plane, used by its commands as a person uses them."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pelagos.plane.settings import Part
from support.plane import PELAGOS, Plane, eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    plane = Plane(tmp_path)
    plane.start(Part.MASTER, Part.DIRECTORY, options=("--computer-id", "neptune"))
    yield plane
    plane.stop()


def said(plane: Plane, *words: str) -> Any:
    return json.loads(plane.run(*words, "-o", "json").stdout)


def refused(plane: Plane, code: int, *words: str) -> str:
    done = plane.run(*words, check=False)
    assert done.returncode == code, done
    return done.stderr


def on_a_terminal(plane: Plane, *words: str) -> str:
    """What a person sees who types a command."""
    reading, writing = pty.openpty()
    with subprocess.Popen(
        [PELAGOS, *words], env=plane.environment, stdout=writing, stderr=writing, stdin=writing
    ) as process:
        os.close(writing)
        seen = b""
        try:
            while piece := os.read(reading, 65536):
                seen += piece
        except OSError:  # the end, as Linux tells it
            pass
        finally:
            os.close(reading)
    assert process.returncode == 0, seen
    return seen.decode()


def test_a_contact_is_kept_found_and_forgotten(plane: Plane) -> None:
    made = said(plane, "contact", "add", "firstname=Inès", "lastname=Roy", "number=5550199")
    assert made["firstname"] == "Inès"
    [found] = said(plane, "lookup", "INES")
    assert (found["Name"], found["source"], found["id"]) == ("Inès Roy", "personal", made["id"])
    answers = said(plane, "reverse", "5550199", "1")
    assert [one["display"] for one in answers] == ["Inès Roy", None]
    assert refused(plane, 4, "reverse", "1") == ""

    plane.run("favorite", "add", "personal", made["id"])
    assert "already" in refused(plane, 1, "favorite", "add", "personal", made["id"])
    [favorite] = said(plane, "favorite", "list")
    assert favorite["Favorite"] is True and favorite["Name"] == "Inès Roy"

    changed = said(plane, "contact", "edit", made["id"], "number=2041", "company=")
    assert changed == {**made, "number": "2041"}
    assert said(plane, "contact", "show", made["id"]) == changed
    replaced = said(plane, "contact", "edit", made["id"], "--replace", "firstname=Jo")
    assert replaced == {"firstname": "Jo", "id": made["id"]}

    plane.run("favorite", "remove", "personal", made["id"])
    assert said(plane, "favorite", "list") == []
    plane.run("contact", "remove", made["id"])
    assert said(plane, "contact", "list") == []
    assert "no contact" in refused(plane, 4, "contact", "show", made["id"])


def test_contacts_go_out_and_come_back_as_a_file(plane: Plane, tmp_path: Path) -> None:
    table = tmp_path / "friends.csv"
    table.write_bytes("firstname;number\n".replace(";", ",").encode() + "Zoé,1\n".encode("cp1252"))
    plane.run("contact", "import", str(table), "--charset", "cp1252")
    with table.open("ab") as more:
        more.write(b"too,many,values\nAnn,2\n")
    done = plane.run("contact", "import", str(table), "--charset", "cp1252", check=False)
    assert done.returncode == 1 and "line 3" in done.stderr
    out = plane.run("contact", "export").stdout
    rows = list(csv.DictReader(io.StringIO(out)))
    assert sorted((row["firstname"], row["number"]) for row in rows) == [
        ("Ann", "2"),
        ("Zoé", "1"),
    ]
    file = tmp_path / "kept.csv"
    plane.run("contact", "export", "--file", str(file))
    assert "cannot write" in refused(plane, 1, "contact", "export", "--file", str(file))
    plane.run("contact", "remove", "--all")
    plane.run("contact", "import", str(file))
    assert plane.run("contact", "export").stdout == out
    assert "cannot read" in refused(plane, 2, "contact", "import", str(tmp_path / "none"))


def test_a_phonebook_is_kept_for_many(plane: Plane, tmp_path: Path) -> None:
    book = said(plane, "phonebook", "add", "clients", "--description", "who buys")
    assert "already" in refused(plane, 1, "phonebook", "add", "clients")
    one = said(plane, "phonebook", "contact", "add", "clients", "name=Nils", "number=12")
    table = tmp_path / "more.csv"
    table.write_text("name,number\n" + "".join(f"Contact {n},{n}\n" for n in range(1200)))
    plane.run("phonebook", "import", "clients", str(table))
    assert len(said(plane, "phonebook", "show", "clients")) == 1201
    table.write_bytes("name,number\nZoë,1,2\nAda,3\n".encode())
    told = plane.run("phonebook", "import", "clients", str(table), check=False)
    assert told.returncode == 1 and "line 2: 3 values, but the header names 2" in told.stderr
    table.write_bytes("name,number\nAda,4\nZoë,5\n".encode("cp1252"))
    assert "(byte 0xeb in line 3); say" in refused(
        plane, 2, "phonebook", "import", "clients", str(table)
    )
    plane.run("phonebook", "import", "clients", str(table), "--charset", "cp1252")
    assert len(said(plane, "phonebook", "show", "clients", "--search", "contact 119")) == 11
    assert [one["source"] for one in said(plane, "lookup", "nils")] == ["phonebooks"]
    assert said(plane, "reverse", "12")[0]["display"] == "Nils"
    assert len(said(plane, "phonebook", "show", str(book["id"]), "--limit", "7")) == 7
    assert len(said(plane, "phonebook", "show", "clients")) == 1204
    plane.run("phonebook", "contact", "edit", "clients", one["id"], "number=13")
    [nils] = said(plane, "phonebook", "show", "clients", "--search", "nils")
    assert nils["number"] == "13"
    plane.run("phonebook", "contact", "remove", "clients", one["id"])
    assert "did you mean clients?" in refused(plane, 4, "phonebook", "show", "client")
    plane.run("phonebook", "rename", "clients", "buyers")
    assert [b["name"] for b in said(plane, "phonebook", "list")] == ["buyers"]
    assert said(plane, "phonebook", "list", "--tenant", "others") == []
    assert "tenant" in refused(plane, 2, "phonebook", "list", "--tenant", "NO GOOD")
    plane.run("phonebook", "remove", "buyers")
    assert said(plane, "phonebook", "list") == []


def test_a_file_is_imported_whole_or_not_at_all(plane: Plane, tmp_path: Path) -> None:
    table = tmp_path / "friends.csv"
    table.write_text("firstname,number\nAnn,1\ntoo,many,values\n")
    plane.run("phonebook", "add", "friends")
    for words in (("contact", "import"), ("phonebook", "import", "friends")):
        assert "line 3" in refused(plane, 2, *words, str(table), "--all-or-nothing")
    assert said(plane, "contact", "list") == said(plane, "phonebook", "show", "friends") == []
    table.write_text("firstname,number\nAnn,1\n")
    plane.run("contact", "import", str(table), "--all-or-nothing")
    assert [one["firstname"] for one in said(plane, "contact", "list")] == ["Ann"]


def test_a_source_is_made_changed_and_removed_while_the_directory_serves(
    plane: Plane, tmp_path: Path
) -> None:
    keys = tmp_path / "staff.toml"
    keys.write_text('tenant = "staff"\n[format_columns]\nname = "{name}"\n')
    plane.run("phonebook", "add", "staff", "--tenant", "staff")
    book = ("phonebook", "contact", "add", "staff", "name=Orla", "--tenant", "staff")
    made = (
        "source",
        "add",
        "phonebook",
        "staff",
        'searched_columns=["name"]',
        "--keys",
        str(keys),
    )

    assert "tenant" in refused(plane, 2, "source", "add", "phonebook", "staff", "tenant=7")
    assert "no back-end" in refused(plane, 4, "source", "add", "fonebook", "staff")
    assert said(plane, *made)["is_kept"] is True
    assert "already" in refused(plane, 1, *made)
    plane.run(*book)
    [found] = said(plane, "lookup", "orla")
    assert (found["Name"], found["source"]) == ("Orla", "staff")

    said(
        plane,
        "source",
        "edit",
        "staff",
        "format_columns.name=Dr {name}",
        "timeout=2",
        "tenant=staff",
    )
    assert said(plane, "lookup", "orla")[0]["Name"] == "Dr Orla"
    said(plane, "source", "edit", "staff", "timeout=", "--rename", "people")
    shown = said(plane, "source", "show", "people")
    assert shown["format_columns"] == {"name": "Dr {name}"} and "timeout" not in shown
    assert "did you mean people" in refused(plane, 4, "source", "show", "peeple")
    assert "nothing is to be changed" in refused(plane, 2, "source", "edit", "people")
    assert "configuration" in refused(plane, 1, "source", "remove", "personal")

    plane.run("source", "remove", "people")
    assert "nothing found" in refused(plane, 4, "lookup", "orla")


def test_what_is_kept_survives_a_kill(plane: Plane) -> None:
    made = said(plane, "contact", "add", "name=Ann")
    plane.run("favorite", "add", "personal", made["id"])
    plane.kill(Part.MASTER, Part.DIRECTORY)
    plane.start(Part.MASTER, Part.DIRECTORY)
    assert said(plane, "contact", "list") == [made]
    assert [one["id"] for one in said(plane, "favorite", "list")] == [made["id"]]


def test_a_search_on_a_terminal_shows_results_as_they_come(plane: Plane) -> None:
    plane.run("contact", "add", "firstname=Neptunia", "number=7")
    seen = on_a_terminal(plane, "lookup", "nept")
    assert "waiting for the sources" in seen and "answered, waiting" in seen
    lines = [re.sub(r"\x1b\[[0-9;]*[mK]", "", line).strip() for line in seen.split("\n")]
    rows = [line for line in lines if line.startswith("Neptunia")]
    assert len(rows) == 1 and " 7" in rows[0]


def test_each_source_is_checked_and_explained(plane: Plane, tmp_path: Path) -> None:
    checked = said(plane, "source", "check")
    assert {one["name"]: one["verdict"] for one in checked} == {
        "instances": "answered", "computers": "answered", "personal": "answered",
        "phonebooks": "answered",
    }  # fmt: skip
    assert [one["name"] for one in said(plane, "source", "list")] == [
        "instances", "computers", "personal", "phonebooks",
    ]  # fmt: skip
    why = said(plane, "why", "personal")
    assert (why["kind"], why["cause"]["code"]) == ("source", "ok")
    assert "with 4 sources" in plane.run("doctor", check=False).stdout
    assert "there are:" in refused(plane, 4, "source", "check", "nope")
    assert "did you mean personal?" in refused(plane, 4, "why", "personel", "--kind", "source")

    plane.terminate(Part.MASTER, Part.DIRECTORY)
    config = tmp_path / "pelagos" / "config.toml"
    config.parent.mkdir(exist_ok=True)
    config.write_text("""
[directory.settings.sources.staff]
type = "csv"
file = "/nowhere/staff.csv"
searched_columns = ["name"]
[directory.settings.sources.odd]
type = "cvs"
[directory.settings.services.lookup.default]
sources = ["staff", "odd"]
[directory.settings.views]
profile_to_display = { default = "people" }
displays.people = [{ title = "Name", field = "name" }]
""")
    plane.start(Part.MASTER, Part.DIRECTORY)
    done = plane.run("source", "check", "-o", "json", check=False)
    assert done.returncode == 1
    verdicts = {one["name"]: one["verdict"] for one in json.loads(done.stdout)}
    assert verdicts["odd"] == "failed"
    why = said(plane, "why", "odd")
    assert why["cause"]["code"] == "source-not-loaded" and "cvs" in why["cause"]["message"]
    assert "odd could not be loaded" in plane.run("doctor", check=False).stdout
    asked = plane.run("lookup", "a", check=False)
    assert asked.returncode == 4 and "source odd: failed" in asked.stderr
    assert "did you mean staff?" in refused(plane, 4, "why", "staf")
    config.write_text("[directory.settings.source.staff]\n")
    told = plane.run("doctor", check=False).stdout
    assert "[directory.settings] unknown key 'source'" in told and "sources" in told


def test_who_leaves_the_plane_leaves_nothing_in_the_directory(plane: Plane) -> None:
    joined = re.search(r"(pelagos-join\S+)", plane.run("person", "add", "ann", "--tenant").stdout)
    assert joined
    home = plane.folder / "ann"
    home.mkdir()
    config = ("--config", str(home / "ann.toml"))
    environment = {"PELAGOS_DIRECTORY_URL": plane.data.endpoints().directory_url}
    plane.environment |= environment
    plane.run(*config, "join", joined[1])
    plane.run(*config, "contact", "add", "name=Secret", "number=1")
    assert [one["Name"] for one in said(plane, *config, "lookup", "secret")] == ["Secret"]
    assert said_nothing(plane, "lookup", "secret") == []
    assert said(plane, *config, "reverse", "1")[0]["source"] == "personal"
    denied = plane.run(*config, "source", "check", check=False)  # a tenant may not
    assert denied.returncode == 5 and "right" in denied.stderr
    plane.run("person", "remove", "ann")
    assert plane.run(*config, "contact", "list", check=False).returncode == 5
    again = re.search(r"(pelagos-join\S+)", plane.run("person", "add", "ann").stdout)
    assert again

    def is_empty() -> bool:
        fresh = home / "again.toml"
        if not fresh.exists():
            plane.run("--config", str(fresh), "join", again[1])
        return said(plane, "--config", str(fresh), "contact", "list") == []

    eventually(is_empty)


def said_nothing(plane: Plane, *words: str) -> list[Any]:
    done = plane.run(*words, "-o", "json", check=False)
    assert done.returncode == 4, done
    found: list[Any] = json.loads(done.stdout)
    return found


def test_the_directory_runs_alone_beside_a_plane(plane: Plane) -> None:
    plane.run("contact", "add", "name=Ann")
    plane.terminate(Part.MASTER, Part.DIRECTORY)
    plane.start(Part.MASTER)
    url = plane.data.endpoints().directory_url
    with subprocess.Popen(
        [PELAGOS, "directory", "run"], env=plane.environment, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            first = process.stderr.readline()
            assert "the directory runs" in first, first + process.stderr.read()
            assert [one["name"] for one in said(plane, "contact", "list")] == ["Ann"]
            with urllib.request.urlopen(f"{url}/search", timeout=20) as page:
                assert "Your token" in page.read().decode()
        finally:
            process.terminate()
        assert process.wait(60) == 0


def test_a_directory_without_a_plane_says_what_it_needs(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "PELAGOS_DATA": str(tmp_path / "data"),
                   "XDG_CONFIG_HOME": str(tmp_path)}  # fmt: skip
    done = subprocess.run(
        [PELAGOS, "directory", "run"], env=environment, capture_output=True, text=True,
        check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 2 and "whose a token is" in done.stderr
    assert "[directory.settings.auth]" in done.stderr and "Traceback" not in done.stderr
