"""The programs of the guides to clouds run, against a box; the reference names what there is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from pelagos.box import Box
from pelagos.clients import errors
from pelagos.clients.cloud import CloudSettings
from pelagos.clients.cloud.own_file import OwnFile

DOCS = Path(__file__).parents[2] / "docs"
PROGRAM = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
CLOUDS = """
clouds:
  box:
    auth: {{auth_url: "{url}", username: demo, password: "{password}", project_name: demo}}
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("clouds")
    with Box(pace=0.1) as box:
        person = box.person("demo")
        file = folder / "clouds.yaml"
        file.write_text(CLOUDS.format(url=box.auth_url, password=person.password))
        yield {**os.environ, "OS_CLIENT_CONFIG_FILE": str(file), "HOME": str(folder)}


def run(name: str, environment: dict[str, str]) -> list[str]:
    """What each program of a page prints."""
    said = []
    for program in PROGRAM.findall((DOCS / name).read_text()):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip
        assert done.returncode == 0, program + done.stderr[-2000:]
        said.append(done.stdout.strip())
    return said


def test_the_programs_of_the_guide_run(environment: dict[str, str]) -> None:
    assert run("how-to/clouds-from-a-program.md", environment) == [
        "demo demo",
        "Cloud('http://127.0.0.1:5000/v3')",
        "web ACTIVE {'role': 'web'}",
        "True 3000000",
        f"404 itemNotFound\n403 {errors._HINTS[403]}",
        "ACCOUNT AUTH_1",
        "0 200",
        "web",
    ]


def test_the_programs_for_those_who_come_from_kamaki_run(environment: dict[str, str]) -> None:
    assert run("how-to/from-kamaki.md", environment) == ["", ""]


def test_the_example_of_a_configuration_loads(tmp_path: Path) -> None:
    page = (DOCS / "how-to/clouds-from-a-program.md").read_text()
    (block,) = re.findall(r"^```toml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    for name in ("work.password", "okeanos.token"):
        (tmp_path / name).write_text("secret\n")
    (tmp_path / "config.toml").write_text(block.replace("~/.config/pelagos", str(tmp_path)))
    known = OwnFile({"PELAGOS_CONFIG": str(tmp_path / "config.toml")})
    assert known.default == "work" and known.get("work").password == "secret"
    assert known.get("okeanos").is_synnefo


def test_the_reference_names_every_setting_and_every_error() -> None:
    page = (DOCS / "reference/clients.md").read_text()
    assert {one.name for one in fields(CloudSettings) if f"`{one.name}`" not in page} == {"origin"}
    kinds = [
        name
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, errors.ClientError)
    ]
    assert [name for name in kinds if f"`{name}`" not in page] == []
