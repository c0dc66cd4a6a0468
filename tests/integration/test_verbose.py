"""`-vv` shows what goes over the wire, and never a secret of it."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cloud_lines import Lines

from pelagos.box import Box

LINES = [
    "server list",
    "user info",
    "user credential create ci",
    "keypair create new-key --force",
    "server create web --flavor m1.tiny --image box-linux --no-network",
    "container list",
    "quota list",
    "one vm list",
]
#: What would be a secret that was made on the way: in a body or in a header.
MADE = re.compile(r'gAAAA|PRIVATE KEY|"(secret|adminPass|password|private_key)": "(?!\*)')


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    logging.getLogger("pelagos").setLevel(logging.NOTSET)


@pytest.mark.parametrize("cloud", ["swift", "admin", "pithos"])
def test_verbose_lines_show_calls_and_hide_secrets(tmp_path: Path, cloud: str) -> None:
    with Box() as box:
        lines = Lines(box, tmp_path)
        person = box.person("ann")
        one_auth = Path(box.one.one_auth)
        secrets = (
            person.password,
            box.admin.password,
            person.token(),
            one_auth.read_text().strip(),
        )
        more = {"PELAGOS_CLOUD": cloud, "ONE_XMLRPC": box.one_url, "ONE_AUTH": str(one_auth)}
        lines.environ.update(more)
        for line in LINES:
            told = lines.run(*line.split(), "-vv").err
            assert "http://127.0.0.1" in told or "is a Synnefo" in told, line
            assert not [one for one in secrets if one in told], line
            assert not MADE.search(told), line
            if line == "one vm list":
                assert f"POST {box.one_url} one.vmpool." in told
