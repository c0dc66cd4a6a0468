"""The sections of the configuration that the programs of a plane read."""

import os
import subprocess
import sys

from pelagos.core import config
from pelagos.plane.sections import SECTIONS


def test_every_field_is_a_setting_with_a_meaning_and_no_two_share_a_variable():
    found = list(config.settings(SECTIONS))
    names = {
        f"{section}.{name}"
        for section, kind in SECTIONS.items()
        for name, annotation in kind.__annotations__.items()
        if "ClassVar" not in annotation
    }
    assert {one.key for one in found} == names
    assert all(one.about.endswith(".") for one in found)
    variables = [one.variable for one in found if one.variable]
    assert len(set(variables)) == len(variables)
    assert not {"PELAGOS_DATA", "PELAGOS_CONFIG", "PELAGOS_TOKEN"} & set(variables)


def test_defaults_pass_their_own_checks():
    for one in config.settings(SECTIONS):
        default = one.default
        text = default if isinstance(default, (str, int, float, dict)) else ""
        assert one.check(text, "x") == default


def test_the_keys_that_every_command_needs_have_short_variables():
    variables = {one.key: one.variable for one in config.settings(SECTIONS)}
    assert variables["plane.master_url"] == "PELAGOS_MASTER_URL"
    assert variables["master.port"] == "PELAGOS_MASTER_PORT"


def test_settings_are_there_without_docstrings():
    code = (
        "from pelagos.core import config; from pelagos.plane.sections import SECTIONS\n"
        "print(config.find_setting(SECTIONS, 'master.port').default)"
    )
    done = subprocess.run(
        [sys.executable, "-OO", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.stdout == "0\n"
