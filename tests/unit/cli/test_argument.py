"""What options make of the words of a line, and what they say of those that they cannot use."""

from datetime import UTC, datetime

import pytest

from pelagos import cli
from pelagos.cli.failures import UsageError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()


def made(kind, **more):
    return getattr(cli, f"{kind}Argument")("help", "-n", "--name", **more)


@pytest.mark.parametrize(
    ("kind", "texts", "expected"),
    [
        ("Value", ["a", "b"], "b"),
        ("Int", ["5"], 5),
        ("Boolean", ["FALSE"], False),
        ("Boolean", ["true"], True),
        ("Repeatable", ["a", "b"], ["a", "b"]),
        ("KeyValue", ["a=b=c", "d="], {"a": "b=c", "d": ""}),
        ("CommaSeparatedList", ["a, b"], ["a", "b"]),
        ("DataSize", ["2.5KiB"], 2560),
        ("DataSize", ["2.3GB"], 2_300_000_000),
        ("DataSize", ["1K"], 1024),
        ("Date", ["2026-03-01T12:00:00+00:00"], NOON),
        ("Date", ["Sun, 01 Mar 2026 12:00:00 GMT"], NOON),
        ("Date", ["Sunday, 01-Mar-26 12:00:00 GMT"], NOON),
        ("Date", ["12:00:00 01-03-2026"], datetime(2026, 3, 1, 12).timestamp()),  # noqa: DTZ001
        ("Seconds", ["1.5m"], 90.0),
    ],
)
def test_what_an_option_makes_of_words(kind, texts, expected):
    assert made(kind).parse(texts) == expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("Int", "5.5"),
        ("Boolean", "maybe"),
        ("CommaSeparatedList", "a,,b"),
        ("DataSize", "5XB"),
        ("Date", "tomorrow"),
        ("Date", "31-02-2026"),
        ("File", "/absent"),
        ("File", "/"),
        ("FileContent", "/absent"),
        ("Seconds", "long"),
    ],
)
def test_a_word_that_cannot_be_used_is_refused_with_the_option_that_it_is_for(kind, text):
    with pytest.raises(UsageError, match="--name") as caught:
        made(kind).parse([text])
    assert caught.value.code == 2


def test_a_state_is_one_of_those_that_there_are():
    status = made("Status", valid_states=["ACTIVE", "BUILD"])
    assert status.parse(["active"]) == "ACTIVE"
    with pytest.raises(UsageError) as caught:
        status.parse(["activ"])
    assert caught.value.hint == "did you mean ACTIVE?"


def test_a_file_is_read_or_told_why_not(tmp_path):
    path = tmp_path / "f"
    path.write_text("ä")
    assert made("File").parse([str(path)]) == path
    assert made("FileContent").parse([str(path)]) == "ä"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not text"):
        made("FileContent").parse([str(path)])


def test_a_configuration_file_becomes_the_settings(tmp_path, monkeypatch):
    monkeypatch.delenv("PELAGOS_MASTER_PORT", raising=False)
    path = tmp_path / "config.toml"
    path.write_text("[master]\nport = 7\n")
    assert made("Config").parse([str(path)]).get("master.port") == 7


def test_bars_are_for_who_watches(capsys, monkeypatch):
    bars = made("ProgressBar")
    assert bars.bars(value=False) is None
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert bars.bars(value=True) is None
    shown = bars.bars(value=False)
    step = shown.get_generator("Sending")(2)
    for _ in range(3):
        next(step)
    shown.finish()
    next(shown.get_generator("Waiting", countdown=True, timeout=9)(3))
    said = capsys.readouterr().err
    assert said.startswith("\rSending")
    assert "50%" in said and "100%" in said and "9s to timeout" in said
