import io
import logging

import pytest

from pelagos.core import logs


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer s3cret",
        "the token was Bearer s3cret-123",
        "authorization: basic s3cret==",
        "GET http://x:s3cret@host:80/path",
        "X-Auth-Token: s3cret",
        "x-access-token s3cret",
    ],
)
def test_secrets_are_masked(text: str):
    assert "s3cret" not in logs.hide(text)


def test_ordinary_text_stays():
    text = "GET http://host/a@b -> 200, mail me@example.org: the basic idea of a bearer of news"
    assert logs.hide(text) == text


def test_a_program_logs_once_and_without_secrets():
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        logs.configure("INFO", stream=io.StringIO())
        logs.configure("INFO", stream=stream)
        logging.getLogger("pelagos.x").info("asked %s", "http://a:s3cret@host/")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert stream.getvalue().count("asked") == 1
    assert "s3cret" not in stream.getvalue()


@pytest.mark.parametrize(("level", "heard"), [("INFO", False), ("DEBUG", True)])
def test_a_noisy_library_is_heard_only_when_debugging(level: str, heard: bool):
    root, noisy = logging.getLogger(), logging.getLogger("pika")
    before = list(root.handlers), root.level, noisy.level
    try:
        logs.configure(level, stream=io.StringIO())
        assert noisy.isEnabledFor(logging.ERROR) is heard
    finally:
        root.handlers[:], level_before, noisy_before = before
        root.setLevel(level_before)
        noisy.setLevel(noisy_before)


def test_a_muted_program_prints_no_warning_and_keeps_a_handler_that_it_has(capsys):
    root = logging.getLogger()
    before = list(root.handlers)
    try:
        root.handlers[:] = []
        logs.mute()
        logging.getLogger("pelagos.x").warning("nobody shall see this")
        logs.mute()
        assert len(root.handlers) == 1
    finally:
        root.handlers[:] = before
    assert capsys.readouterr().err == ""
