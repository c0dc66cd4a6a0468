"""The examples of PyONE's document: host pool, market place, update, structured parameters."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.box import Box

pytestmark = pytest.mark.integration

WAIT = 120.0

PROGRAM = """
import sys
import pyone

one = pyone.OneServer(sys.argv[1], session=sys.argv[2])

# A list is a list even of one, and numbers are numbers.
hostpool = one.hostpool.info()
host = hostpool.HOST[0]
print(sorted(host.ID for host in hostpool.HOST)[:2], type(host.ID).__name__, host.NAME[:4])

# What stands in a market place, and what it says of itself.
market = one.market.allocate('NAME="a market"\\nMARKET_MAD="http"')
app = one.marketapp.allocate('NAME="an app"\\nTYPE="IMAGE"\\nDESCRIPTION="of mine"', market)
marketpool = one.marketpool.info()
m0 = [each for each in marketpool.MARKETPLACE if each.ID == market][0]
print("Market place is", m0.NAME, m0.TEMPLATE["MARKET_MAD"])
apps = one.marketapppool.info(-2, -1, -1).MARKETPLACEAPP
print([(each.NAME, each.DESCRIPTION) for each in apps if each.ID == app])

# A template is changed by a dictionary; 1 adds to it, 0 takes its place.
one.host.update(0, {"LABELS": "HD"}, 1)
one.host.update(0, {"TEMPLATE": {"LABELS": "HD", "MAX_CPU": "176"}}, 1)
print(one.host.info(0).TEMPLATE["LABELS"], one.host.info(0).TEMPLATE["MAX_CPU"])

# A structure of dictionaries and lists becomes a template.
made = one.template.allocate({
    "TEMPLATE": {
        "NAME": "test100",
        "MEMORY": "1024",
        "DISK": [{"IMAGE_ID": "30"}, {"IMAGE_ID": "31"}],
        "CPU": "2",
        "ASDF": "nothing",
        "VCPU": "4",
        "OS": {"ARCH": "x86_64", "BOOT": "disk0"},
    }
})
template = one.template.info(made).TEMPLATE
print([disk["IMAGE_ID"] for disk in template["DISK"]], template["OS"]["BOOT"], template["ASDF"])

# What goes wrong has a class of its own.
try:
    one.vm.info(4242)
except pyone.OneNoExistsException as error:
    print("4242" in str(error))
try:
    pyone.OneServer(sys.argv[1], session="nobody:wrong").hostpool.info()
except pyone.OneAuthenticationException as error:
    print(type(error).__name__)
"""


@pytest.fixture
def box() -> Iterator[Box]:
    with Box(pace=0) as running:
        yield running


def test_the_examples_of_the_document(box: Box, tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-m", "pelagos.compat", str(file), box.one_url, box.one.session()],
        capture_output=True, text=True, check=False, timeout=WAIT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines() == [
        "[0, 1] int node",
        "Market place is a market http",
        "[('an app', 'of mine')]",
        "HD 176",
        "['30', '31'] disk0 nothing",
        "True",
        "OneAuthenticationException",
    ]
