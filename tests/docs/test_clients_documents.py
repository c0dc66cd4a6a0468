"""The programs of the guides to clouds run, against a box; the reference names what there is."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from pelagos.clients import errors
from pelagos.clients.cloud import CloudSettings

DOCS = Path(__file__).parents[2] / "docs"
PROGRAM = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
CLOUDS = """
clouds:
  box:
    auth: {{auth_url: "{url}", username: demo, password: "{password}", project_name: demo}}
"""


def test_the_reference_names_every_setting_and_every_error() -> None:
    page = (DOCS / "reference/clients.md").read_text()
    assert {one.name for one in fields(CloudSettings) if f"`{one.name}`" not in page} == {"origin"}
    kinds = [
        name
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, errors.ClientError)
    ]
    assert [name for name in kinds if f"`{name}`" not in page] == []
