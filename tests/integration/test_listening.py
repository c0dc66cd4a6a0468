"""A program keeps its address from one run to the next, unless somebody else has taken it."""

import logging

import pytest

from pelagos.core.errors import PelagosError
from pelagos.core.web import make_app
from pelagos.plane.listening import listen

pytestmark = pytest.mark.integration


def test_the_port_of_the_last_run_is_taken_again():
    first = listen(make_app(__name__), "127.0.0.1", 0, "", section="master")
    first.stop()
    again = listen(make_app(__name__), "127.0.0.1", 0, first.url, section="master")
    again.stop()
    assert again.url == first.url


def test_a_port_that_is_taken_meanwhile_is_given_up_with_a_warning(
    caplog: pytest.LogCaptureFixture,
):
    other = listen(make_app(__name__), "127.0.0.1", 0, "", section="master")
    with caplog.at_level(logging.WARNING):
        server = listen(make_app(__name__), "127.0.0.1", 0, other.url, section="master")
    server.stop()
    other.stop()
    assert server.port != other.port
    assert "taking a free port" in caplog.text


def test_a_port_that_was_asked_for_is_that_port_or_an_error():
    other = listen(make_app(__name__), "127.0.0.1", 0, "", section="master")
    with pytest.raises(PelagosError, match="taken") as caught:
        listen(make_app(__name__), "127.0.0.1", other.port, "", section="master")
    other.stop()
    assert "pelagos up --master-port" in str(caught.value.hint)
    assert "config set master.port" in str(caught.value.hint)
