"""Parameters checked by the master, before and after it knows a release's schemas."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pelagos.slap import master
from pelagos.slap.errors import BadRequest
from pelagos.slap.master import verdicts
from pelagos.slap.model import Cause, InstanceRequest, InstanceState
from pelagos.slap.parameter_schema import Bundle, encode
from support.slap_site import ADMIN, COMPUTER, URL, Site

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"size": {"type": "integer", "maximum": 9}},
}
BUNDLE = Bundle(
    f"file://{URL}.json",
    {"serialisation": "xml", "software-type": {"default": {"request": "input.json"}}},
    {"file:///srv/a/input.json": SCHEMA},
)
AGENT = master.computer(COMPUTER)


def learn(site: Site, bundle: Bundle = BUNDLE) -> None:
    site.service.report_release(COMPUTER, URL, "available", AGENT)
    site.service.keep_schemas(COMPUTER, URL, encode(bundle), AGENT)


def test_a_request_is_refused_with_the_path_of_what_is_wrong(site: Site) -> None:
    learn(site)
    with pytest.raises(BadRequest, match=r"parameters\.size is 'ten'") as refused:
        site.request(parameters={"size": "ten"})
    assert refused.value.status == 400 and refused.value.hint == "it must be a whole number"
    with pytest.raises(BadRequest, match="software type 'defualt' is not known") as refused:
        site.request(software_type="defualt")
    assert refused.value.hint == "did you mean default?"
    assert site.request(software_type="RootSoftwareInstance", parameters={"size": "3"})
    found = site.service.parameter_schema(URL, ADMIN)
    assert found.schemas == BUNDLE and found.refuses


def test_an_instance_is_refused_like_a_person(site: Site) -> None:
    learn(site)
    parent = site.request("parent")
    with pytest.raises(BadRequest, match=r"parameters\.sise is not known"):
        site.child(parent, "child", parameters={"sise": "3"})


def test_what_stood_before_can_still_be_asked_for_stopped_and_destroyed(site: Site) -> None:
    site.request(parameters={"size": "ten"})
    learn(site)
    site.request(parameters={"size": "ten"})
    site.request(parameters={"size": "ten"}, state=InstanceState.STOPPED)
    with pytest.raises(BadRequest):
        site.request(parameters={"size": "eleven"})
    site.set_state("hello", "destroyed")


def test_a_wish_that_turns_out_wrong_says_so(site: Site) -> None:
    wrong = site.request("wrong", parameters={"size": "ten"})
    site.request("right", parameters={"size": "3"})
    well = site.request("well", parameters={"size": "11"})
    site.report(well)
    learn(site)
    told = {name: site.service.service(name, ADMIN).cause for name in ("wrong", "right", "well")}
    assert told["wrong"].code == "parameters-invalid"
    assert "parameters.size is 'ten'" in told["wrong"].message
    assert "whole number" in told["wrong"].hint
    assert [told[name].code for name in ("right", "well")] == ["waiting-for-agent", "ok"]
    site.fail(wrong, "no", Cause("buildout-failed", "part web: boom"))
    cause = site.service.service("wrong", ADMIN).cause
    assert cause.code == "parameters-invalid" and "part web: boom" in cause.detail
    site.fail(wrong, "no", Cause("promise-failed", "boom"))
    assert site.service.service("wrong", ADMIN).cause.code == "promise-failed"


def test_refusing_can_be_switched_off(tmp_path: Path) -> None:
    site = Site(tmp_path, settings=master.MasterSettings(refuse_invalid_parameters=False))
    site.supply()
    learn(site)
    assert site.request(parameters={"size": "ten"})
    assert not site.service.parameter_schema(URL, ADMIN).refuses
    site.close()


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "(a+){30}", "type": "object"},
        {"type": "nothing"},
        "text",
        {"$ref": "gone.json"},
    ],
)
def test_a_schema_that_is_no_use_refuses_nobody(site: Site, schema: Any) -> None:
    learn(site, Bundle(BUNDLE.url, BUNDLE.document, {"file:///srv/a/input.json": schema}))
    assert site.request(parameters={"size": "ten"})


def test_schemas_bind_only_from_computers_of_the_site_that_were_asked(site: Site) -> None:
    site.service.keep_schemas("COMP-9", URL, encode(BUNDLE), AGENT)
    site.service.keep_schemas(COMPUTER, "/srv/other.cfg", encode(BUNDLE), AGENT)
    site.service.keep_schemas(COMPUTER, URL, "no JSON", AGENT)
    for url in (URL, "/srv/other.cfg"):
        assert site.service.parameter_schema(url, ADMIN).schemas is None


def test_nobody_waits_while_parameters_are_checked(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check is stood still; meanwhile another one changes the database."""
    learn(site)
    site.request("waits", parameters={"size": "3"})
    plan = site.service.plan(InstanceRequest("apart", URL, parameters={"size": "4"}), ADMIN)
    checks: list[str] = []
    known = verdicts.problems

    def slow(*args: Any, **options: Any) -> Any:
        name = f"meanwhile{len(checks)}"
        checks.append(name)
        worker = threading.Thread(target=site.service.create_person, args=(name,))
        worker.start()
        worker.join(timeout=60)
        assert not worker.is_alive(), "it waits for the check"
        return known(*args, **options)

    monkeypatch.setattr(verdicts, "problems", slow)
    with pytest.raises(BadRequest):
        site.request("hello", parameters={"size": "ten"})
    with pytest.raises(BadRequest):
        site.service.plan(InstanceRequest("b", URL, parameters={"size": "eleven"}), ADMIN)
    site.service.apply(InstanceRequest("apart", URL, parameters={"size": "4"}), plan.basis, ADMIN)
    schema = {**SCHEMA, "properties": {"size": {"type": "integer", "maximum": 2}}}
    learn(site, replace(BUNDLE, schemas={"file:///srv/a/input.json": schema}))
    assert site.service.service("waits", ADMIN).cause.code == "parameters-invalid"
    site.fail(site.request("waits", parameters={"size": "3"}), "x", Cause("buildout-failed", "x"))
    assert len(checks) >= 4


def test_a_schema_that_changes_while_it_is_used_is_used_anew(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(site)
    known = verdicts.problems
    schema = {**SCHEMA, "properties": {"size": {"type": "integer", "maximum": 2}}}
    changed = replace(BUNDLE, schemas={"file:///srv/a/input.json": schema})

    def late(*args: Any, **options: Any) -> Any:
        monkeypatch.setattr(verdicts, "problems", known)
        learn(site, changed)
        return known(*args, **options)

    monkeypatch.setattr(verdicts, "problems", late)
    with pytest.raises(BadRequest, match="size is 3"):
        site.request(parameters={"size": "3"})


def test_too_large_a_bundle_is_not_kept(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    learn(site, replace(BUNDLE, schemas={"file:///srv/a/input.json": {"x": "y" * 600_000}}))
    assert site.service.parameter_schema(URL, ADMIN).schemas is None
    assert "too large" in caplog.text
