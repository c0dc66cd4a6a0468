import asyncio
import io
import logging
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pelagos.core import logs
from pelagos.messaging.middleware import Outgoing
from pelagos.messaging.observation.tracing import (
    TraceContext,
    TraceFilter,
    Tracing,
    continued,
    current,
    log_suffix,
    trace,
)

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"  # the standard's own example


def received(**headers):
    return SimpleNamespace(headers=headers, message_id="")


def sent():
    return Outgoing({"category": "message", "type": "command", "name": "x"}, "e", "k")


def test_the_header_of_the_standard_is_read_and_written():
    context = TraceContext.read({"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "a=1"})
    assert context == TraceContext(TRACE, SPAN, 1, "a=1")
    assert context.traceparent == f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        7,
        None,
    ],
)
def test_what_is_no_trace_is_none(wrong):
    assert TraceContext.read({"traceparent": wrong}) is None


def test_a_later_version_and_byte_strings_are_read():
    later = TraceContext.read({"traceparent": f"01-{TRACE}-{SPAN}-03-more"})
    assert later == TraceContext(TRACE, SPAN, 1)
    assert TraceContext.read({"traceparent": f"00-{TRACE}-{SPAN}-00".encode()}).flags == 0


@given(st.dictionaries(st.sampled_from(["traceparent", "tracestate"]), st.text() | st.binary()))
def test_no_header_makes_it_fail(headers):
    found = TraceContext.read(headers)
    assert found is None or (len(found.trace_id), len(found.span_id)) == (32, 16)


def test_a_message_that_is_sent_while_another_is_handled_goes_on_with_its_trace():
    tracing, outgoing = Tracing(), sent()
    message = received(traceparent=f"00-{TRACE}-{SPAN}-00", tracestate="vendor=x")
    tracing.before_handle(message, "A.b")
    mine = current()
    tracing.before_publish(outgoing)
    tracing.after_handle(message, "A.b", "ack", 0.1)
    assert mine.trace_id == TRACE and mine.span_id != SPAN
    carried = TraceContext.read(outgoing.headers)
    assert (carried.trace_id, carried.flags, carried.state) == (TRACE, 0, "vendor=x")
    assert carried.span_id not in {SPAN, mine.span_id}
    assert current() is None


def test_a_message_without_a_trace_begins_one():
    tracing, outgoing = Tracing(), sent()
    tracing.before_publish(outgoing)
    assert TraceContext.read(outgoing.headers) is not None
    tracing.before_handle(received(), "A.b")
    assert current() is not None
    tracing.after_handle(received(), "A.b", "ack", 0.1)


def test_a_message_without_a_trace_has_the_same_wherever_it_is_told_of():
    tracing, message = Tracing(), SimpleNamespace(headers={}, message_id="m-1")
    tracing.before_handle(message, "A.b")
    handled = current()
    tracing.after_handle(message, "A.b", "retry", 0.1)
    with continued(message):
        assert current().trace_id == handled.trace_id
        assert current().span_id != handled.span_id
    with continued(SimpleNamespace(headers={}, message_id="m-2")):
        assert current().trace_id != handled.trace_id
    with continued(received()):
        assert current() is None


def test_what_the_sender_has_written_stays():
    outgoing = sent()
    outgoing.headers["traceparent"] = f"00-{TRACE}-{SPAN}-01"
    Tracing().before_publish(outgoing)
    assert outgoing.headers == {"traceparent": f"00-{TRACE}-{SPAN}-01"}


@pytest.mark.parametrize(
    ("state", "kept"), [("v" * 512, True), ("v" * 513, False), ("v=\n", False), ("v" * 600, False)]
)
def test_others_additions_are_passed_on_unless_they_are_too_long_or_odd(state, kept):
    found = TraceContext.read({"traceparent": f"00-{TRACE}-{SPAN}-10", "tracestate": state})
    assert found == TraceContext(TRACE, SPAN, 0, state if kept else "")


def test_a_trace_of_a_message_can_be_read_again():
    begun = TraceContext.begin("m-1")
    assert TraceContext.read({"traceparent": begun.traceparent}) == begun


def test_the_state_of_another_trace_is_not_passed_on():
    headers = {"traceparent": "no trace", "tracestate": "other=1"}
    sent = Outgoing({}, "events", "k", headers)
    Tracing().before_publish(sent)
    context = TraceContext.read(sent.headers)
    assert context is not None and "tracestate" not in sent.headers


def test_a_trace_can_be_begun_continued_and_nested():
    with trace(f"00-{TRACE}-{SPAN}-01") as outer:
        assert outer.trace_id == TRACE
        with trace() as inner:
            assert inner.trace_id == TRACE and inner.span_id != outer.span_id
        assert current() == outer
    assert current() is None
    with trace("nonsense") as fresh:
        assert fresh.trace_id != TRACE


def test_threads_do_not_see_each_others_traces():
    seen = []
    with trace():
        other = threading.Thread(target=lambda: seen.append(current()))
        other.start()
        other.join()
    assert seen == [None]


def test_tasks_that_take_turns_keep_their_traces():
    tracing = Tracing()

    async def handle(number, seen):
        message = received(traceparent=f"00-{number:032x}-{SPAN}-01")
        tracing.before_handle(message, "A.b")
        await asyncio.sleep(0)
        seen.append((number, int(current().trace_id, 16)))
        tracing.after_handle(message, "A.b", "ack", 0.0)

    async def main():
        seen = []
        await asyncio.gather(*(handle(number, seen) for number in range(1, 20)))
        return seen

    seen = asyncio.run(main())
    assert len(seen) == 19 and all(number == found for number, found in seen)
    assert current() is None


def test_the_lines_of_the_log_name_the_trace():
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        logs.configure(logging.INFO, stream=stream, suffix=log_suffix)
        logging.getLogger("pelagos.x").info("outside")
        with trace(f"00-{TRACE}-{SPAN}-01") as context:
            logging.getLogger("pelagos.x").info("inside")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    outside, inside = stream.getvalue().splitlines()
    assert outside.endswith("pelagos.x: outside")
    assert inside.endswith(f"pelagos.x: inside [trace {TRACE} span {context.span_id}]")


def test_the_filter_gives_records_their_fields():
    record = logging.LogRecord("x", logging.INFO, "", 1, "m", (), None)
    with trace(f"00-{TRACE}-{SPAN}-01"):
        assert TraceFilter().filter(record)
    assert record.trace_id == TRACE
    TraceFilter().filter(record)
    assert (record.trace_id, record.span_id) == ("-", "-")
