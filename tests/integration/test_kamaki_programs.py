"""Programs as they were written for the ancestor, unchanged, against a cloud in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from pelagos.box import Box
from pelagos.clients import Cloud, CloudSettings
from pelagos.compat.kamaki.clients.cyclades import CycladesClient, CycladesNetworkClient
from pelagos.compat.kamaki.clients.pithos import PithosClient
from support.box_site import ask
from support.tls_site import serve_tls

WAIT = 60.0

#: What the first document shows: a list, an error that says its status and details.
LISTING = """
import sys
from kamaki.clients.pithos import PithosClient, ClientError

url, token, user, container, absent = sys.argv[1:]
pithos = PithosClient(url, token, user, container)
pithos.create_container(container)
pithos.upload_object('notes.txt', open(__file__, 'rb'))

for obj in pithos.list_objects(container):
    print('%s %s' % (obj['name'], obj['bytes']))
try:
    pithos.get_object_info(absent)
except ClientError as e:
    print('Error: %s (status %s)' % (str(e).strip(), e.status))
    for detail in e.details:
        assert detail
"""

#: What the second shows: a client of one's own that makes several calls at once.
THREADS = """
import sys
from kamaki.clients import Client, ClientError, SilentEvent

class Lister(Client):
    def sizes(self, account, containers):
        self._init_thread_limit(2)
        flying, done = [], []
        for name in containers:
            event = SilentEvent(self.get, '/%s/%s' % (account, name),
                                async_params={'format': 'json'}, success=200)
            event.start()
            done.append(event)
            flying.append(event)
            flying = self._watch_thread_limit(flying)
        for event in done:
            event.join()
        return [len(event.value.json) if not event.exception else event.exception.status
                for event in done]

url, token, user = sys.argv[1:]
lister = Lister(base_url=url, token=token)
lister.async_run(lister.put, [{'path': '/%s/many%s' % (user, i), 'success': (201, 202)}
                              for i in range(3)])
print(lister.sizes(user, ['many0', 'many1', 'absent', 'many2']))
"""

#: As most programs begin: a cloud by its name, the services by the catalogue.
BY_NAME = """
import logging
from io import BytesIO
from os.path import exists
from kamaki.cli.config import Config
from kamaki.cli.logger import add_file_logger
from kamaki.clients import ClientError
from kamaki.clients.astakos import AstakosClient, CachedAstakosClient
from kamaki.clients.pithos import PithosClient
from kamaki.clients.utils import https

config = Config()
https.patch_with_certs(config.get_global('ca_certs'))
add_file_logger('kamaki.clients', filename='wire.log')
cloud = config.get_global('default_cloud')
url, token = config.get_cloud(cloud, 'url'), config.get_cloud(cloud, 'token')
user = AstakosClient(url, token)
user.authenticate()
session = CachedAstakosClient(url, [token])
assert session.user_term('id') == user.user_term('id')
service = user.get_service_endpoints(PithosClient.service_type)['publicURL']
pithos = PithosClient(service, token, user.user_term('id'), 'data')
pithos.create_container()

def gauge(step):
    def generator(n):
        for i in range(int(n) + 1):
            step.append(i)
            yield
    return generator

steps = []
blocks = int(pithos.get_container_info()['x-container-block-size'])
content = b'x' * blocks + bytes(blocks) + b'x' * blocks + b'y'
pithos.upload_object('big', BytesIO(content), upload_cb=gauge(steps),
                     sharing=dict(read=['*'], write=[]), public=True)
assert steps
assert pithos.download_to_string('big') == content
assert pithos.get_object_sharing('big') == {'read': '*'}, pithos.get_object_sharing('big')
assert pithos.download_to_string('big', range_str='%s-' % (3 * blocks - 1)) == b'xy'
back = BytesIO()
pithos.download_object('big', back)
assert back.getvalue() == content
pithos.set_object_meta('big', {'Colour': 'blue'})
pithos.copy_object('data', 'big', 'data', 'copy')
pithos.append_object('copy', BytesIO(b'tail'))
pithos.truncate_object('copy', 5)
assert pithos.container == 'data'
assert pithos.download_to_string('copy') == b'xxxxx'
pithos.del_object('big')
try:
    pithos.get_object_info('big')
except ClientError as error:
    assert error.status == 404, error
wire = open('wire.log').read()
assert 'X-Auth-Token: ...' in wire and token not in wire
print(pithos.list_containers()[0]['name'], pithos.get_account_quota() != {})
"""


#: A program that makes servers, as it was written for Synnefo.
SERVERS = """
import sys
from kamaki.clients import ClientError
from kamaki.clients.astakos import AstakosClient
from kamaki.clients.blockstorage import BlockStorageClient
from kamaki.clients.cyclades import (
    CycladesBlockStorageClient, CycladesClient, CycladesNetworkClient)
from kamaki.clients.image import ImageClient

url, token = sys.argv[1:]
user = AstakosClient(url, token)
def client(kind):
    return kind(user.get_endpoint_url(kind.service_type), token)

compute = client(CycladesClient)
networks = client(CycladesNetworkClient)
image = compute.list_images()[0]
assert image['id'] in [one['id'] for one in client(ImageClient).list_public()]
flavor = compute.list_flavors(detail=True)[0]
made = compute.create_server('web', flavor['id'], image['id'], networks=[],
                             metadata={'role': 'web'})
assert made['adminPass'] and made['status'] == 'BUILD', made
seen = []
server = compute.wait_server_while(made['id'], 'BUILD', delay=0.05, max_wait=30,
                                   wait_cb=seen.append)
