"""What runs zc.buildout does not look for a misspelt name among those of all packages."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

#: Looks for a recipe in an index that has nothing, and says what it asked the index for.
PROGRAM = """
import json, sys
from zc.buildout import easy_install
url = sys.argv[1] or easy_install.default_index_url
from pelagos.slap.agent.builders import driver
driver.run_buildout("buildout", ["--version"])
class Index(easy_install.AllowHostsPackageIndex):
    asked = []
    def scan_url(self, url):
        self.asked.append(url)
Index(url).find_packages(easy_install.pkg_resources.Requirement.parse("no.such.recipe"))
print(json.dumps([url, Index.asked]))
"""

#: Runs a zc.buildout that lacks something of what a search for a misspelt name looks at.
OTHER = """
import sys
from zc.buildout import easy_install
from pelagos.slap.agent.builders import driver
indexes = [
    vars(sys.modules[name])["PackageIndex"]
    for name in ("zc.buildout._package_index", "setuptools.package_index")
    if name in sys.modules
]
{change}
sys.exit(driver.run_buildout("buildout", ["--version"]))
"""


@pytest.mark.parametrize(
    "change",
    [
        "del easy_install.default_index_url",
        "easy_install.default_index_url = None",
        "[delattr(index, 'scan_all') for index in indexes]",
    ],
)
def test_another_buildout_than_those_that_are_known_builds_all_the_same(change: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", OTHER.format(change=change)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "buildout version" in done.stdout


@pytest.mark.parametrize(
    ("index", "asked_for_all"),
    [
        ("", False),  # the one that zc.buildout chooses by itself
        ("https://packages.example/simple", True),
        ("file:///srv/packages", True),
    ],
)
def test_only_an_index_that_may_spell_names_otherwise_is_looked_through(
    index: str, asked_for_all: bool
) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, index],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    index, asked = json.loads(done.stdout.splitlines()[-1])
    assert asked[0] == f"{index}/no-such-recipe/"
    assert (f"{index}/" in asked) is asked_for_all
