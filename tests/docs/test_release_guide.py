"""What the guide to software releases shows of parameters and promises does what it says."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import pytest

from pelagos.core.clock import SystemClock
from pelagos.slap.agent.process import clean_environment
from pelagos.slap.agent.promise import PromiseRunner
from pelagos.slap.parameter_schema import problems, refusal
from pelagos.slap.schema_files import read_bundle

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "how-to" / "write-a-software-release.md").read_text()


def test_the_schema_of_the_guide_refuses_what_it_says(tmp_path: Path) -> None:
    types, schema = re.findall(r"```json [^\n]+\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / "software.cfg.json").write_text(types)
    (tmp_path / "parameters.json").write_text(schema)
    bundle = read_bundle(str(tmp_path / "software.cfg"))
    assert bundle is not None
    assert not problems(bundle, "default", {"folder": "/usr/share/doc", "port": "8080"})
    message, hint = refusal(problems(bundle, "default", {"port": "80"}))
    assert f"pelagos: {message}\n  {hint}\n" in GUIDE


def test_the_schema_of_the_example_knows_its_parameters() -> None:
    bundle = read_bundle(str(ROOT / "examples" / "hello" / "software.cfg"))
    assert bundle is not None
    for good in ({}, {"greeting": "7"}, {"port": "8080"}, {"port": ""}, {"port": None}):
        assert not problems(bundle, "default", good)
    message, hint = refusal(problems(bundle, "default", {"greting": "hi"}))
    assert (message, hint) == ("parameters.greting is not known", "did you mean greeting?")
    assert problems(bundle, "default", {"port": "70000"})
    assert problems(bundle, "default", {"port": "many"})


@pytest.mark.integration
def test_the_promise_of_the_guide_says_what_it_sees(tmp_path: Path) -> None:
    [plugin] = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    shown = tmp_path / "shown"
    shown.mkdir()
    file = tmp_path / "etc" / "plugin" / "files.py"
    file.parent.mkdir(parents=True)
    file.write_text(f"{plugin}\nextra_config_dict = {{'folder': {str(shown)!r}}}\n")
    environ = clean_environment(os.environ, tmp_path)
    said = []
    for _ in range(2):
        runner = PromiseRunner(timeout=20.0, clock=SystemClock())
        [result] = runner.run(tmp_path, environ, threading.Event())
        said.append((result.is_held, result.message))
        (shown / "file").touch()
    assert said == [(False, f"{shown} is empty"), (True, f"{shown} has files to show")]
