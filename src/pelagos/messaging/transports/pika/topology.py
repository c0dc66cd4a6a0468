"""Requests about exchanges and queues, as pika words them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from pelagos.messaging.errors import TopologyError
from pelagos.messaging.exchange import Exchange
from pelagos.messaging.transports.base import Queue, QueueInfo, check_names
from pelagos.messaging.transports.pika.translate import check_table

Channel = Any  # pika ships no types
Answer = Callable[[Any], None]


class Topology(ABC):
    """The half of a connection that declares, binds and deletes."""

    @abstractmethod
    def _ask(self, name: str, start: Callable[[Channel, Answer], None]) -> Any:
        """Let pika's channel send a request that is about `name`, and wait for its answer."""

    def declare_exchange(self, exchange: type[Exchange]) -> None:
        """Make sure that the exchange exists as described."""
        check_names(exchange.name)
        if exchange.name:
            parameters = dict(exchange.parameters)
            check_table(parameters.get("arguments") or {}, exchange.name)
            self._ask(
                exchange.name,
                lambda channel, answer: channel.exchange_declare(**parameters, callback=answer),
            )

    def declare_queue(self, queue: Queue) -> QueueInfo:
        """Make sure that the queue exists as described."""
        check_table(queue.arguments, queue.name)
        frame = self._ask(
            queue.name,
            lambda channel, answer: channel.queue_declare(
                queue.name,
                passive=queue.passive,
                durable=queue.durable,
                exclusive=queue.exclusive,
                auto_delete=queue.auto_delete,
                arguments=dict(queue.arguments),
                callback=answer,
            ),
        )
        answer = frame.method
        return QueueInfo(answer.queue, answer.message_count, answer.consumer_count)

    def delete_exchange(self, exchange: str) -> None:
        """Delete an exchange."""
        check_names(exchange)
        self._ask(
            exchange, lambda channel, answer: channel.exchange_delete(exchange, callback=answer)
        )

    def bind(
        self, exchange: str, queue: str, key: str, arguments: Mapping[str, Any] | None = None
    ) -> None:
        """Let the exchange put what matches into the queue."""
        check_names(exchange, queue, key)
        table = check_table(arguments or {}, queue)
        self._ask(
            queue,
            lambda channel, answer: channel.queue_bind(
                queue, exchange, key, table, callback=answer
            ),
        )

    def unbind(
        self, exchange: str, queue: str, key: str, arguments: Mapping[str, Any] | None = None
    ) -> None:
        """Take a binding away; on some brokers a missing queue or exchange is an error."""
        check_names(exchange, queue, key)
        table = check_table(arguments or {}, queue)
        try:
            self._ask(
                queue,
                lambda channel, answer: channel.queue_unbind(
                    queue, exchange, key, table, callback=answer
                ),
            )
        except TopologyError as error:
            if not error.is_missing:
                raise

    def bind_exchange(self, source: str, destination: str, key: str) -> None:
        """Let one exchange pass what matches the key on to another."""
        check_names(source, key=key)
        check_names(destination)
        self._ask(
            destination,
            lambda channel, answer: channel.exchange_bind(
                destination, source, key, callback=answer
            ),
        )

    def delete_queue(self, queue: str) -> None:
        """Delete a queue with its messages."""
        check_names(queue=queue)
        self._ask(queue, lambda channel, answer: channel.queue_delete(queue, callback=answer))

    def purge_queue(self, queue: str) -> int:
        """Drop what waits in a queue; how many messages that were."""
        check_names(queue=queue)
        frame = self._ask(
            queue, lambda channel, answer: channel.queue_purge(queue, callback=answer)
        )
        return int(frame.method.message_count)
