"""What is said of a schema that cannot be fetched is said in words."""

import pytest

from pelagos.core.json_schema import SchemaError
from pelagos.slap.schema_files import read_bundle


def test_a_server_that_is_not_there_is_told_without_pythons_words():
    with pytest.raises(SchemaError, match="cannot be read") as caught:
        read_bundle("http://127.0.0.1:1/software.cfg", timeout=2.0)
    assert "urlopen" not in str(caught.value) and "Errno" not in str(caught.value)
