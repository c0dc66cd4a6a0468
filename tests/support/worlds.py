"""What else there is for a page: a cloud, a database server; in this process or shared."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from pelagos.box import Box
from pelagos.clients import Cloud, CloudSettings

from . import openstack_clients, postgresql
from .desk import PROGRAMS
from .peer_environment import PeerMissingError


@dataclass(frozen=True)
class World:
    """What a page sees of a world.

    Attributes:
        replaced: patterns of names of the page, and what they stand for.
        files: files that its reader has.
        typed: how a command begins, and what is typed into it.
        environments: variables, by the name of a desk; that of the reader is "".
    """

    replaced: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    environments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def a_cloud(request: pytest.FixtureRequest) -> World:
    """A cloud that answers as an OpenStack and as a Synnefo; the reader's is called box."""
    box = _box(request)
    ada = box.person("ada", project="engines")
    plane = box.person("plane")
    settings = CloudSettings(
        box.auth_url, username="plane", password=plane.password, project_name=plane.project
    )
    networks = Cloud(settings=settings).network
    networks.create_subnet(networks.create_network("internal")["id"], "10.9.0.0/24")
    auth = {
        "auth_url": box.auth_url,
        "username": ada.name,
        "password": ada.password,
        "project_name": ada.project,
        "user_domain_id": "default",
        "project_domain_id": "default",
    }
    return World(
        replaced={
            "https://cloud.example.org:5000/v3": box.auth_url,
            "https://accounts.example.org/identity/v2.0": box.astakos_url,
        },
        files={
            "clouds.yaml": json.dumps({"clouds": {"box": {"auth": auth}}}),
            "/etc/pelagos/work.password": plane.password,
        },
        typed={
            "pelagos cloud add work": ada.password + "\n",
            "pelagos cloud add okeanos": ada.token() + "\n",
        },
        environments={"": {"OS_CLIENT_CONFIG_FILE": "clouds.yaml"}},
    )


def a_synnefo(request: pytest.FixtureRequest) -> World:
    """A cloud that is taken for a Synnefo, and by one desk for an OpenStack."""
    box = _box(request)
    ada = box.person("ada")
    box.person("bob@example.org")
    ann = box.person("ann@example.org")
    store = Cloud(settings=CloudSettings(box.astakos_url, token=ann.token())).object_store
    store.create_container("photos")
    store.upload_object("sea.jpg", io.BytesIO(b"waves"), container="photos")
    store.set_object_sharing("sea.jpg", [ada.user_id], container="photos")
    swift = CloudSettings(
        box.auth_url, username="ada", password=ada.password, project_name=ada.project
    )
    store = Cloud(settings=swift).object_store
    store.create_container("photos")
    store.upload_object("2026/sea.jpg", io.BytesIO(b"waves"), container="photos")
    return World(
        files={
            ".config/pelagos/config.toml": (
                f'[cloud.named.okeanos]\nauth_url = "{box.astakos_url}"\ntoken = "{ada.token()}"\n'
                f'[cloud.named.box]\nauth_url = "{box.auth_url}"\nusername = "ada"\n'
                f'password = "{ada.password}"\nproject_name = "ada"\n'
            ),
        },
        environments={
            "": {"PELAGOS_CLOUD": "okeanos"},
            "a cloud with Swift": {"PELAGOS_CLOUD": "box"},
        },
    )


def a_database(request: pytest.FixtureRequest) -> World:
    """A database server, whose programs an administrator can use."""
    server = urlsplit(request.getfixturevalue("postgresql_server"))
    programs = postgresql.program("createuser")
    assert programs is not None
    return World(
        replaced={r"db\.example\.org(:5432)?": f"127.0.0.1:{server.port}"},
        environments={
            "the database server": {
                "PATH": f"{programs.parent}:/usr/bin:/bin",
                "PGHOST": "127.0.0.1",
                "PGPORT": str(server.port),
                "PGUSER": server.username or "",
                "PGPASSWORD": server.password or "",
            }
        },
    )


def a_cloud_and_a_database(request: pytest.FixtureRequest) -> World:
    """A cloud that is called work, and an empty database."""
    cloud = a_cloud(request)
    url = request.getfixturevalue("postgresql_url")
    return World(
        replaced={**cloud.replaced, r"postgresql://pelagos@db\.example\.org/site": url},
        files={"clouds.yaml": cloud.files["clouds.yaml"].replace('"box"', '"work"')},
        environments=cloud.environments,
    )


def the_clients_of_openstack(request: pytest.FixtureRequest) -> World:
    """OpenStack's own programs."""
    try:
        programs = openstack_clients.install()
    except PeerMissingError as error:
        request.getfixturevalue("require").missing(str(error))
        raise
    return World(environments={"": {"PATH": f"{PROGRAMS}:{programs}:{os.environ['PATH']}"}})


def _box(request: pytest.FixtureRequest) -> Box:
    box = Box(pace=0.05)
    request.addfinalizer(box.close)
    return box
