"""nameko: calls between its stand-alone client and a service."""

import sys

if "serve" in sys.argv:
    import eventlet

    eventlet.monkey_patch()

from measure import call_in_threads, content, ready, run
from nameko.containers import ServiceContainer
from nameko.rpc import rpc
from nameko.standalone.rpc import ClusterRpcProxy


def serve(url, queue):
    class Service:
        name = queue

        @rpc
        def echo(self, given):
            return given

    container = ServiceContainer(Service, config={"AMQP_URI": url, "max_workers": 50})
    container.start()
    ready()
    container.wait()


def call(url, queue, count, callers, clock):
    def make():
        proxy = ClusterRpcProxy({"AMQP_URI": url})
        echo = getattr(proxy.start(), queue).echo
        return (lambda number: echo(content(number))), proxy.stop

    return call_in_threads(make, count, callers, clock)


run(globals())
