"""pika's BlockingConnection."""

import json
import uuid

import pika
from measure import call_in_threads, content, dumps, ready, run


def _open(url):
    connection = pika.BlockingConnection(pika.URLParameters(url))
    return connection, connection.channel()


def publish(url, queue, count, how, clock):
    connection, channel = _open(url)
    channel.queue_declare(queue, durable=True)
    if how == "each":
        channel.confirm_delivery()
    kept = pika.BasicProperties(content_type="application/json", delivery_mode=2)
    clock.start()
    for number in range(count):
        channel.basic_publish("", queue, dumps(content(number)), kept)
    channel.queue_declare(queue, passive=True)
    clock.stop()
    connection.close()


def consume(url, queue, count, prefetch, clock):
    _, channel = _open(url)
    channel.basic_qos(prefetch_count=prefetch)
    seen = 0

    def handle(channel, method, _properties, body):
        nonlocal seen
        json.loads(body)
        channel.basic_ack(method.delivery_tag)
        seen += 1
        if seen == count:
            channel.stop_consuming()

    channel.basic_consume(queue, handle)
    clock.start()
    channel.start_consuming()
    clock.stop()


def serve(url, queue):
    _, channel = _open(url)
    channel.queue_declare(queue, durable=True)
    channel.basic_qos(prefetch_count=50)

    def answer(channel, method, properties, body):
        kept = pika.BasicProperties(
            content_type="application/json", correlation_id=properties.correlation_id
        )
        channel.basic_publish("", properties.reply_to, dumps(json.loads(body)), kept)
        channel.basic_ack(method.delivery_tag)

    channel.basic_consume(queue, answer)
    ready()
    channel.start_consuming()


def call(url, queue, count, callers, clock):
    def make():
        connection, channel = _open(url)
        answers = {}

        def take(_channel, _method, properties, body):
            answers[properties.correlation_id] = json.loads(body)

        channel.basic_consume("amq.rabbitmq.reply-to", take, auto_ack=True)

        def one(number):
            name = uuid.uuid4().hex
            asked = pika.BasicProperties(
                content_type="application/json",
                reply_to="amq.rabbitmq.reply-to",
                correlation_id=name,
            )
            channel.basic_publish("", queue, dumps(content(number)), asked)
            while name not in answers:
                connection.process_data_events(time_limit=10)
            return answers.pop(name)

        return one, connection.close

    return call_in_threads(make, count, callers, clock)


run(globals())
