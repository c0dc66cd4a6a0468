"""Fixtures that many suites share."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from pelagos.messaging.broker.server import Bounds, EmbeddedBroker
from support import openstack_services, postgresql, rabbitmq, slap_site
from support.real_calls import RealCalls
from support.require import Require

_SHARED = "PELAGOS_TEST_SHARED"

# How long an example takes says how busy the machine is, and no more.
settings.register_profile(
    "patient",
    settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")

#: For a test with a program that we did not write, which may wait until it is installed.
_INTEROP_SECONDS = 900
#: For a test on all of OpenStack, which may wait until it is installed and started.
_WHOLE_OPENSTACK_SECONDS = 1800


def pytest_addoption(parser: pytest.Parser) -> None:
    """For runs on real services alone."""
    told = "fail when a method of the cloud clients that real services answer was never called"
    parser.addoption("--real-calls", action="store_true", help=told)


def pytest_configure(config: pytest.Config) -> None:
    """One folder for the whole run, known to all its workers; and Ctrl-C works in what we start.

    A shell starts its background jobs with SIGINT ignored, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # A run that is ended by SIGTERM puts everything away, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        os.environ[_SHARED] = tempfile.mkdtemp(prefix="pelagos-test-")
    if config.getoption("--real-calls"):
        config.pluginmanager.register(RealCalls())


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what the workers shared, once they have all gone."""
    if not hasattr(config, "workerinput"):
        folder = Path(os.environ.pop(_SHARED))
        rabbitmq.stop_shared(folder)
        postgresql.stop_shared(folder)
        openstack_services.stop_shared(folder)
        shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with other programs have time; all of OpenStack is where `make openstack` looks."""
    for item in items:
        if item.get_closest_marker("interop") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_INTEROP_SECONDS))
        if item.get_closest_marker("whole_openstack") is not None:
            folder = item.path.relative_to(Path(__file__).parent).parts[0]
            assert folder in {"contract", "interop"}, f"move {item.nodeid} to tests/interop"
            item.add_marker(pytest.mark.timeout(_WHOLE_OPENSTACK_SECONDS), append=False)


@pytest.fixture(scope="session")
def require() -> Require:
    return Require()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that needs root is skipped for others, except under CI=true, where it fails."""
    if os.geteuid() != 0 and item.get_closest_marker("needs_root") is not None:
        Require().missing("this test needs root")


@pytest.fixture(scope="session")
def rabbitmq_url(require: Require) -> str:
    """A real broker that all tests of the run share; nobody may stop it."""
    require.program("rabbitmq-server", package="rabbitmq-server")
    return rabbitmq.start_shared(Path(os.environ[_SHARED]))


@pytest.fixture(scope="session")
def openstack(require: Require) -> openstack_services.OpenStack:
    """A real Keystone with a real Swift that all tests of the run share; nobody may stop them."""
    try:
        return openstack_services.start_shared(Path(os.environ[_SHARED]))
    except openstack_services.PeerMissingError as error:
        require.missing(str(error))
        raise


@pytest.fixture(scope="session")
def whole_openstack(require: Require) -> openstack_services.OpenStack:
    """The same, with Nova, Neutron, Cinder and Glance beside them."""
    try:
        return openstack_services.start_whole(Path(os.environ[_SHARED]))
    except openstack_services.PeerMissingError as error:
        require.missing(str(error))
        raise


@pytest.fixture
def patient_shelves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of the store that changed are always read before a question is answered."""
    monkeypatch.setattr("pelagos.directory.backends.shelf._PATIENCE", 60)


@pytest.fixture
def embedded_broker() -> Iterator[EmbeddedBroker]:
    """An AMQP broker of one's own in this process; it is there in milliseconds."""
    with EmbeddedBroker(bounds=Bounds(message=4_000_000)) as broker:
        yield broker


@pytest.fixture(scope="session")
def postgresql_server(require: Require) -> str:
    """The URL of a real server that all tests of the run share; nobody may stop it."""
    if postgresql.program("initdb") is None:
        require.missing("the program initdb is missing: apt-get install postgresql")
    return postgresql.start_shared(Path(os.environ[_SHARED]))


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """The URL of an empty database of one's own on it."""
    url = postgresql.create_database(postgresql_server)
    yield url
    postgresql.drop_database(url)


@pytest.fixture(scope="session")
def reused_postgresql_url(postgresql_server: str) -> str:
    """The URL of a database that tests of this worker use one after another; see `database`."""
    return postgresql.create_database(postgresql_server)


@pytest.fixture(scope="session")
def reused_directory_url(postgresql_server: str) -> str:
    """The URL of a database that the directory's tests of this worker use one after another."""
    return postgresql.create_database(postgresql_server)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database for a directory's store; a test runs on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'directory.db'}"
    url = str(request.getfixturevalue("reused_directory_url"))
    postgresql.empty_directory(url)
    return url


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The kind of database that `Site` uses in this test: "sqlite", or as it is parametrised."""
    kind = getattr(request, "param", "sqlite")
    if kind == "postgresql":
        slap_site.shared_url = request.getfixturevalue("reused_postgresql_url")
        postgresql.empty(slap_site.shared_url)
    yield kind
    slap_site.shared_url = None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What names the fixture `database` runs on both kinds."""
    if "database" in metafunc.fixturenames and _uses_database(metafunc):
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def _uses_database(metafunc: pytest.Metafunc) -> bool:
    names = {"site", "bare", "wire"} & set(metafunc.fixturenames)
    return bool(names) or "Site" in vars(metafunc.module)


@pytest.fixture
def own_postgresql(require: Require) -> Iterator[postgresql.Server]:
    """A real server of one's own, to be killed and started again at will."""
    if postgresql.program("initdb") is None:
        require.missing("the program initdb is missing: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        server = postgresql.Server(Path(folder) / "server")
        try:
            server.start()
            yield server
        finally:
            server.stop(signal.SIGKILL)


@pytest.fixture(scope="module")
def own_rabbitmq(require: Require) -> Iterator[rabbitmq.Broker]:
    """A real broker of one's own, to be killed and started again at will."""
    require.program("rabbitmq-server", package="rabbitmq-server")
    with tempfile.TemporaryDirectory(prefix="rmq-") as folder:
        broker = rabbitmq.Broker(Path(folder))
        with contextlib.closing(broker):
            broker.start()
            yield broker


@pytest.fixture(autouse=True)
def _logging_ends_with_the_test() -> Iterator[None]:
    """What a program configured in this process must not write into a later test's streams."""
    yield
    root = logging.getLogger()
    for handler in [h for h in root.handlers if getattr(h, "pelagos", False)]:
        root.removeHandler(handler)
