import pytest

from pelagos.cli import failures
from pelagos.core.http import HttpUnreachable
from pelagos.slap.model import Cause, InstanceState, InstanceStatus

BUILDING = Cause("release-building", "the release is being built", "", since=1.0)
FAILED = Cause("buildout-failed", "the part web failed", "mend the profile")


def route(world, *answers):
    """Answers one after the other, the last for ever; waiting for events takes time."""
    queue = list(answers)

    def look(_request):
        return queue.pop(0) if len(queue) > 1 else queue[0]

    def events(request):
        wait = request.url.partition("wait=")[2].partition("&")[0]
        world.clock.advance(float(wait or 0))
        return world.answer([])

    world.routes["GET /v1/services/hello"] = look
    world.routes["GET /v1/events"] = events
    world.routes["POST /v1/services/hello/state"] = world.answer(world.service())


def waiting(world, cause=BUILDING, **changes):
    return world.answer(world.service(status=InstanceStatus.WAITING, cause=cause, **changes))


def test_wait_ends_when_the_wish_has_come_true(world):
    route(world, waiting(world), waiting(world), world.answer(world.service()))
    ran = world.run("service", "start", "hello", "--wait")
    assert ran.code == 0
    assert ran.err == ""
    assert "started" in ran.out


def test_wait_prints_the_connection_parameters_of_a_request(world, profile):
    route(world, waiting(world), waiting(world), world.answer(world.service()))
    world.routes["POST /requestComputerPartition"] = world.refusal(408, "not yet", cause=BUILDING)
    line = ("request", "hello", str(profile), "--wait")
    assert world.run(*line).out == "url = http://127.0.0.1:8080/\n"
    assert world.run(*line, "-o", "json").data == {"url": "http://127.0.0.1:8080/"}
    assert world.run(*line, "-o", "value", "--columns", "url").out == "http://127.0.0.1:8080/\n"


def test_wait_that_is_too_long_ends_with_the_cause_and_the_next_step(world):
    route(world, waiting(world, FAILED))
    ran = world.run("service", "start", "hello", "--wait", "--timeout", "90")
    assert ran.code == failures.NOT_READY
    assert "hello is not started after 1 min: the part web failed" in ran.err
    assert "next: mend the profile" in ran.err
    assert 90 <= world.clock.monotonic() <= 92


def test_a_timeout_of_zero_looks_once(world):
    route(world, waiting(world))
    assert world.run("service", "start", "hello", "--wait", "--timeout", "0").code == 3
    assert len(world.sent("GET", "/v1/services/hello")) == 1


def test_a_service_that_is_gone_was_destroyed(world):
    world.routes["POST /v1/services/hello/state"] = world.answer(world.service())
    route(world, waiting(world, requested_state=InstanceState.DESTROYED), world.refusal(404, "no"))
    ran = world.run("service", "destroy", "hello", "--wait")
    assert ran.code == 0
    assert "hello is gone" in ran.err


def test_another_wish_of_somebody_else_is_told(world):
    other = world.service(requested_state=InstanceState.STOPPED, status=InstanceStatus.STOPPED)
    route(world, world.answer(other))
    ran = world.run("service", "start", "hello", "--wait", "--timeout", "5")
    assert ran.code == failures.NOT_READY
    assert "somebody wishes it stopped now" in ran.err


def test_a_master_that_is_away_for_a_while_does_not_end_the_wait(world):
    def away(_request):
        raise HttpUnreachable("nobody answers", url="x")

    answers = [away, waiting(world), away, world.answer(world.service())]

    def look(request):
        found = answers.pop(0)
        return found(request) if callable(found) else found

    route(world, waiting(world))
    world.routes["GET /v1/services/hello"] = look
    assert world.run("service", "start", "hello", "--wait").code == 0


@pytest.mark.parametrize("is_terminal", [False, True])
def test_an_error_is_told_once_with_its_next_step_and_waited_out(world, is_terminal):
    world.is_terminal = is_terminal
    other = Cause("promise-failed", "the page\ndoes not answer.", "read the log")
    answers = (BUILDING, FAILED, FAILED, BUILDING, other, FAILED)
    route(world, *(waiting(world, cause) for cause in answers), world.answer(world.service()))
    ran = world.run("service", "start", "hello", "--wait")
    assert ran.code == 0
    lines = [one.rpartition("\x1b[K")[2] for one in ran.err.split("\n")]
    assert lines[:2] == [
        "hello: the part web failed; next: mend the profile",
        "hello: the page does not answer; next: read the log",
    ]
    assert lines[2:] == [""]


def test_the_same_failure_is_told_once_wherever_the_log_tells_of_it(world):
    tries = (Cause("buildout-failed", f"part web: no (line {n} of /log)") for n in (40, 12))
    route(world, *(waiting(world, cause) for cause in tries), world.answer(world.service()))
    ran = world.run("service", "start", "hello", "--wait")
    assert ran.err.count("part web: no") == 1


def test_a_master_that_is_away_is_told_once(world):
    def away(_request):
        raise HttpUnreachable("nobody answers", url="x")

    route(world, waiting(world))
    queue = [away, away, waiting(world), away, world.answer(world.service())]

    def look(request):
        found = queue.pop(0)
        return found(request) if callable(found) else found

    world.routes["GET /v1/services/hello"] = look
    ran = world.run("service", "start", "hello", "--wait")
    assert ran.code == 0
    assert ran.err.count("trying again") == 1


def test_a_terminal_shows_one_line_that_is_written_over(world):
    world.is_terminal = True
    route(world, waiting(world), waiting(world, FAILED), world.answer(world.service()))
    ran = world.run("service", "start", "hello", "--wait")
    shown = ran.err.split("\r\x1b[K")
    assert "hello: waiting: the release is being built (0 s)" in shown
    assert "hello: waiting: the part web failed (1 s)" in shown
    assert ran.err.endswith("\r\x1b[K")
    assert ran.err.count("\n") == 1  # the error, which stays


def test_ctrl_c_takes_the_line_away_and_says_that_it_goes_on(world):
    def interrupted(_request):
        raise KeyboardInterrupt

    world.is_terminal = True
    route(world, waiting(world))
    world.routes["GET /v1/events"] = interrupted
    ran = world.run("service", "start", "hello", "--wait")
    assert ran.code == failures.INTERRUPTED
    said = "hello: it goes on by itself; see: pelagos why hello\n\npelagos: interrupted\n"
    assert ran.err.endswith(f"\r\x1b[K{said}")


def test_a_busy_master_is_not_asked_without_pause(world):
    route(world, waiting(world))
    world.routes["GET /v1/events"] = world.answer([])  # at once: it holds no more waits
    world.run("service", "start", "hello", "--wait", "--timeout", "10")
    assert len(world.sent("GET", "/v1/services/hello")) <= 102


@pytest.mark.parametrize("variable", ["NO_COLOR", ""])
def test_colour_only_on_a_terminal_that_wants_it(world, variable):
    world.routes["GET /v1/services"] = world.page([world.service()])
    assert "\x1b" not in world.run("service", "list").out
    world.is_terminal = True
    if variable:
        world.environ[variable] = "1"
    out = world.run("service", "list").out
    assert ("\x1b[32mstarted" in out) == (not variable)
