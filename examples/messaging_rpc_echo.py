"""RPC echo: one program asks, another one answers.

python examples/messaging_rpc_echo.py serve
python examples/messaging_rpc_echo.py call "ahoy"
python examples/messaging_rpc_echo.py divide 1 0      (an exception travels, too)
"""

from __future__ import annotations

import sys

from pelagos.compat.postage import messaging, microthreads


class EchoExchange(messaging.Exchange):
    name = "rpc-echo-exchange"
    exchange_type = "direct"


class EchoProducer(messaging.GenericProducer):
    eks = [(EchoExchange, "rpc-echo-rk")]

    def build_rpc_divide(self, dividend, divisor):
        return messaging.RpcCommand("divide", {"dividend": dividend, "divisor": divisor})


class EchoProcessor(messaging.MessageProcessor):
    @messaging.RpcHandler("command", "echo")
    def rpc_echo(self, content, reply_func):
        reply_func(messaging.MessageResult(f"RPC: {content['parameters']}"))

    @messaging.RpcHandler("command", "divide")
    def rpc_divide(self, content, reply_func):
        given = content["parameters"]
        reply_func(given["dividend"] / given["divisor"])


def call(name, *arguments):
    with EchoProducer(messaging.Fingerprint("rpc_call", "application").as_dict()) as producer:
        reply = getattr(producer, f"rpc_{name}")(*arguments)
    content = reply.body["content"]
    if reply:
        print(content["value"])
        return 0
    print(f"it failed: {content['value']}: {content['message']}")
    return 1


def serve():
    fingerprint = messaging.Fingerprint("rpc_serve", "application").as_dict()
    eqk = [(EchoExchange, [("rpc-echo-queue", "rpc-echo-rk")])]
    scheduler = microthreads.MicroScheduler()
    scheduler.add_microthread(EchoProcessor(fingerprint, eqk, None, None))
    for _ in scheduler.main():
        pass


def quit_server():
    with EchoProducer(messaging.Fingerprint("rpc_call", "application").as_dict()) as producer:
        producer.message_quit()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["call", text]:
            sys.exit(call("echo", text))
        case ["divide", dividend, divisor]:
            sys.exit(call("divide", int(dividend), int(divisor)))
        case ["serve"]:
            serve()
        case ["quit"]:
            quit_server()
        case _:
            sys.exit(__doc__)
