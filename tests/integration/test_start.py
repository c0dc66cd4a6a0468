"""What a command loads before it answers: modules are counted, never milliseconds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.box import Box
from pelagos.core.web import Server
from pelagos.slap.master import Master
from support.box_site import openstack_environ

pytestmark = pytest.mark.integration

COUNTING = (
    "import sys; before = set(sys.modules)\n"
    "from pelagos.cli.main import main\n"
    "code = main(sys.argv[1:])\n"
    "print(*sorted(set(sys.modules) - before), file=sys.stderr)\n"
    "sys.exit(code)"
)
#: What takes longer to load than a short answer to read.
DEAR = {
    "msgspec",
    "urllib3",
    "requests",
    "ssl",
    "http.client",
    "email",
    "yaml",
    "tomlkit",
    "asyncio",
}
DEARER = DEAR | {"dataclasses", "inspect", "logging"}


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("start")
    with Box() as box:
        master = Master(f"sqlite:///{folder}/plane.db")
        web = Server(master.app)
        web.start()
        try:
            yield {
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "PELAGOS_DATA": str(folder),
                "PELAGOS_MASTER_URL": web.url,
                "PELAGOS_TOKEN": master.service.create_person("admin"),
                "PELAGOS_COMPLETION_TIMEOUT": "30",
                "ONE_XMLRPC": box.one_url,
                "ONE_AUTH": str(box.one.one_auth),
                **openstack_environ(box, box.person("demo")),
            }
        finally:
            web.stop()
            master.close()


@pytest.mark.parametrize(
    ("words", "most", "dear"),
    [
        (("server", "list", "--help"), 70, DEARER),
        (("__complete", "service", "info", ""), 85, DEARER),
        (("service", "list"), 85, DEARER),
        (("server", "list"), 165, DEAR),
        (("one", "vm", "list"), 160, DEAR | {"lxml"}),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else None,
)
def test_a_command_loads_what_it_uses(
    environ: dict[str, str], words: tuple[str, ...], most: int, dear: set[str]
) -> None:
    folder = str(Path(sys.executable).parent)
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, *words],
        env=environ, cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.splitlines()[-1].split())
    assert not loaded & dear
    assert len(loaded) <= most, sorted(loaded)
