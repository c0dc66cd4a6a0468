import sys
import urllib.request

import pytest

from pelagos.messaging.errors import ConnectionLostError, MessagingError, PublishTimeoutError
from pelagos.messaging.middleware import Outgoing
from pelagos.messaging.observation.metrics import MetricsMissingError, PrometheusMetrics


def outgoing(name="resize"):
    return Outgoing({"category": "message", "type": "command", "name": name}, "events", "k")


def value(metrics, metric, /, **labels):
    return metrics.registry.get_sample_value(f"pelagos_bus_{metric}", labels)


KIND = {"exchange": "events", "category": "message", "type": "command", "name": "resize"}


def test_what_is_sent_is_counted_with_its_fate():
    metrics = PrometheusMetrics()
    for error in (None, PublishTimeoutError("late", message_id="1")):
        metrics.before_publish(outgoing())
        assert value(metrics, "publishing") == 1
        metrics.after_publish(outgoing(), error, 0.004)
    assert value(metrics, "published_total", **KIND) == 2
    assert value(metrics, "confirmed_total", **KIND) == 1
    failed = {"exchange": "events", "error": "PublishTimeoutError"}
    assert value(metrics, "publish_failed_total", **failed) == 1
    assert value(metrics, "publish_seconds_count", exchange="events") == 2
    assert value(metrics, "publishing") == 0


def test_what_is_handled_is_counted_with_its_outcome():
    metrics = PrometheusMetrics()
    for outcome in ("ack", "retry", "dead"):
        metrics.before_handle(None, "A.b")
        assert value(metrics, "in_flight", handler="A.b") == 1
        metrics.after_handle(None, "A.b", outcome, 0.02)
        assert value(metrics, "handled_total", handler="A.b", outcome=outcome) == 1
    assert value(metrics, "in_flight", handler="A.b") == 0
    assert value(metrics, "handle_seconds_sum", handler="A.b") == pytest.approx(0.06)


def test_connections_are_counted():
    metrics = PrometheusMetrics()
    metrics.on_connected("amqp://h/")
    assert value(metrics, "connected", bus="amqp://h/") == 1
    metrics.on_disconnected("amqp://h/", ConnectionLostError("gone"))
    metrics.on_connected("amqp://h/")
    metrics.on_disconnected("amqp://h/", None)
    metrics.on_connected("amqp://h/")
    metrics.on_disconnected("amqp://h/", None)
    assert value(metrics, "connected", bus="amqp://h/") == 0
    assert value(metrics, "connections_lost_total", bus="amqp://h/") == 1


def test_names_without_end_do_not_fill_the_memory():
    metrics = PrometheusMetrics()
    for number in range(3000):
        metrics.before_publish(outgoing(f"n{number}"))
    assert metrics.text().count("pelagos_bus_published_total{") == 1001


def test_they_are_served_on_this_computer_alone():
    metrics = PrometheusMetrics()
    metrics.on_connected("memory:x")
    with metrics.serve(0) as server:
        assert server.url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(server.url, timeout=20) as answer:
            assert 'pelagos_bus_connected{bus="memory:x"} 1.0' in answer.read().decode()
        with pytest.raises(MessagingError, match="cannot serve metrics on"):
            metrics.serve(server.port)
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(server.url, timeout=20)
    server.close()


@pytest.mark.parametrize(("port", "host"), [(65_536, "127.0.0.1"), (0, "x" * 64 + ".invalid")])
def test_an_address_that_cannot_be_had_is_told(port, host):
    with pytest.raises(MessagingError, match=r"cannot serve metrics on .*: .*(0-65535|idna)"):
        PrometheusMetrics().serve(port, host)


def test_a_name_that_is_no_text_for_utf_8_spoils_no_other():
    metrics = PrometheusMetrics()
    for name in ("\ud800", "resize"):
        metrics.before_publish(outgoing(name))
    assert 'name="resize"' in metrics.text() and "ud800" in metrics.text()


def test_two_objects_do_not_clash():
    PrometheusMetrics().on_connected("a")
    assert value(PrometheusMetrics(), "connected", bus="a") is None


def test_a_missing_library_is_told_with_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MetricsMissingError, match="prometheus_client") as raised:
        PrometheusMetrics()
    assert raised.value.hint == "pip install 'pelagos[metrics]'"
