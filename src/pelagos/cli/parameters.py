"""See before a request is sent whether the release takes its parameters, where that can be known.

The master knows it of every release that was built. A release that was not: its schema is read
from beside it, if it says one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pelagos.cli.context import Context
from pelagos.core.json_schema import SchemaError
from pelagos.slap.errors import BadRequest, SlapError
from pelagos.slap.model import InstanceRequest, InstanceState
from pelagos.slap.parameter_schema import (
    JSON_IN_XML,
    Bundle,
    KnownSchemas,
    in_one,
    problems,
    refusal,
    serialisation,
)
from pelagos.slap.schema_files import read_bundle

#: Seconds for reading the schemas of a release that the master does not know yet.
_PATIENCE = 5.0


def checked(context: Context, wish: InstanceRequest) -> InstanceRequest:
    """The wish with its parameters as the release reads them.

    Raises:
        BadRequest: the release does not take them; in the words of the master.
    """
    if wish.state is InstanceState.DESTROYED:
        return wish
    is_file = wish.release_url.startswith("/")
    if is_file and not Path(wish.release_url + ".json").exists():
        return wish
    known = None if is_file else _ask(context, wish.release_url)
    if not is_file and known is None:
        return wish  # a master that knows nothing of schemas
    bundle = known.schemas if known is not None else None
    try:
        bundle = bundle or read_bundle(wish.release_url, timeout=_PATIENCE)
        return wish if bundle is None else _checked(context, wish, bundle, known)
    except SchemaError as error:
        context.say(f"the parameters are not checked: {error.message}")
        return wish


def _checked(
    context: Context, wish: InstanceRequest, bundle: Bundle, known: KnownSchemas | None
) -> InstanceRequest:
    how = serialisation(bundle, wish.software_type, shared=wish.shared)
    if how == JSON_IN_XML:
        wish = replace(wish, parameters=in_one(wish.parameters))
    found = problems(bundle, wish.software_type, wish.parameters, shared=wish.shared)
    if not found:
        return wish
    message, hint = refusal(found)
    known = known or _ask(context, wish.release_url)
    if known is None or known.refuses:
        raise BadRequest(message, status=400, hint=hint)
    context.say(f"{message}: the master takes it all the same")
    return wish


def _ask(context: Context, url: str) -> KnownSchemas | None:
    try:
        return context.master.parameter_schema(url)
    except SlapError:  # of another make; or the request itself will tell
        return None
