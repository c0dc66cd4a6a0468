"""No library: frames put together by hand on a blocking socket, and nothing promised or checked.

What Python and the broker leave to a program of one thread; no library can be faster.
"""

import json
import socket
import struct
import time
from urllib.parse import unquote, urlsplit

from measure import WARM, WINDOW, content, dumps, ready, run

DIRECT = "amq.rabbitmq.reply-to"
DELIVER, CONFIRMED = (60, 60), (60, 80)
PREFETCH = 50
DURABLE, NO_ACK = 2, 2


def short(text):
    data = text.encode()
    return bytes((len(data),)) + data


def frame(kind, payload, channel=1):
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"


def method(group, number, arguments=b"", channel=1):
    return frame(1, struct.pack(">HH", group, number) + arguments, channel)


def message(key, body, *, persistent=False, call_id=None, reply_to=None):
    """A publish to the default exchange with its header and its body."""
    flags, properties = 0x9000, short("application/json") + (b"\2" if persistent else b"\1")
    if call_id is not None:
        flags |= 0x0400
        properties += short(call_id)
    if reply_to is not None:
        flags |= 0x0200
        properties += short(reply_to)
    publish = method(60, 40, b"\0\0" + short("") + short(key) + b"\0")
    header = frame(2, struct.pack(">HHQH", 60, 0, len(body), flags) + properties)
    return publish + header + frame(3, body)


class Link:
    """A connection with one channel."""

    def __init__(self, url):
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send = self._socket.sendall
        self._left = b""
        self.send(b"AMQP\0\0\x09\x01")
        self.wait_for(10, 10)
        secret = f"\0{parts.username}\0{parts.password}".encode()
        answer = struct.pack(">I", 0) + short("PLAIN") + struct.pack(">I", len(secret)) + secret
        self.send(method(10, 11, answer + short("en_US"), channel=0))
        channels, size, _ = struct.unpack_from(">HIH", self.wait_for(10, 30), 4)
        self.send(method(10, 31, struct.pack(">HIH", channels, size, 0), channel=0))
        place = short(unquote(parts.path[1:]) or "/")
        self.send(method(10, 40, place + b"\0\0", channel=0))
        self.wait_for(10, 41)
        self.ask(20, 10, b"\0")

    def frames(self):
        """The kinds and payloads of what came; waits for at least one."""
        data, found = self._left, []
        while not found:
            data += self._socket.recv(65_536)
            begin = 0
            while len(data) - begin >= 8:
                end = begin + 8 + int.from_bytes(data[begin + 3 : begin + 7], "big")
                if end > len(data):
                    break
                found.append((data[begin], data[begin + 7 : end - 1]))
                begin = end
            data = data[begin:]
        self._left = data
        return found

    def wait_for(self, *wanted):
        while True:
            for kind, payload in self.frames():
                if kind == 1 and struct.unpack_from(">HH", payload) == wanted:
                    return payload

    def ask(self, group, number, arguments=b""):
        self.send(method(group, number, arguments))
        self.wait_for(group, number + 1)

    def declare(self, queue):
        self.ask(50, 10, b"\0\0" + short(queue) + bytes((DURABLE,)) + b"\0\0\0\0")

    def consume(self, queue, flags=0):
        self.ask(60, 10, struct.pack(">IHB", 0, PREFETCH, 0))
        self.ask(60, 20, b"\0\0" + short(queue) + short("") + bytes((flags,)) + b"\0\0\0\0")

    def deliveries(self):
        """What one read completes: delivery tag, header and body; a piece waits for the rest."""
        parts = []
        while not parts or len(parts) % 3:
            parts += [payload for _, payload in self.frames()]
        for deliver, header, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            tag = struct.unpack_from(">Q", deliver, 5 + deliver[4])[0]
            yield tag, header, body


def texts(header):
    """The short strings of a header that has nothing but them and a delivery mode."""
    begin = 15 + header[14]  # behind the content type
    begin += 1  # and the delivery mode
    while begin < len(header):
        end = begin + 1 + header[begin]
        yield header[begin + 1 : end].decode()
        begin = end


def publish(url, queue, count, how, clock):
    room = {"each": 1, "many": WINDOW}[how]
    link = Link(url)
    link.declare(queue)
    link.ask(85, 10, b"\0")
    waiting, sent = set(), 0
    clock.start()
    while sent < count or waiting:
        new = range(sent, min(count, sent + room - len(waiting)))
        if new:
            link.send(b"".join(message(queue, dumps(content(n)), persistent=True) for n in new))
            sent = new.stop
            waiting.update(n + 1 for n in new)
        for kind, payload in link.frames():
            if kind == 1 and struct.unpack_from(">HH", payload) == CONFIRMED:
                tag, several = struct.unpack_from(">QB", payload, 4)
                waiting -= {one for one in waiting if one <= tag} if several else {tag}
    clock.stop()


def serve(url, queue):
    link = Link(url)
    link.declare(queue)
    link.consume(queue)
    ready()
    while True:
        answers, last = [], 0
        for tag, header, body in link.deliveries():
            call_id, reply_to = texts(header)
            answers.append(message(reply_to, dumps(json.loads(body)), call_id=call_id))
            last = tag
        acknowledged = method(60, 80, struct.pack(">QB", last, 1))
        link.send(b"".join((*answers, acknowledged)))


def call(url, queue, count, callers, clock):
    link = Link(url)
    link.consume(DIRECT, NO_ACK)
    times, begun, made = [], {}, 0

    def ask():
        nonlocal made
        made += 1
        begun[str(made)] = time.perf_counter()
        return message(queue, dumps(content(made)), call_id=str(made), reply_to=DIRECT)

    def take():
        found = 0
        for _, header, body in link.deliveries():
            json.loads(body)
            times.append(time.perf_counter() - begun.pop(next(texts(header))))
            found += 1
        return found

    for _ in range(WARM):
        link.send(ask())
        take()
    times.clear()
    clock.start()
    link.send(b"".join(ask() for _ in range(callers)))
    while len(times) < count:
        link.send(b"".join(ask() for _ in range(take())))
    clock.stop()
    return times[:count]


if __name__ == "__main__":
    run(globals())
