"""What a program that ends without closing its producer leaves behind."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pelagos.messaging import connect
from pelagos.messaging.broker.server import EmbeddedBroker
from pelagos.messaging.transports.base import Queue

COUNT = 500
PROGRAM = """
import sys
from pelagos.messaging import Exchange, GenericProducer
class Default(Exchange):
    name = ""
class Producer(GenericProducer):
    eks = ((Default, "left"),)
producer = Producer(bus=sys.argv[1])
for number in range({count}):
    producer.message_go(number, _wait=False)
{ending}
"""


@pytest.mark.parametrize("ending", ["", "sys.exit(0)"])
def test_what_was_handed_over_leaves_before_the_program_ends(
    embedded_broker: EmbeddedBroker, ending: str
) -> None:
    link = connect(embedded_broker.url).open()
    link.declare_queue(Queue("left"))
    program = PROGRAM.format(count=COUNT, ending=ending)
    ended = subprocess.run(
        [sys.executable, "-c", program, embedded_broker.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stderr == ""
    assert embedded_broker.core("/").depth("left") == COUNT
    link.close()
