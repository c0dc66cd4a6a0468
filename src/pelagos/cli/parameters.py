"""See before a request is sent whether the release takes its parameters, where that can be known.

The master knows it of every release that was built. A release that was not: its schema is read
from beside it, if it says one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from pelagos.cli.context import Context
from pelagos.core.http import HttpTimeout
from pelagos.core.json_schema import SchemaError
from pelagos.slap.errors import BadRequest, SlapError
from pelagos.slap.model import InstanceRequest, InstanceState
from pelagos.slap.parameter_schema import (
    JSON_IN_XML,
    Bundle,
    KnownSchemas,
    as_wished,
    in_one,
    problems,
    refusal,
    serialisation,
)
from pelagos.slap.schema_files import read_bundle

#: Seconds for reading the schemas of a release that the master does not know yet.
_PATIENCE = 5.0


#: How values of the command line become those of JSON.
_HOW = (
    "this release takes JSON: -p n=5 is a number, -p b=true a truth value, -p n=null nothing, and "
    "-p l='[1, 2]' a list where its schema wants one; --param-file FILE takes a JSON object"
)


def checked(
    context: Context, wish: InstanceRequest, texts: Collection[str] = ()
) -> InstanceRequest:
    """The wish with its parameters as the release reads them.

    Args:
        context: of the command.
        wish: what is asked for.
        texts: the parameters that were written as texts, and become what the schema wants.

    Raises:
        BadRequest: the release does not take them; in the words of the master.
    """
    is_file = wish.release_url.startswith("/")
    if is_file and not Path(wish.release_url + ".json").exists():
        return wish
    known = None if is_file else _ask(context, wish.release_url)
    if not is_file and known is None:
        return wish  # a master that knows nothing of schemas
    bundle = known.schemas if known is not None else None
    try:
        bundle = bundle or read_bundle(wish.release_url, timeout=_PATIENCE)
        return wish if bundle is None else _checked(context, wish, texts, bundle, known)
    except SchemaError as error:
        context.say(f"the parameters are not checked: {error.message}")
        return wish


def _checked(
    context: Context,
    wish: InstanceRequest,
    texts: Collection[str],
    bundle: Bundle,
    known: KnownSchemas | None,
) -> InstanceRequest:
    how = serialisation(bundle, wish.software_type, shared=wish.shared)
    if how == JSON_IN_XML:
        wish = replace(wish, parameters=in_one(_wished(wish, texts, bundle)))
    if wish.state is InstanceState.DESTROYED:
        return wish
    found = problems(bundle, wish.software_type, wish.parameters, shared=wish.shared)
    if not found:
        return wish
    message, hint = refusal(found)
    if how == JSON_IN_XML and texts:
        hint += f"\n{_HOW}"
    known = known or _ask(context, wish.release_url)
    if known is None or known.refuses:
        raise BadRequest(message, status=400, hint=hint)
    context.say(f"{message}: the master takes it all the same")
    return wish


def _wished(wish: InstanceRequest, texts: Collection[str], bundle: Bundle) -> dict[str, Any]:
    found = dict(wish.parameters)
    if "_" in found:
        return found
    written = {name: found[name] for name in texts}
    return found | as_wished(bundle, wish.software_type, written, shared=wish.shared)


def _ask(context: Context, url: str) -> KnownSchemas | None:
    try:
        return context.master.parameter_schema(url)
    except SlapError as error:  # of another make; or the request itself will tell
        if isinstance(error.__cause__, HttpTimeout):
            raise  # it would wait as long once more
        return None