assert seen and server['status'] == 'ACTIVE', server
compute.update_server_metadata(made['id'], os='debian')
info = compute.get_server_info(made['id'])
print(info['name'], info['os'], compute.get_server_metadata(made['id'], 'role'))
compute.update_server_name(made['id'], 'www')
private = networks.create_network('MAC_FILTERED', 'inside')
networks.create_subnet(private['id'], '10.1.0.0/24')
port = networks.create_port(private['id'], device_id=made['id'])
networks.wait_port_while(port['id'], 'BUILD', delay=0.05, max_wait=30)
print(compute.list_networks(detail=True)[-1]['name'], len(networks.list_ports(detail=True)))
networks.delete_port(port['id'])
volume = client(CycladesBlockStorageClient).create_volume(1, 'data', server_id=made['id'])
print(volume['display_name'])
compute.shutdown_server(made['id'])
server = compute.wait_server_until(made['id'], 'STOPPED', delay=0.05, max_wait=30)
print(server['name'], server['status'])
compute.delete_server(made['id'])
try:
    compute.get_server_details(99999)
except ClientError as error:
    print(error.status, str(error).strip())
"""


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with Box(pace=0.1) as running:
        yield running


def run(tmp_path: Path, program: str, *words: str, **environ: str) -> str:
    """What a program prints, run by the runner of such programs."""
    file = tmp_path / "program.py"
    file.write_text(program)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pelagos.compat", str(file), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT,
        cwd=tmp_path,
        env={**os.environ, **environ},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_listing_and_an_error(box: Box, tmp_path: Path) -> None:
    ann = box.person("ann")
    url = f"{box.url}/pithos/object-store/v1"
    said = run(tmp_path, LISTING, url, ann.token(), ann.user_id, "papers", "absent")
    size = (tmp_path / "program.py").stat().st_size
    assert said.splitlines()[0] == f"notes.txt {size}"
    assert "(status 404)" in said.splitlines()[1]


def test_several_calls_at_once(box: Box, tmp_path: Path) -> None:
    ann = box.person("ann")
    url = f"{box.url}/pithos/object-store/v1"
    assert run(tmp_path, THREADS, url, ann.token(), ann.user_id) == "[0, 0, 404, 0]\n"


def test_a_cloud_by_its_name(box: Box, tmp_path: Path) -> None:
    bob = box.person("bob")
    token = bob.token()
    rc = tmp_path / "rc"
    rc.write_text(
        f'[global]\ndefault_cloud = box\n[cloud "box"]\nurl = {box.astakos_url}\ntoken = {token}\n'
    )
    said = run(tmp_path, BY_NAME, KAMAKI_CONFIG=str(rc))
    assert said == "data True\n"
    listed = ask(box.url, "GET", f"/pithos/object-store/v1/{bob.user_id}/data", token=token)
    assert listed.content.split() == [b"copy"]


def test_servers_networks_and_volumes(box: Box, tmp_path: Path) -> None:
    said = run(tmp_path, SERVERS, box.astakos_url, box.person("carol").token())
    assert said.splitlines() == [
        "web debian {'role': 'web'}",
        "inside 1",
        "data",
        "www STOPPED",
        "404 404 Not Found itemNotFound (Server not found.)",
    ]


def test_the_same_classes_speak_to_an_openstack(box: Box) -> None:
    person = box.person("dave")
    cloud = Cloud(
        settings=CloudSettings(
            box.auth_url,
            username=person.name,
            password=person.password,
            project_name=person.project,
        )
    )
    compute = cloud.client(CycladesClient)
    assert compute.list_servers() == [] and compute.list_flavors()
    assert compute.list_networks() == cloud.client(CycladesNetworkClient).list_networks()
    store = cloud.client(PithosClient)
    store.create_container("box")
    store.upload_from_string("x", "text", container="box")
    assert store.get_object("x", container="box") == (b"text", 4)


def test_the_runner_says_what_it_wants() -> None:
    def runner(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pelagos.compat", *words],
            capture_output=True, text=True, check=False, timeout=WAIT,
        )  # fmt: skip

    assert runner().returncode == 2
    assert "PROGRAM" in runner("--help").stderr
    absent = runner("/absent.py")
    assert absent.returncode == 2 and "Traceback" not in absent.stderr
    module = runner("-m", "this")
    assert module.returncode == 0 and "Zen" in module.stdout


def test_whom_a_program_believes_over_https(tmp_path: Path) -> None:
    def answer(_environ: object, start: Callable[..., object]) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "application/json"), ("Content-Length", "15")])
        return [b'{"servers": []}']

    program = """
import sys
from kamaki.clients import KamakiSSLError
from kamaki.clients.cyclades import CycladesClient
from kamaki.clients.utils import https

url, authority = sys.argv[1:]
compute = CycladesClient(url + '/compute/v2.0', 'T')
try:
    compute.list_servers()
except KamakiSSLError as error:
    print(error.status)
https.patch_ignore_ssl()
print(compute.list_servers())
https.patch_ignore_ssl(False)
https.patch_with_certs(authority)
print(compute.list_servers())
"""
    site = serve_tls(tmp_path, answer, client_authority=False)
    try:
        said = run(tmp_path, program, site.server.url, str(tmp_path / "ca/ca.pem"))
    finally:
        site.server.stop()
    assert said == "0\n[]\n[]\n"


def test_a_program_for_postage_runs_in_the_same_way(tmp_path: Path) -> None:
    program = """
from postage import messaging
import postage.microthreads as m
from pelagos.compat.postage import messaging as same
assert messaging is same and m.MicroScheduler and __name__ == '__main__'
print(messaging.GenericProducer.__name__)
"""
    assert run(tmp_path, program) == "GenericProducer\n"
