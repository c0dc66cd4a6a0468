"""The examples of kamaki's developer's guide: a listing, an error, a server; threads; a client."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from pelagos.box import Box
from pelagos.clients.astakos import AstakosClient
from pelagos.clients.cyclades import CycladesClient

pytestmark = pytest.mark.integration

WAIT = 120.0

#: The three short examples: list the objects of a container; what an error says; a server.
EXAMPLES = """
import sys
from io import BytesIO
from kamaki.clients import ClientError
from kamaki.clients.cyclades import CycladesClient
from kamaki.clients.pithos import PithosClient

storage_url, compute_url, token, account, server_id = sys.argv[1:]
my_pithos_client = PithosClient(storage_url, token, account, 'pics')
my_pithos_client.create_container('pics')
for name in ('a.jpg', 'b.jpg'):
    my_pithos_client.upload_object(name, BytesIO(name.encode()))

for obj in my_pithos_client.list_objects():
    print(obj['name'], obj['bytes'])
assert my_pithos_client.list_objects('pics') == my_pithos_client.list_objects()

for container in ('pics', 'absent'):
    try:
        my_pithos_client.container = container
        print(len(my_pithos_client.list_objects()), 'in', container)
    except ClientError as ce:
        print('Error: %s' % ce.status)
        for detail in ce.details:
            assert detail
try:
    my_pithos_client.get_object_info('nothing')
except ClientError as ce:
    print('Error: %s' % ce.status)

cyclades = CycladesClient(compute_url, token)
srv = cyclades.get_server_info(server_id)
print('Server Name: %s (with OS %s)' % (srv['name'], srv['os']))
"""

#: A client of one's own, whose calls go out in batches of threads.
THREADS = """
import sys
from kamaki.clients import SilentEvent
from kamaki.clients.pithos import PithosClient

class Sizes(PithosClient):
    def upload_all(self, contents):
        self._init_thread_limit(5)
        flying, finished = [], []
        left = list(contents.items())
        while left or flying:
            if left:
                name, content = left.pop()
                event = SilentEvent(self.object_put, name, data=content, success=201,
                                    content_type='text/plain')
                event.start()
                flying.append(event)
                finished.append(event)
            else:
                for event in flying:
                    event.join()
                flying = []
            flying = self._watch_thread_limit(flying)
        return [event for event in finished if event.exception]

