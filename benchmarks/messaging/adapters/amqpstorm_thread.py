"""AMQPStorm."""

import json
from urllib.parse import urlsplit

import amqpstorm
from measure import content, dumps, run


def _open(url):
    place = urlsplit(url)
    connection = amqpstorm.Connection(place.hostname, "guest", "guest", port=place.port)
    return connection, connection.channel()


def publish(url, queue, count, how, clock):
    _, channel = _open(url)
    channel.queue.declare(queue, durable=True)
    if how == "each":
        channel.confirm_deliveries()
    kept = {"content_type": "application/json", "delivery_mode": 2}
    clock.start()
    for number in range(count):
        channel.basic.publish(dumps(content(number)), queue, properties=kept)
    channel.queue.declare(queue, passive=True)
    clock.stop()


def consume(url, queue, count, prefetch, clock):
    _, channel = _open(url)
    channel.basic.qos(prefetch)
    seen = 0

    def handle(message):
        nonlocal seen
        json.loads(message.body)
        message.ack()
        seen += 1
        if seen == count:
            clock.stop()
            channel.stop_consuming()

    channel.basic.consume(handle, queue)
    clock.start()
    channel.start_consuming()


run(globals())
