"""pika's SelectConnection: one thread, callbacks, as fast as pika goes."""

import json
import time

import pika
from measure import WARM, WINDOW, content, dumps, ready, run

CHUNK = 64  # messages in one turn of the loop when nothing is confirmed


def _run(url, on_channel):
    def opened(connection):
        connection.channel(on_open_callback=on_channel)

    def ended(connection, _error):
        connection.ioloop.stop()

    connection = pika.SelectConnection(
        pika.URLParameters(url),
        on_open_callback=opened,
        on_open_error_callback=ended,
        on_close_callback=ended,
    )
    connection.ioloop.start()


def publish(url, queue, count, how, clock):
    kept = pika.BasicProperties(content_type="application/json", delivery_mode=2)
    sent = confirmed = 0
    waiting = set()

    def on_channel(channel):
        loop = channel.connection.ioloop

        def finish(_frame=None):
            clock.stop()
            loop.stop()

        def send(number):
            nonlocal sent
            for _ in range(min(number, count - sent)):
                channel.basic_publish("", queue, dumps(content(sent)), kept)
                sent += 1
                waiting.add(sent)

        def turn():
            send(CHUNK)
            if sent < count:
                loop.add_callback_threadsafe(turn)
            else:
                channel.queue_declare(queue, passive=True, callback=finish)

        def on_confirm(frame):
            nonlocal confirmed
            tag = frame.method.delivery_tag
            done = [one for one in waiting if one <= tag] if frame.method.multiple else [tag]
            waiting.difference_update(done)
            confirmed += len(done)
            if confirmed == count:
                finish()
            else:
                send(WINDOW - len(waiting))

        def begin(_frame):
            clock.start()
            if how == "none":
                turn()
            else:
                send(WINDOW)

        if how == "none":
            channel.queue_declare(queue, durable=True, callback=begin)
        else:
            channel.queue_declare(queue, durable=True)
            channel.confirm_delivery(on_confirm, begin)

    _run(url, on_channel)


def consume(url, queue, count, prefetch, clock):
    seen = 0

    def on_channel(channel):
        def handle(channel, method, _properties, body):
            nonlocal seen
            json.loads(body)
            channel.basic_ack(method.delivery_tag)
            seen += 1
            if seen == count:
                channel.queue_declare(queue, passive=True, callback=finish)

        def finish(_frame):
            clock.stop()
            channel.connection.ioloop.stop()

        def begin(_frame):
            clock.start()
            channel.basic_consume(queue, handle)

        channel.basic_qos(prefetch_count=prefetch, callback=begin)

    _run(url, on_channel)


def serve(url, queue):
    def on_channel(channel):
        def answer(channel, method, properties, body):
            kept = pika.BasicProperties(
                content_type="application/json", correlation_id=properties.correlation_id
            )
            channel.basic_publish("", properties.reply_to, dumps(json.loads(body)), kept)
            channel.basic_ack(method.delivery_tag)

        channel.queue_declare(queue, durable=True)
        channel.basic_qos(prefetch_count=50)
        channel.basic_consume(queue, answer, callback=lambda _frame: ready())

    _run(url, on_channel)


def call(url, queue, count, callers, clock):
    times, begun, made = [], {}, 0

    def on_channel(channel):
        def ask():
            nonlocal made
            name = str(made)
            made += 1
            begun[name] = time.perf_counter()
            asked = pika.BasicProperties(
                content_type="application/json",
                reply_to="amq.rabbitmq.reply-to",
                correlation_id=name,
            )
            channel.basic_publish("", queue, dumps(content(made)), asked)

        def take(_channel, _method, properties, body):
            json.loads(body)
            times.append(time.perf_counter() - begun.pop(properties.correlation_id))
            if clock.began is None:
                if len(times) < WARM:
                    ask()
                    return
                times.clear()
                clock.start()
                for _ in range(callers):
                    ask()
            elif len(times) >= count:
                clock.stop()
                channel.connection.ioloop.stop()
            else:
                ask()

        channel.basic_consume(
            "amq.rabbitmq.reply-to", take, auto_ack=True, callback=lambda _frame: ask()
        )

    _run(url, on_channel)
    return times[:count]


run(globals())
