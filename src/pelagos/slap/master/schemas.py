"""What releases say of their parameters: kept when an agent tells, asked when somebody wishes."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace

from pelagos.core.json_schema import Problem, SchemaError
from pelagos.slap.errors import BadRequest
from pelagos.slap.master import causes
from pelagos.slap.master.auth import Identity
from pelagos.slap.master.desk import Change, UseCases
from pelagos.slap.master.finding import scope_of
from pelagos.slap.master.store import Reader, StoredInstance
from pelagos.slap.master.verdicts import Question, Verdicts, look
from pelagos.slap.model import Cause, InstanceRequest, InstanceStatus
from pelagos.slap.parameter_schema import KnownSchemas, decode, encode, refusal

log = logging.getLogger(__name__)

_SHOWN = 5
#: Of the processor's time, for all instances of a release whose schemas have changed. Those that
#: are left out are told when they are configured in vain, or requested anew.
_SECONDS = 5.0
#: As a well instance shows that its parameters will do, only these are told of.
_OPEN = frozenset({InstanceStatus.WAITING, InstanceStatus.ERROR})


def check_wish(reader: Reader, verdicts: Verdicts, wish: InstanceRequest) -> None:
    """Pass, when the parameters are what the release takes, as far as that is known.

    Raises:
        BadRequest: they are not; says where and what would be.
        Unjudged: that has to be found out first.
    """
    text = reader.parameter_schema(wish.release_url)
    found = () if text is None else verdicts.find(_question(text, wish))
    if found:
        message, hint = refusal(found)
        raise BadRequest(message, status=400, hint=hint)


def invalid(
    reader: Reader, verdicts: Verdicts, instance: StoredInstance, now: float
) -> Cause | None:
    """The cause that a stored wish is one that the release does not take; None when it is not.

    Raises:
        Unjudged: that has to be found out first.
    """
    text = reader.parameter_schema(instance.release_url)
    return None if text is None else _cause(verdicts.find(_question(text, instance)), now)


def _question(text: str, wish: InstanceRequest | StoredInstance) -> Question:
    return Question(wish.release_url, text, wish.software_type, wish.shared, wish.parameters)


def _cause(found: tuple[Problem, ...], now: float) -> Cause | None:
    if not found:
        return None
    message, _ = refusal(found)
    detail = "\n".join(str(one) for one in found[:_SHOWN])
    return replace(
        causes.plain("parameters-invalid", causes.one_line(message), now),
        hint=f"request it again with other parameters: {found[0].allowed}".rstrip(": "),
        detail=detail,
    )


def _concerned(reader: Reader, url: str) -> dict[int, StoredInstance]:
    """The instances of a release that are told when their parameters turn out to be wrong."""
    found = (reader.instance(key) for key in reader.keys_of_release(url))
    return {
        one.key: one
        for one in found
        if one is not None and not one.is_destroying and one.status in _OPEN
    }


def _judged(
    text: str, concerned: Mapping[int, StoredInstance]
) -> dict[int, tuple[Question, tuple[Problem, ...]]]:
    """What is wrong with the parameters of whom, as far as can be seen in `_SECONDS`."""
    until = time.thread_time() + _SECONDS
    wrong = {}
    for key, instance in concerned.items():
        question = _question(text, instance)
        if time.thread_time() < until and (found := look(question)):
            wrong[key] = (question, found)
    return wrong


def _tell(change: Change, instance: StoredInstance, found: tuple[Problem, ...]) -> None:
    cause = _cause(found, change.now)
    if cause is not None:
        said = causes.going_on(instance.cause, cause)
        change.store.update_instance(instance.key, cause=said)
        change.tell("instance.error", instance, cause, wake=False)


class Schemas(UseCases):
    """What releases say of their parameters."""

    def keep_schemas(self, computer_id: str, url: str, text: str, identity: Identity) -> None:
        """Keep what an agent read beside a release; only a computer of the site's can bind all."""
        with self._desk.store.read() as reader:
            computer = reader.computer(computer_id)
            supply = reader.supply(computer_id, url)
            former = reader.parameter_schema(url)
            concerned = _concerned(reader, url)
        if computer is None or supply is None or computer.owner:
            return
        try:
            kept = encode(decode(text))
        except SchemaError as error:
            shown = causes.masked(url)
            log.warning("%s sent schemas of %s that are no use: %s", computer_id, shown, error)
            return
        if kept == former:
            return
        wrong = _judged(kept, concerned)
        with self._desk.change(identity) as change:
            change.store.put_parameter_schema(url, kept, change.now)
            for key, instance in _concerned(change.store, url).items():
                question, found = wrong.get(key, (None, ()))
                if question == _question(kept, instance):
                    _tell(change, instance, found)

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
