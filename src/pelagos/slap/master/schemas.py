"""What releases say of their parameters: kept when an agent tells, asked when somebody wishes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pelagos.core.json_schema import Problem, SchemaError
from pelagos.slap.errors import BadRequest
from pelagos.slap.master import causes
from pelagos.slap.master.auth import Identity
from pelagos.slap.master.desk import Change, UseCases
from pelagos.slap.master.finding import scope_of
from pelagos.slap.master.store import Reader, StoredInstance
from pelagos.slap.model import Cause, InstanceRequest, InstanceStatus
from pelagos.slap.parameter_schema import KnownSchemas, decode, encode, problems, refusal

log = logging.getLogger(__name__)

_SHOWN = 5
#: As a well instance shows that its parameters will do, only these are told of.
_OPEN = frozenset({InstanceStatus.WAITING, InstanceStatus.ERROR})


def check_wish(reader: Reader, wish: InstanceRequest) -> None:
    """Pass, when the parameters are what the release takes, as far as that is known.

    Raises:
        BadRequest: they are not; says where and what would be.
    """
    found = find_problems(
        reader, wish.release_url, wish.software_type, wish.parameters, shared=wish.shared
    )
    if found:
        message, hint = refusal(found)
        raise BadRequest(message, status=400, hint=hint)


def find_problems(
    reader: Reader,
    url: str,
    software_type: str,
    parameters: Mapping[str, Any],
    *,
    shared: bool,
) -> tuple[Problem, ...]:
    """What of these parameters the release would not take; nothing when its schema is unknown."""
    text = reader.parameter_schema(url)
    if text is None:
        return ()
    try:
        return problems(decode(text), software_type, parameters, shared=shared)
    except SchemaError as error:
        log.warning("the schemas of %s are not used: %s", causes.masked(url), error)
        return ()


def invalid(reader: Reader, instance: StoredInstance, now: float) -> Cause | None:
    """The cause that a stored wish is one that the release does not take; None when it is not."""
    found = find_problems(
        reader,
        instance.release_url,
        instance.software_type,
        instance.parameters,
        shared=instance.shared,
    )
    if not found:
        return None
    message, _ = refusal(found)
    detail = "\n".join(str(one) for one in found[:_SHOWN])
    return replace(
        causes.plain("parameters-invalid", causes.one_line(message), now),
        hint=f"request it again with other parameters: {found[0].allowed}".rstrip(": "),
        detail=detail,
    )


def keep(change: Change, url: str, text: str) -> None:
    """Keep what an agent read, and tell of the wishes that turn out to be wrong.

    Raises:
        SchemaError: it is no such text.
    """
    kept = encode(decode(text))
    if change.store.parameter_schema(url) == kept:
        return
    change.store.put_parameter_schema(url, kept, change.now)
    for key in change.store.keys_of_release(url):
        instance = change.store.instance(key)
        if instance is None or instance.is_destroying or instance.status not in _OPEN:
            continue
        cause = invalid(change.store, instance, change.now)
        if cause is not None:
            change.store.update_instance(key, cause=causes.going_on(instance.cause, cause))
            change.tell("instance.error", instance, cause, wake=False)


class Schemas(UseCases):
    """What releases say of their parameters."""

    def keep_schemas(self, computer_id: str, url: str, text: str, identity: Identity) -> None:
        """Keep what an agent read beside a release; only a computer of the site's can bind all."""
        with self._desk.store.read() as reader:
            computer = reader.computer(computer_id)
            supply = reader.supply(computer_id, url)
        if computer is None or supply is None or computer.owner:
            return
        try:
            with self._desk.change(identity) as change:
                keep(change, url, text)
        except SchemaError as error:
            shown = causes.masked(url)
            log.warning("%s sent schemas of %s that are no use: %s", computer_id, shown, error)

    def parameter_schema(self, url: str, identity: Identity) -> KnownSchemas:
        """What is known of a release's parameters, and whether wishes are refused by it.

        Who knows of no computer that supplies the release is told nothing of it.
        """
        with self._desk.store.read() as reader:
            sees = scope_of(reader, identity)
            computers = (
                reader.computer(item.computer_id) for item in reader.supplies_of_release(url)
            )
            is_known = sees.is_unlimited or any(item and sees.computer(item) for item in computers)
            text = reader.parameter_schema(url) if is_known else None
        return KnownSchemas(
            schemas=None if text is None else decode(text),
            refuses=self._desk.settings.refuse_invalid_parameters,
        )
