"""Advanced echo: messages of one's own form, several handlers, filters, and two processors.

    python examples/messaging_advanced_echo.py receive
    python examples/messaging_advanced_echo.py send "ahoy" 3
    python examples/messaging_advanced_echo.py old "ahoy"     (as programs of last year sent it)

The receiver runs two processors side by side in one thread: one echoes, one counts.
"""

from __future__ import annotations

import sys

from pelagos.compat.postage import messaging, microthreads


class EchoExchange(messaging.Exchange):
    name = "advanced-echo-exchange"
    exchange_type = "topic"


class EchoProducer(messaging.GenericProducer):
    eks = [(EchoExchange, "echo.text")]

    def build_message_echo(self, text, times=1):
        return messaging.MessageCommand("echo", {"text": text, "times": times})

    def build_message_old_echo(self, text):
        return messaging.MessageCommand("echo", text)


def with_times(content):
    """What was sent before messages said how often: once."""
    parameters = content["parameters"]
    if isinstance(parameters, str):
        content["parameters"] = {"text": parameters, "times": 1}
    return content


def not_empty(content):
    if not content["parameters"]["text"]:
        raise messaging.FilterError("nothing to say")
    return content


class EchoProcessor(messaging.MessageProcessor):
    @messaging.MessageFilter(not_empty)
    @messaging.MessageFilter(with_times)
    @messaging.MessageHandler("command", "echo")
    class Echo(messaging.Handler):
        def call(self):
            said = self.data["parameters"]
            print(" ".join([said["text"]] * said["times"]), flush=True)

    @messaging.MessageHandlerFullBody("command", "echo")
    def msg_who(self, body):
        print(f"  said by {body['fingerprint']['name']}", flush=True)


class CountProcessor(messaging.MessageProcessor):
    heard = 0

    @messaging.MessageHandler("command", "echo")
    def msg_count(self, _content):
        self.heard += 1
        print(f"  heard {self.heard}", flush=True)


def producer():
    return EchoProducer(messaging.Fingerprint("advanced_send", "application").as_dict())


def receive():
    fingerprint = messaging.Fingerprint("advanced_receive", "application").as_dict()
    scheduler = microthreads.MicroScheduler()
    for processor, queue in ((EchoProcessor, "advanced-echo"), (CountProcessor, "advanced-count")):
        eqk = [(EchoExchange, [(queue, "echo.*"), ({"name": queue, "flags": {}}, "control")])]
        scheduler.add_microthread(processor(fingerprint, eqk, None, None))
    for _ in scheduler.main():
        pass


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["send", text, times]:
            with producer() as sender:
                sender.message_echo(text, int(times))
        case ["old", text]:
            with producer() as sender:
                sender.message_old_echo(text)
        case ["quit"]:
            with producer() as sender:
                sender.message_quit(_key="control")
        case ["receive"]:
            receive()
        case _:
            sys.exit(__doc__)
