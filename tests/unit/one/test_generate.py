"""Types of another version of the server, from its schemas."""

import importlib
import sys
from pathlib import Path

import pytest

from pelagos.cli.main import main
from pelagos.one.generate.code import class_name
from pelagos.one.results import Element, parse
from support.one_answers import DATA, server, text_answer

SCHEMA = """<?xml version="1.0"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="SHIP">
    <xs:complexType><xs:all>
      <xs:element name="ID" type="xs:integer"/>
      <xs:element name="CREW"><xs:complexType><xs:sequence>
        <xs:element name="NAME" type="xs:string" maxOccurs="unbounded"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="TEMPLATE" type="xs:anyType"/>
    </xs:all></xs:complexType>
  </xs:element>
  <xs:element name="SHIP_POOL">
    <xs:complexType><xs:sequence>
      <xs:element ref="SHIP" minOccurs="0" maxOccurs="unbounded"/>
    </xs:sequence></xs:complexType>
  </xs:element>
  <xs:complexType name="DATASTORE_QUOTA"/>
  <xs:complexType name="NETWORK_QUOTA"/>
  <xs:complexType name="VM_QUOTA"/>
  <xs:complexType name="IMAGE_QUOTA"/>
</xs:schema>
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PELAGOS_CONFIG", str(tmp_path / "none.toml"))
    folder = tmp_path / f"types_of_{tmp_path.name.replace('-', '_')}"
    yield folder
    for name in [name for name in sys.modules if name.startswith(folder.name)]:
        del sys.modules[name]


def test_types_of_a_version_are_used(tmp_path: Path, package: Path) -> None:
    (tmp_path / "xsd").mkdir()
    (tmp_path / "xsd/ship.xsd").write_text(SCHEMA)
    assert main(["one", "generate", "--xsd", str(tmp_path / "xsd"), "--into", str(package)]) == 0
    importlib.invalidate_caches()
    one, _ = server(
        text_answer("<SHIP_POOL><SHIP><ID>7</ID><CREW><NAME>A</NAME></CREW></SHIP></SHIP_POOL>"),
        types=package.name,
    )
    (ship,) = one.vmpool.info(-2, -1, -1, -1)
    assert type(ship).__module__ == f"{package.name}.ship" and type(ship).__name__ == "Ship"
    assert ship.ID == 7 and ship.CREW.NAME == ["A"]
    assert type(parse("<VM/>", package.name)) is Element


def test_the_same_again_and_never_over_what_is_somebodys(package: Path) -> None:
    words = ["one", "generate", "--xsd", str(DATA / "xsd"), "--into", str(package)]
    assert main(words) == 0
    before = {path.name: path.read_text() for path in package.iterdir()}
    (package / "old.py").write_text(before["vm.py"])
    assert main(words) == 0
    assert {path.name: path.read_text() for path in package.iterdir()} == before
    (package / "mine.py").write_text("x = 1\n")
    assert main(words) != 0
    assert (package / "mine.py").read_text() == "x = 1\n"


def test_what_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["one", "generate"]) != 0
    assert main(["one", "generate", "--into", str(tmp_path / "no-name")]) != 0
    assert main(["one", "generate", "--xsd", str(tmp_path), "--into", str(tmp_path / "a")]) != 0
    said = capsys.readouterr().err
    assert "give --into" in said and "cannot import" not in said
    assert "is not a name that Python can import" in said and "there are no *.xsd files" in said


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("VM", "Vm"),
        ("VMTEMPLATE_POOL", "VmTemplatePool"),
        ("VM/HISTORY_RECORDS/HISTORY", "VmHistoryRecordsHistory"),
        ("ACL_POOL/ACL", "AclPoolAcl"),
    ],
)
def test_names_of_classes(path: str, name: str) -> None:
    assert class_name(path) == name
