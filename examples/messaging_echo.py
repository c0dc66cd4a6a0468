"""Echo: one program says something, another one hears it.

    python examples/messaging_echo.py receive        (in one terminal)
    python examples/messaging_echo.py send "ahoy"    (in another one)

The bus is the one of PELAGOS_BUS, or a broker on this computer. The names are Postage's.
"""

from __future__ import annotations

import sys

from pelagos.compat.postage import messaging, microthreads


class EchoExchange(messaging.Exchange):
    name = "echo-exchange"
    exchange_type = "direct"


class EchoProducer(messaging.GenericProducer):
    eks = [(EchoExchange, "echo-rk")]


class EchoProcessor(messaging.MessageProcessor):
    @messaging.MessageHandler("command", "echo")
    def msg_echo(self, content):
        print(content["parameters"], flush=True)


def send(text):
    with EchoProducer(messaging.Fingerprint("echo_send", "application").as_dict()) as producer:
        producer.message_echo(text)


def receive():
    """Until the command `quit` comes."""
    fingerprint = messaging.Fingerprint("echo_receive", "application").as_dict()
    eqk = [(EchoExchange, [("echo-queue", "echo-rk")])]
    scheduler = microthreads.MicroScheduler()
    scheduler.add_microthread(EchoProcessor(fingerprint, eqk, None, None))
    for _ in scheduler.main():
        pass


def quit_receiver():
    with EchoProducer(messaging.Fingerprint("echo_send", "application").as_dict()) as producer:
        producer.message_quit()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["send", text]:
            send(text)
        case ["receive"]:
            receive()
        case ["quit"]:
            quit_receiver()
        case _:
            sys.exit(__doc__)
