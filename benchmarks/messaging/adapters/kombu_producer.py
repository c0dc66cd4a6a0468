"""kombu over py-amqp. It has no calls."""

import kombu
from measure import content, run


def publish(url, queue, count, how, clock):
    options = {"confirm_publish": True} if how == "each" else {}
    with kombu.Connection(url, transport_options=options) as connection:
        target = kombu.Queue(queue, durable=True, channel=connection)
        target.declare()
        producer = connection.Producer(serializer="json")
        clock.start()
        for number in range(count):
            producer.publish(content(number), exchange="", routing_key=queue, delivery_mode=2)
        kombu.Queue(queue, durable=True, channel=producer.channel).queue_declare(passive=True)
        clock.stop()


def consume(url, queue, count, prefetch, clock):
    seen = 0

    def handle(_body, message):
        nonlocal seen
        message.ack()
        seen += 1

    with kombu.Connection(url) as connection:
        source = kombu.Queue(queue, durable=True)
        consumer = connection.Consumer(source, callbacks=[handle], prefetch_count=prefetch)
        clock.start()
        with consumer:
            while seen < count:
                connection.drain_events(timeout=30)
        clock.stop()


run(globals())
