"""pelagos.compat.install: the ancestors' names in a process, all or those that are named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pelagos.compat import ANCESTORS, install
from pelagos.compat.aliases import AliasFinder
from pelagos.core.errors import PelagosError

WAIT = 120.0

ALL = """
import sys
import pelagos.compat

for _ in range(2):
    assert pelagos.compat.install() == pelagos.compat.ANCESTORS
assert not {"flask", "pelagos.slap", "pelagos.one", "pelagos.messaging"} & {*sys.modules}

from kamaki.clients.cyclades import CycladesClient
from pelagos.clients.cyclades import CycladesClient as OurCycladesClient
assert issubclass(CycladesClient, OurCycladesClient)
import pyone
from pelagos.one import OneException
assert pyone.OneException is OneException
from postage import messaging, microthreads
assert messaging.GenericProducer and microthreads.MicroScheduler
from slapos.slap import slap
import slapos.slap.slap
import slapos.slap.slap as again
from slapos.slap.slap import NotFoundError
from slapos.slap.exception import ResourceNotReady
from pelagos import slap as room
assert slapos.slap.slap is slap is again and issubclass(slap, room.slap)
assert slapos.slap.slap.NotFoundError is NotFoundError is room.NotFoundError
assert ResourceNotReady is room.ResourceNotReady
from xivo_dird import BaseServicePlugin, BaseSourcePlugin, BaseViewPlugin
import xivo_dird.plugins.base_plugins, wazo_dird
from pelagos import directory
assert BaseServicePlugin is directory.BaseServicePlugin is wazo_dird.BaseServicePlugin
assert xivo_dird.plugins.base_plugins.BaseViewPlugin is BaseViewPlugin
for absent in ("xivo_dird.absent", "slapos.absent", "kamaki.absent"):
    try:
        __import__(absent)
    except ModuleNotFoundError as error:
        assert error.name == absent, error.name
    else:
        raise AssertionError(absent)
"""

INTERFACES = """
import pelagos.compat
pelagos.compat.install("slapos")
from zope.interface import implementer
from zope.interface.verify import verifyObject
from slapos.grid.promise import interface
from slapos.grid.promise.generic import GenericPromise, TestResult
from slapos.slap import interface as slap_interface
import slapos.slap.interface.slap
from slapos.slap import slap, Supply
from slapos.util import dict2xml, xml2dict, dumps, loads

assert verifyObject(slap_interface.slap.slap, slap())
assert slap_interface.slap.ISupply.implementedBy(Supply)

@implementer(interface.IPromise)
class RunPromise(GenericPromise):
    def sense(self):
        self.logger.error("no")

assert interface.IPromise.implementedBy(GenericPromise)
assert xml2dict(dict2xml({"a": "é"}).encode()) == {"a": "é"} and xml2dict(None) == {}
assert loads(dumps({"a": [1, None]})) == {"a": [1, None]}
"""


def run(program: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    code = f"import sys\nsys.path[:0] = {[str(path) for path in paths]!r}\n{program}"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=WAIT
    )


@pytest.mark.parametrize("program", [ALL, INTERFACES])
def test_programs_import_the_ancestors_by_their_names(program: str) -> None:
    done = run(program)
    assert done.returncode == 0, done.stderr


def make(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_what_is_installed_itself_is_shadowed_only_when_it_is_named(tmp_path: Path) -> None:
    real = make(tmp_path, pyone="REAL = True")
    done = run(
        "import pelagos.compat\n"
        "assert 'pyone' not in pelagos.compat.install()\n"
        "import pyone; assert pyone.REAL\n",
        real,
    )
    assert done.returncode == 0, done.stderr
    done = run(
        "import pelagos.compat\n"
        "assert pelagos.compat.install('pyone') == ('pyone',)\n"
        "import pyone; assert pyone.OneServer\n",
        real,
    )
    assert done.returncode == 0, done.stderr
    done = run("import pyone, pelagos.compat; pelagos.compat.install('pyone')", real)
    assert done.returncode and "another module named pyone is loaded" in done.stderr


def test_other_modules_below_slapos_stay(tmp_path: Path) -> None:
    """`slapos` is a name that many packages share."""
    shared = make(tmp_path, slapos__recipe="REAL = True")
    done = run(
        "import slapos.recipe, pelagos.compat\n"
        "assert 'slapos' in pelagos.compat.install()\n"
        "from slapos.slap import slap; assert slap.__module__.startswith('pelagos.')\n"
        "import slapos.util, slapos.recipe; assert slapos.recipe.REAL and slapos.util.dumps\n",
        shared,
    )
    assert done.returncode == 0, done.stderr


def test_a_slapos_that_is_there_is_left_alone(tmp_path: Path) -> None:
    real = make(tmp_path, slapos__slap="REAL = True")
    done = run(
        "import pelagos.compat\n"
        "assert 'slapos' not in pelagos.compat.install()\n"
        "import slapos.slap; assert slapos.slap.REAL\n",
        real,
    )
    assert done.returncode == 0, done.stderr


def test_an_unknown_ancestor_is_refused_with_the_nearest() -> None:
    with pytest.raises(PelagosError, match="no ancestor kamaky") as caught:
        install("kamaky")
    assert "kamaki" in (caught.value.hint or "")
    assert not any(isinstance(one, AliasFinder) and one.name == "kamaky" for one in sys.meta_path)
    assert len(ANCESTORS) == 6
