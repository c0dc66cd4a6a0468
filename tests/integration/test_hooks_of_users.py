"""As root, an instance's reports and last words run as its own user, and lead nowhere else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pelagos.slap.errors import NotFoundError
from pelagos.slap.model import InstanceState
from support.require import Require
from support.user_site import UserSite, user_site

pytestmark = [
    pytest.mark.integration,
    pytest.mark.needs_root,
]

BODY = """\
[report]
recipe = pelagos:template
output = $${{buildout:directory}}/etc/report/who
mode = 0750
inline =
  #!/bin/sh
  id -u > {words}/report
  ln -sf /etc/passwd "$(dirname $1)/stolen"

[end]
recipe = pelagos:template
output = $${{buildout:directory}}/etc/prerm/who
mode = 0750
inline =
  #!/bin/sh
  id -u > {words}/prerm
"""


@pytest.fixture
def site(require: Require) -> Iterator[UserSite]:
    with user_site(require) as made:
        yield made


def test_hooks_run_as_the_owner_of_the_partition(site: UserSite) -> None:
    words = Path(site.folder) / "words"
    words.mkdir()
    words.chmod(0o777)
    site.pelagos("node", "format")
    site.spawn(usage_interval=1.0, report_interval=2.0)
    url = site.release("one", "report end", BODY.format(words=words))
    site.order("a", url)
    site.until("a", lambda s: s.status == "started", within=90.0)
    uid = str(site.partition("a").stat().st_uid)
    assert uid != "0"
    end = time.monotonic() + 60
    while not (words / "report").exists() or not site.client.usage(service="a"):
        assert time.monotonic() < end
        time.sleep(0.2)
    assert (words / "report").read_text().strip() == uid
    site.set_state("a", InstanceState.DESTROYED)
    while not (words / "prerm").exists() or _is_there(site):
        assert time.monotonic() < end + 60
        time.sleep(0.2)
    assert (words / "prerm").read_text().strip() == uid
    assert Path("/etc/passwd").read_text().startswith("root")


def _is_there(site: UserSite) -> bool:
    try:
        return site.service("a").status != "destroyed"
    except NotFoundError:
        return False
