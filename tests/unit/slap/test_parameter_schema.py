"""What releases say of their parameters: read from files, judged without any."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pelagos.core.json_schema import SchemaError
from pelagos.slap.parameter_schema import Bundle, decode, encode, in_one, problems, serialisation
from pelagos.slap.schema_files import read_bundle

SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "$id": "https://elsewhere.example/x.json",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "size": {"$ref": "parts/size.json#/definitions/size"},
        "name": {"type": "string"},
        "safe": {"type": "boolean"},
    },
}
SIZE = {"definitions": {"size": {"type": "integer", "maximum": 9}}}
DOCUMENT: dict[str, Any] = {
    "serialisation": "xml",
    "software-type": {
        "default": {"request": "input.json"},
        "json": {"request": "input.json", "serialisation": "json-in-xml"},
        "place": {"request": "input.json", "shared": True, "software-type": "default"},
        "plain": {"description": "takes anything"},
    },
}


@pytest.fixture
def release(tmp_path: Path) -> Path:
    profile = tmp_path / "release" / "software.cfg"
    (profile.parent / "parts").mkdir(parents=True)
    profile.write_text("[buildout]\nparts =\n")
    write(profile, "software.cfg.json", DOCUMENT)
    write(profile, "input.json", SCHEMA)
    write(profile, "parts/size.json", SIZE)
    return profile


def write(release: Path, name: str, document: object) -> None:
    (release.parent / name).write_text(json.dumps(document))


def bundle(release: Path) -> Bundle:
    found = read_bundle(str(release))
    assert found is not None
    return decode(encode(found))


def told(
    release: Path, parameters: dict[str, Any], kind: str = "default", **more: Any
) -> list[str]:
    return [str(one) for one in problems(bundle(release), kind, parameters, **more)]


def test_texts_count_as_what_the_schema_takes_them_for(release: Path) -> None:
    assert told(release, {"size": "3", "name": "7", "safe": "True"}) == []
    assert told(release, {"size": "10"}) == ["parameters.size is 10; it must be at most 9"]
    assert told(release, {"size": "ten"}) == [
        "parameters.size is 'ten'; it must be a whole number"
    ]
    assert told(release, {"sise": "1"}) == ["parameters.sise is not known; did you mean size?"]


def test_json_in_one_parameter_is_looked_into(release: Path) -> None:
    assert told(release, {"_": '{"size": 3}'}, "json") == []
    assert told(release, in_one({"size": 30}), "json") == [
        "parameters.size is 30; it must be at most 9"
    ]
    assert told(release, {}, "json") == []
    assert "is not JSON" in told(release, {"_": "{"}, "json")[0]
    assert "from the parameter _ alone, not from size" in told(release, {"size": "3"}, "json")[0]
    assert serialisation(bundle(release), "json") == "json-in-xml"


def test_the_first_type_has_two_names_and_a_wrong_one_a_nearest(release: Path) -> None:
    assert "at most 9" in told(release, {"size": "10"}, "RootSoftwareInstance")[0]
    assert told(release, {}, "defualt") == [
        "software type 'defualt' is not known; did you mean default?"
    ]
    assert told(release, {"anything": "goes"}, "plain") == []


def test_shared_instances_have_schemas_of_their_own(release: Path) -> None:
    assert "at most 9" in told(release, {"size": "10"}, shared=True)[0]
    assert told(release, {"size": "10"}, "plain", shared=True) == []


def test_a_release_without_a_schema_says_nothing(tmp_path: Path) -> None:
    assert read_bundle(str(tmp_path / "software.cfg")) is None


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000])
def test_a_schema_file_that_is_none_is_told(release: Path, text: str) -> None:
    (release.parent / "software.cfg.json").write_text(text)
    with pytest.raises(SchemaError):
        read_bundle(str(release))


def test_a_schema_that_is_not_there_is_told_when_it_is_used(release: Path) -> None:
    (release.parent / "parts" / "size.json").unlink()
    with pytest.raises(SchemaError, match="unknown"):
        told(release, {"size": "3"})
    (release.parent / "input.json").unlink()
    with pytest.raises(SchemaError, match="could not be read"):
        told(release, {})


@pytest.mark.parametrize(
    "request_url",
    ["../secret.json", "/etc/hostname", "file:///etc/hostname", "http://127.0.0.1:1/x.json"],
)
def test_nothing_is_read_from_elsewhere(release: Path, tmp_path: Path, request_url: str) -> None:
    (tmp_path / "secret.json").write_text('{"type": "object"}')
    write(release, "software.cfg.json", {"software-type": {"default": {"request": request_url}}})
    assert bundle(release).schemas == {}


def test_a_link_out_of_the_release_is_not_followed(release: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"type": "object"}')
    (release.parent / "input.json").unlink()
    (release.parent / "input.json").symlink_to(tmp_path / "secret.json")
    assert bundle(release).schemas == {}


def test_numbers_and_sizes_are_bounded(release: Path) -> None:
    chain = {str(n): {"$ref": f"{n + 1}.json"} for n in range(100)}
    for number, schema in chain.items():
        write(release, f"{number}.json", schema)
    write(release, "input.json", {"$ref": "0.json"})
    assert len(bundle(release).schemas) == 20
    write(release, "input.json", {"description": "x" * 300_000})
    assert bundle(release).schemas == {}