url, token, account = sys.argv[1:]
client = Sizes(url, token, account, 'many')
client.create_container('many')
failed = client.upload_all({"o%02d" % n: b"x" * n for n in range(12)})
assert not failed, [event.exception for event in failed]
print([obj['bytes'] for obj in client.list_objects()])
client.container = 'absent'
failed = client.upload_all({'a': b'', 'b': b''})
print(sorted(event.exception.status for event in failed))
"""


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(pace=0) as running:
        yield running


def run(folder: Path, program: str, *words: str) -> list[str]:
    file = folder / "program.py"
    file.write_text(program)
    done = subprocess.run(
        [sys.executable, "-m", "pelagos.compat", str(file), *words],
        capture_output=True, text=True, check=False, timeout=WAIT, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


def test_a_listing_an_error_and_a_server(box: Box, tmp_path: Path) -> None:
    ann = box.person("ann")
    token = ann.token()
    user = AstakosClient(box.astakos_url, token)
    compute_url = user.get_endpoint_url(CycladesClient.service_type)
    compute = CycladesClient(compute_url, token)
    image, flavor = compute.list_images()[0], compute.list_flavors()[0]
    made = compute.create_server(
        "web", flavor["id"], image["id"], networks=[], metadata={"os": "debian"}
    )
    storage_url = f"{box.url}/pithos/object-store/v1"
    said = run(tmp_path, EXAMPLES, storage_url, compute_url, token, ann.user_id, str(made["id"]))
    assert said == [
        "a.jpg 5",
        "b.jpg 5",
        "2 in pics",
        "0 in absent",
        "Error: 404",
        "Server Name: web (with OS debian)",
    ]


def test_several_calls_in_batches_of_threads(box: Box, tmp_path: Path) -> None:
    bob = box.person("bob")
    url = f"{box.url}/pithos/object-store/v1"
    said = run(tmp_path, THREADS, url, bob.token(), bob.user_id)
    assert said == [str(list(range(12))), "[404, 404]"]


#: The sample command of the guide, as a module of its own.
COMMAND = '''
from kamaki.cli import command
from kamaki.cli.argument import FlagArgument
from kamaki.cli.command_tree import CommandTree
from kamaki.cli.commands import _command_init

_mygrp1_commands = CommandTree('mygrp', 'mygrp1 description')
_commands = [_mygrp1_commands]

@command(_mygrp1_commands)
class mygrp_list_all(_command_init):
    """List all mygrp objects

    More about it.
    """
    def __init__(self, arguments={}):
        super(mygrp_list_all, self).__init__(arguments)
        self.arguments['test'] = FlagArgument('just a test', '--test')

    def main(self, reg_exp=None):
        print('all %s %s' % (reg_exp, self.get_argument('test')))

@command(_mygrp1_commands)
class mygrp_list_details(_command_init):
    """Show details"""
    def main(self, name):
        print('details of %s' % name)
'''


def program(folder: Path, name: str, **environ: str) -> Callable[..., CompletedProcess[str]]:
    """Runs lines of a program of the command line."""

    def line(*words: str) -> CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", name, *words],
            capture_output=True, text=True, check=False, timeout=WAIT,
            env={**os.environ, "PYTHONPATH": str(folder), **environ},
        )  # fmt: skip

    return line


def said_of_the_sample(line: Callable[..., CompletedProcess[str]]) -> list[str]:
    """What its two commands say, after its help was found as it was written."""
    help_text = line("mygrp", "list", "all", "--help").stdout
    assert "--test" in help_text and "List all mygrp objects" in help_text
    assert line("mygrp", "list", "details").returncode == 2
    said = [line("mygrp", "list", "all", "x", "--test"), line("mygrp", "list", "details", "y")]
    return [one.stdout + one.stderr for one in said]


@pytest.mark.parametrize("by_path", [True, False], ids=["path", "name"])
def test_the_sample_command_runs_by_kamakis_settings(tmp_path: Path, by_path: bool) -> None:
    module = tmp_path / "mygrp_of_mine.py"
    module.write_text(COMMAND)
    rc = tmp_path / "rc"
    rc.write_text(f"[mygrp]\ncli = {module if by_path else module.stem}\n")
    kamaki = program(tmp_path, "pelagos.compat.kamaki", KAMAKI_CONFIG=str(rc))
    assert said_of_the_sample(kamaki) == ["all x True\n", "details of y\n"]


@pytest.mark.parametrize("by_path", [True, False], ids=["path", "name"])
def test_the_sample_command_runs_by_our_settings(tmp_path: Path, by_path: bool) -> None:
    module = tmp_path / "mygrp_of_mine.py"
    module.write_text(COMMAND)
    pelagos = program(
        tmp_path,
        "pelagos",
        PELAGOS_CONFIG=str(tmp_path / "config.toml"),
        PELAGOS_DATA=str(tmp_path / "data"),
    )
    (tmp_path / "config.toml").write_text("# mine\n")
    written = pelagos("config", "set", f"mygrp.cli={module if by_path else module.stem}")
    assert written.returncode == 0, written.stderr
    assert said_of_the_sample(pelagos) == ["all x True\n", "details of y\n"]


def test_a_module_of_python_2_is_told_with_its_line(tmp_path: Path) -> None:
    module = tmp_path / "old_group.py"
    module.write_text(COMMAND.replace("print('details of %s' % name)", "print 'details'"))
    line = module.read_text().splitlines().index("        print 'details'") + 1
    (tmp_path / "rc").write_text(f"[mygrp]\ncli = {module}\n")
    (tmp_path / "config.toml").write_text(f'[mygrp]\ncli = "{module}"\n')
    kamaki = program(tmp_path, "pelagos.compat.kamaki", KAMAKI_CONFIG=str(tmp_path / "rc"))
    pelagos = program(tmp_path, "pelagos", PELAGOS_CONFIG=str(tmp_path / "config.toml"))
    for done in (kamaki("mygrp", "list", "all"), pelagos("mygrp", "list", "all")):
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert f"{module}, line {line}" in done.stderr and "write print(…)" in done.stderr
