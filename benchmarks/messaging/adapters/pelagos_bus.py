"""Pelagos: a producer, a consumer, and calls to a processor."""

from measure import WINDOW, call_in_threads, content, ready, run

from pelagos.messaging import (
    Exchange,
    GenericConsumer,
    GenericProducer,
    MessageCommand,
    MessageProcessor,
    RpcHandler,
)


class Direct(Exchange):
    name = ""


def _producer(url, queue):
    class Producer(GenericProducer):
        eks = ((Direct, queue),)
        buffer_limit = WINDOW

    return Producer({"name": "bench", "type": "bench"}, bus=url)


def _consumer(url, queue, width):
    class Consumer(GenericConsumer):
        eqk = ((Direct, ((queue, queue),)),)
        prefetch = width

    return Consumer(bus=url)


def publish(url, queue, count, how, clock):
    with _consumer(url, queue, 1) as consumer:
        declare(consumer)
    with _producer(url, queue) as producer:
        producer.message_bench(content(0))  # opens the connection
        clock.start()
        if how == "many":
            producer.publish_many(MessageCommand("bench", content(n)) for n in range(1, count))
        else:
            for number in range(1, count):
                producer.message_bench(content(number))
        clock.stop()


def declare(consumer):
    connection = consumer.bus.open()
    for binding in consumer.bindings:
        connection.declare_queue(binding.queue)
    connection.close()


def consume(url, queue, count, prefetch, clock):
    consumer = _consumer(url, queue, prefetch)
    seen = 0

    def handle(message):
        nonlocal seen
        clock.start()  # its own beginning is not counted
        seen += 1
        if seen == count:
            consumer.stop_consuming()

    consumer.start_consuming(handle)
    clock.stop()


def serve(url, queue):
    class Server(MessageProcessor):
        prefetch = 50
        eqk = ((Direct, ((queue, queue),)),)

        @RpcHandler("command", "echo")
        def echo(self, content, reply_func):
            reply_func(content["parameters"])

    processor = Server({"name": "bench", "type": "bench"}, bus=url)
    ready()
    processor.start_consuming()


def call(url, queue, count, callers, clock):
    producer = _producer(url, queue)

    def make():
        return (lambda number: bool(producer.rpc_echo(content(number)))), lambda: None

    return call_in_threads(make, count, callers, clock)


if __name__ == "__main__":
    run(globals())
