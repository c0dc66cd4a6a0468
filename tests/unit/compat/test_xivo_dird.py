"""compat.xivo_dird: plugins that were written for the ancestor load unchanged."""

from __future__ import annotations

import importlib
import json
import logging
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pelagos.compat.xivo_dird.rest_api import api
from pelagos.directory import Directory, DirectorySettings, SourceResult
from pelagos.directory.model import Asker
from pelagos.directory.sources import load_sources
from support.packages import installed, lay_out

EXAMPLE = Path(__file__).parents[3] / "examples" / "dird_plugins"
TOKENS: Mapping[str, Mapping[str, Any]] = {
    "all": {"auth_id": "ada", "xivo_user_uuid": "u-1"},
    "some": {"auth_id": "bob", "xivo_user_uuid": "u-2", "acls": ["dird.mine.sales.read"]},
}
COLUMNS = {"name": "{Firstname} {Lastname}", "phone": "{Number}"}
CONFIG: dict[str, Any] = {
    "sources": {"dummies": {"type": "my_backend", "format_columns": COLUMNS}},
    "services": {
        "lookup": {"default": {"sources": ["dummies"], "timeout": 10}},
        "reverse": {"default": {"sources": ["dummies"], "timeout": 10}},
    },
    "views": {
        "displays": {"people": [{"field": "name"}, {"field": "phone"}]},
        "profile_to_display": {"default": "people"},
    },
    "enabled_plugins": {"services": {"my_service": True}, "views": {"my_view": True}},
}


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example's package, installed as its project file says."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())
    code = (EXAMPLE / "dummy.py").read_text()
    return lay_out(
        tmp_path / "example",
        project["project"]["name"],
        {"dummy.py": code},
        project["project"]["entry-points"],
    )


@contextmanager
def directory(config: Mapping[str, Any], *folders: Path) -> Iterator[Directory]:
    with installed(*folders), Directory(config, verify=TOKENS.get) as made:
        yield made


def get(made: Directory, path: str, token: str = "all") -> tuple[int, Any]:
    headers = {"X-Auth-Token": token} if token else {}
    response = made.app.test_client().get(path, headers=headers)
    return response.status_code, json.loads(response.data)


