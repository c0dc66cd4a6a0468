"""The examples of Postage's document: a ping exchange, its producer, a processor with handlers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pelagos.messaging.broker.server import EmbeddedBroker

pytestmark = pytest.mark.integration

WAIT = 120.0

#: The exchange and the producer of the document: messages built by methods, keys and eks.
PING = """
from postage import messaging

class PingExchange(messaging.Exchange):
    name = "ping-exchange"
    exchange_type = "direct"
    passive = False
    durable = True
    auto_delete = False

class OtherExchange(messaging.Exchange):
    name = "other-exchange"
    exchange_type = "topic"

class PingProducer(messaging.GenericProducer):
    eks = [(PingExchange, "ping_rk")]

    def build_message_ping(self):
        return messaging.MessageCommand("ping")

    def build_message_result(self, value):
        return messaging.MessageResult(value)

    def build_message_up(self):
        return messaging.MessageStatus("up")

    def build_rpc_double(self, number):
        return messaging.RpcCommand("double", parameters={"number": number})
"""

#: The processor of the document, with each kind of handler.
PROCESSOR = (
    PING
    + """
import sys
from postage import microthreads

class PingProcessor(messaging.MessageProcessor):
    def __init__(self, fingerprint):
        super(PingProcessor, self).__init__(
            fingerprint,
            [(PingExchange, [("ping_queue", "ping_rk"), ("ping_queue", "quiet_rk")]),
             (OtherExchange, [("ping_queue", "#.rpc")])],
            None, None)

    @messaging.MessageHandler("command", "ping")
    def msg_ping(self, content):
        say("ping", content["parameters"])

    @messaging.MessageHandler("command", "echo")
    def msg_echo(self, content):
        say("echo", content["parameters"])

    @messaging.MessageHandlerFullBody("result", "none")
    def msg_result(self, body):
        say("result", body["content"]["value"], body["fingerprint"]["name"])

    @messaging.MessageHandler("status", "up")
    def msg_up(self, content):
        say("status", content)

    @messaging.RpcHandler("command", "double")
    def rpc_double(self, content, reply_func):
        reply_func(messaging.MessageResult(content["parameters"]["number"] * 2))

    @messaging.RpcHandler("command", "fail")
    def rpc_fail(self, content, reply_func):
        raise ValueError("no such thing")

    @messaging.RpcHandler("command", "sum")
    class RpcSum(messaging.Handler):
        def call(self):
            self.reply_func(messaging.MessageResult(sum(self.data["parameters"])))

def say(*words):
    print(*words, flush=True)

fingerprint = messaging.Fingerprint("pinger", "controller").as_dict()
scheduler = microthreads.MicroScheduler()
scheduler.add_microthread(PingProcessor(fingerprint))
say("ready")
for thread in scheduler.main():
    pass
"""
)

#: Who sends: plain calls, keys, eks in both forms, calls with their results.
SENDER = (
    PING
    + """
def value_of(result):
    return result.body["content"]["value"]

fingerprint = messaging.Fingerprint("sender", "application").as_dict()
producer = PingProducer(fingerprint)
producer.message_ping()
producer.message_echo("some text", _key="quiet_rk")
producer.message_echo({"a": [1, 2]}, _eks=[(PingExchange, "ping_rk")])
producer.message_result(42)
producer.message_up()
result = producer.rpc_double(21)
assert isinstance(result, messaging.MessageResult) and value_of(result) == 42, result
failed = producer.rpc_fail()
assert isinstance(failed, messaging.MessageResultException) and not failed, failed
assert value_of(failed) == "ValueError", failed.body
assert failed.body["content"]["message"] == "no such thing"
assert value_of(producer.rpc_sum([1, 2, 3], _eks=[(OtherExchange, "a.rpc")])) == 6
queue = producer.rpc_double(4, _queue_only=True)
[gathered] = producer.consume_rpc(queue, 1, timeout=30)
assert value_of(gathered) == 8
late = producer.rpc_nobody_knows(_timeout=5, _max_retry=0)
assert not late, late
try:
    producer.mesage_ping()
except AttributeError as error:
    print(error)
producer.message_quit()
"""
)


def test_the_examples_of_the_document(embedded_broker: EmbeddedBroker, tmp_path: Path) -> None:
    for name, text in {"processor": PROCESSOR, "sender": SENDER}.items():
        (tmp_path / f"{name}.py").write_text(text)
    environ = {**os.environ, "PELAGOS_BUS": embedded_broker.url}
    command = [sys.executable, "-m", "pelagos.compat"]
    with subprocess.Popen(
        [*command, "processor.py"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, cwd=tmp_path,
    ) as processor:  # fmt: skip
        try:
            assert processor.stdout is not None
            assert processor.stdout.readline() == "ready\n"
            sent = subprocess.run(
                [*command, "sender.py"],
                capture_output=True, text=True, check=False, timeout=WAIT, env=environ,
                cwd=tmp_path,
            )  # fmt: skip
            assert sent.returncode == 0, sent.stderr[-3000:]
            assert "mesage_ping" in sent.stdout
            out, err = processor.communicate(timeout=WAIT)
        finally:
            processor.kill()
    assert out.splitlines() == [
        "ping {}",
        "echo some text",
        "echo {'a': [1, 2]}",
        "result 42 sender",
        "status {}",
    ], err[-3000:]
    assert processor.returncode == 0
