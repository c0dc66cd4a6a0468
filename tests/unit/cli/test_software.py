import os
from pathlib import Path

import pytest

from pelagos.cli.failures import UsageError
from pelagos.cli.software import local_path, software_url


@pytest.mark.parametrize(
    "url", ["http://example.org/a.cfg", "https://u@example.org:8/a?b#c", "HTTP://x/a%20b.cfg"]
)
def test_a_url_is_taken_as_it_is(url: str):
    assert software_url(url) == url


def test_a_path_becomes_absolute_and_keeps_its_links(profile: Path, monkeypatch):
    link = profile.with_name("link.cfg")
    link.symlink_to(profile)
    monkeypatch.chdir(profile.parent)
    assert software_url("software.cfg") == str(profile)
    assert software_url("./x/../software.cfg") == str(profile)
    assert software_url("link.cfg") == str(link)
    assert software_url(f"file://{profile}") == str(profile)


def test_a_home_is_written_out(profile: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(profile.parent))
    assert software_url("~/software.cfg") == str(profile)


def test_a_blank_in_a_file_url_is_unquoted():
    assert local_path("file:///srv/a%20b.cfg") == Path("/srv/a b.cfg")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("sofware.cfg", "there is no file", "did you mean {folder}/software.cfg?"),
        ("nothing/like/it.cfg", "there is no file", "buildout profile"),
        (".", "is a folder", "did you mean {folder}/binary.cfg?"),
        ("plain.cfg", "has no [buildout] section", "buildout profile"),
        ("binary.cfg", "it is not text", "buildout profile"),
        ("closed.cfg/x", "Not a directory", ""),
        ("pipe", "is not a file", ""),
        (
            "htps://example.org/a.cfg",
            "no software can be fetched by htps://",
            "did you mean https://?",
        ),
        ("gopher://example.org/", "fetched by gopher://", "use one of: http, https, file"),
        ("ftp://example.org/a.cfg", "fetched by ftp://", "use one of: http, https, file"),
        ("javascript:alert(1)", "fetched by javascript:", "use one of: http"),
        ("http:example.org/a.cfg", "is not a URL", "https://example.org/software.cfg"),
        ("http://", "is not a URL", "https://example.org/software.cfg"),
        ("http://[::1/a.cfg", "is not a URL", "https://example.org/software.cfg"),
        ("http://exa mple.org/", "is not a URL: it has a space", "%20"),
        ("http://example.org/\u00a0a.cfg", "is not a URL: it has a space", "copied"),
        ("a b/software.cfg", "zc.buildout cannot read", "move the profile"),
        ("file://{folder}/a%20b/software.cfg", "zc.buildout cannot read", "move the profile"),
        ("a\0b", "is not a path", ""),
        ("~nobody-has-this-name/x", "there is no such user", ""),
    ],
)
def test_what_is_no_release_is_refused_with_the_reason(
    profile: Path, monkeypatch, text: str, message: str, hint: str
):
    monkeypatch.chdir(profile.parent)
    Path("plain.cfg").write_text("[bildout]\n")
    Path("binary.cfg").write_bytes(b"[buildout]\n\0")
    Path("closed.cfg").write_text("")
    os.mkfifo("pipe")
    Path("a b").mkdir()
    Path("a b/software.cfg").write_text("[buildout]\n")
    with pytest.raises(UsageError) as caught:
        software_url(text.replace("{folder}", str(profile.parent)))
    assert message in caught.value.message
    assert hint.format(folder=profile.parent) in (caught.value.hint or "")


@pytest.mark.parametrize("head", ["[buildout]", "# c\n\n[buildout]  # x", "[ buildout ]"])
def test_the_section_may_stand_anywhere(tmp_path: Path, head: str):
    path = tmp_path / "s.cfg"
    path.write_text(f"[other]\na = 1\n{head}\nparts =\n")
    assert software_url(str(path)) == str(path)
