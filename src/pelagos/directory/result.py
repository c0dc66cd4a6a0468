"""How the rows of a source become results: relations, unique id and formatted columns."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from pelagos.directory.model import RELATIONS, SourceResult
from pelagos.directory.template import Template, TemplateError

log = logging.getLogger(__name__)


def make_result_class(
    source_name: str,
    unique_column: str | None = None,
    format_columns: Mapping[str, str] | None = None,
    is_deletable: bool = False,
    is_personal: bool = False,
    backend: str = "",
) -> Callable[..., SourceResult]:
    """What makes the results of one source: `make(fields, **relations) -> SourceResult`.

    `source_entry_id` is the text of the raw unique column. The templates are rendered in their
    order, each may use the columns of those before it; what they give is stripped, and None when
    nothing is left or the template does not fit the row.

    >>> make = make_result_class("crm", "id", {"name": "{first} {last}"})
    >>> make({"id": 7, "first": "Ada", "last": None}).fields["name"]
    'Ada'
    """
    templates = tuple(_parse_templates(source_name, format_columns or {}).items())
    noted: set[str] = set()

    def make(fields: Mapping[str, Any], **relations: Any) -> SourceResult:
        values = dict(fields)
        related: dict[str, Any] = dict.fromkeys(RELATIONS)
        if relations:
            if unknown := relations.keys() - related.keys():
                raise TypeError(f"no such relation: {', '.join(sorted(unknown))}")
            related.update(relations)
        if unique_column is not None:
            if unique_column not in values and unique_column not in noted:
                noted.add(unique_column)  # once, not for each row
                log.error("source %s: no column %s", source_name, unique_column)
            unique = values.get(unique_column)
            related["source_entry_id"] = None if unique is None else str(unique)
        for column, template in templates:
            values[column] = _render(template, values)
        return SourceResult(values, source_name, related, is_personal, is_deletable, backend)

    return make


def _parse_templates(source: str, texts: Mapping[str, str]) -> dict[str, Template | None]:
    templates: dict[str, Template | None] = {}
    for column, text in texts.items():
        try:
            templates[column] = Template.parse(text)
        except TemplateError as error:
            log.error("source %s: template of %s: %s", source, column, error)  # noqa: TRY400  # said
            templates[column] = None
    return templates


def _render(template: Template | None, fields: Mapping[str, Any]) -> str | None:
    if template is None:
        return None
    try:
        return template.render(fields).strip() or None
    except TemplateError:
        return None