def test_the_plugins_of_the_guide_load_and_work(
    example: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with directory(CONFIG, example) as made:
        assert made.status.failures == ()
        assert "my_service" in made.status.services and "my_view" in made.status.views
        assert get(made, "/0.1/directories/ping", token="") == (200, {"message": "pong"})
        status, body = get(made, "/0.1/directories/lookup/default?term=x")
        assert status == 200 and 1 <= len(body["results"]) <= 20
        assert body["sources"][0]["verdict"] == "answered"
        name, phone = body["results"][0]["column_values"]
        assert len(name) == 11 and len(phone) == 5  # two words of five letters, and one
        assert "x is looked for by ada" in caplog.text
        status, body = get(made, "/0.1/directories/reverse/default/u-1?exten=555")
        assert status == 200 and body["display"] is None  # it has no first_match
    ended = [r.message for r in caplog.records if "unloaded" in r.message]
    assert ended == ["dummy view unloaded", "dummy service unloaded", "dummy back-end unloaded"]


def test_a_source_lists_what_a_method_without_args_gives(example: Path) -> None:
    with installed(example):
        source = load_sources(DirectorySettings.from_mapping(CONFIG), {}).sources["dummies"]
        found = source.list(["1", "2"], Asker().args())
    assert len(found) == 2 and all(isinstance(one, SourceResult) for one in found)


OLD_VIEW = """
from flask import request
from xivo_dird import BaseViewPlugin
from xivo_dird.core import auth
from xivo_dird.core.rest_api import api, AuthResource, ErrorCatchingResource
from xivo_dird.core.auth import required_acl
from xivo_dird.core.exception import InvalidConfigError


class Mine(AuthResource):

    lookup = None
    method_decorators = [lambda method: method]

    @required_acl('dird.mine.{profile}.read')
    def get(self, profile):
        infos = auth.client().token.get(request.headers['X-Auth-Token'])
        return {'who': infos['xivo_user_uuid'], 'services': sorted(self.lookup)}

    def delete(self, profile):
        return {'deleted': profile}


class Open(ErrorCatchingResource):

    def get(self):
        return {'open': auth.client().token.is_valid('nobody')}


class ViewPlugin(BaseViewPlugin):

    def load(self, args=None):
        if 'wrong' in args['config']:
            raise InvalidConfigError('views/wrong/0', 'is wrong')
        Mine.lookup = args['services']
        api.add_resource(Mine, '/mine/<profile>')
        api.add_resource(Open, '/0.1/open')
"""


def old_view(tmp_path: Path) -> Path:
    points = {"xivo_dird.views": {"plugin": "old_view:ViewPlugin"}}
    return lay_out(tmp_path / "view", "old-view", {"old_view.py": OLD_VIEW}, points)


def test_a_view_may_use_the_api_and_the_rights_of_the_ancestors_modules(tmp_path: Path) -> None:
    config = {"enabled_plugins": {"views": ["plugin"]}}
    with directory(config, old_view(tmp_path)) as made:
        assert made.status.failures == ()
        status, body = get(made, "/0.1/mine/sales")
        assert status == 200 and body["who"] == "u-1" and "lookup" in body["services"]
        assert get(made, "/0.1/mine/sales", "some")[0] == 200
        for path, token in (("sales", ""), ("sales", "nobody"), ("other", "some")):
            status, body = get(made, f"/0.1/mine/{path}", token)
            assert status == 401 and isinstance(body["reason"], list)
        client = made.app.test_client()
        assert client.delete("/0.1/mine/x").status_code == 401
        assert client.delete("/0.1/mine/x", headers={"X-Auth-Token": "some"}).status_code == 200
        assert get(made, "/0.1/open", "") == (200, {"open": False})
    with pytest.raises(AttributeError, match="while a view is loaded only"):
        api.add_resource(None, "/late")


def test_a_view_that_refuses_its_configuration_says_where(tmp_path: Path) -> None:
    config = {
        "enabled_plugins": {"views": ["plugin", "lookup_json"]},
        "views": {"plugin": {}, "displays": {}},
    }
    package = old_view(tmp_path)
    code = OLD_VIEW.replace("'wrong' in", "'plugin' in")
    (package / "old_view.py").write_text(code)
    with directory(config, package) as made:
        (failure,) = made.status.failures
        assert failure.name == "plugin" and failure.reason == "views/wrong/0: is wrong"
        assert made.status.views == ("lookup_json",)


NEW_PLUGINS = """
from flask_restful import Resource
from wazo_dird import BaseServicePlugin, BaseSourcePlugin, BaseViewPlugin, make_result_class
from wazo_dird.http import AuthResource
from wazo_dird.auth import required_acl
from wazo_dird.exception import InvalidConfigError


class Source(BaseSourcePlugin):

    def load(self, dependencies):
        config = dependencies['config']
        self._result = make_result_class(
            'plugin', config['name'], config.get(self.UNIQUE_COLUMN), config[self.FORMAT_COLUMNS]
        )

    def search(self, term, args=None):
        return [self._result({'id': 7, 'first': term}, user_id=3)]

    def first_match(self, exten, args=None):
        return self._result({'id': 8, 'first': exten}) if exten == '555' else None


class Service(BaseServicePlugin):

    def load(self, dependencies):
        return object()


class Pong(Resource):
    def get(self):
        return 'pong'


class View(BaseViewPlugin):

    def load(self, dependencies):
        assert dependencies['flask_app'] is dependencies['http_app']
        dependencies['api'].add_resource(Pong, '/pong')
"""


def test_plugins_of_the_ancestors_later_name_load_too(tmp_path: Path) -> None:
    points = {
        "wazo_dird.backends": {"plugin": "new_plugins:Source"},
        "wazo_dird.services": {"extra": "new_plugins:Service"},
        "wazo_dird.views": {"plugin": "new_plugins:View"},
    }
    package = lay_out(tmp_path / "new", "new", {"new_plugins.py": NEW_PLUGINS}, points)
    source = {"type": "plugin", "unique_column": "id", "format_columns": {"reverse": "<{first}>"}}
    config = {
        "sources": {"s": source},
        "services": {
            "lookup": {"p": {"sources": ["s"], "timeout": 10}},
            "reverse": {"p": {"sources": ["s"], "timeout": 10}},
        },
        "views": {"displays": {"d": [{"field": "reverse"}]}, "profile_to_display": {"p": "d"}},
        "enabled_plugins": {"services": {"extra": True}, "views": {"plugin": True}},
    }
    with directory(config, package) as made:
        assert made.status.failures == ()
        (found,) = get(made, "/0.1/directories/lookup/p?term=ada")[1]["results"]
        assert found["column_values"] == ["<ada>"] and found["relations"]["user_id"] == 3
        assert found["relations"]["source_entry_id"] == "7" and found["source"] == "s"
        assert get(made, "/0.1/directories/reverse/p/u?exten=555")[1]["display"] == "<555>"
        assert get(made, "/0.1/pong") == (200, "pong")


def test_plugins_that_are_broken_do_not_hinder_the_others(example: Path, tmp_path: Path) -> None:
    broken = {
        "not_python.py": "print 'hello'\n",
        "no_module.py": "import a_module_that_nobody_has\n",
        "no_name.py": "from xivo_dird.core.database import Contact\n",
        "exits.py": "raise SystemExit('bye')\n",
        "bad.py": (
            "class Init:\n    def __init__(self):\n        raise RuntimeError('no init')\n"
            "class Load:\n    def load(self, args):\n        raise OSError('no load')\n"
            "    def search(self, term):\n        return []\n"
            "class NoLoad:\n    def search(self, term, args):\n        return []\n"
        ),
    }
    values = {
        "not_python": "not_python:X", "no_module": "no_module:X", "no_name": "no_name:X",
        "exits": "exits:X", "no_class": "bad:Nothing", "init": "bad:Init", "load": "bad:Load",
        "no_load": "bad:NoLoad",
    }  # fmt: skip
    points = {f"xivo_dird.{kind}": values for kind in ("backends", "services", "views")}
    package = lay_out(tmp_path / "broken", "broken", broken, points)
    config = {
        **CONFIG,
        "sources": {**CONFIG["sources"], **{name: {"type": name} for name in values}},
        "enabled_plugins": {
            "backends": ["my_backend", *values],
            "services": ["lookup", "my_service", "unknown", *values],
            "views": ["lookup_json", "my_view", "unknown", *values],
        },
    }
    with directory(config, example, package) as made:
        assert made.status.sources == ("dummies",)
        assert made.status.services == ("lookup", "my_service")
        assert made.status.views == ("lookup_json", "my_view")
        failed = {(f.group.rpartition(".")[2], f.name): f.reason for f in made.status.failures}
        for kind in ("backends", "services", "views"):
            assert {name for where, name in failed if where == kind} >= set(values)
            assert "SyntaxError" in failed[kind, "not_python"]
            assert "a_module_that_nobody_has" in failed[kind, "no_module"]
            assert "no init" in failed[kind, "init"] and "no load" in failed[kind, "load"]
        assert get(made, "/0.1/directories/lookup/default?term=x")[0] == 200


def test_the_real_ancestor_is_preferred_where_it_is_installed(tmp_path: Path) -> None:
    real = {"xivo_dird/__init__.py": "IS_REAL = True\n"}
    package = lay_out(
        tmp_path / "mine",
        "mine",
        {
            **real,
            "mine.py": (
                "import xivo_dird\n"
                "class Service:\n"
                "    def load(self, args):\n"
                "        assert xivo_dird.IS_REAL\n"
                "        return self\n"
            ),
        },
        {"xivo_dird.services": {"plugin": "mine:Service"}},
    )
    with directory({"enabled_plugins": {"services": ["plugin"]}}, package) as made:
        assert made.status.services == ("plugin",)


def test_nothing_is_called_like_the_ancestor_until_a_plugin_needs_it() -> None:
    with directory({}):
        assert "xivo_dird" not in sys.modules and "wazo_dird" not in sys.modules
        with pytest.raises(ImportError):
            importlib.import_module("xivo_dird")
