"""`pelagos one call`: any method of OpenNebula."""

from __future__ import annotations

from typing import Any

from pelagos.cli.argument import Operand
from pelagos.cli.failures import UsageError
from pelagos.cli.one.command import ONE, OneCommand, file_text
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_one_commands = CommandTree("one")

_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}


@command(_one_commands)
class OneCall(OneCommand):
    """Call any method of OpenNebula and print what it answers.

    The session is put before the arguments. They are written as the method wants them: numbers,
    true or false, ids with commas between them, texts; @FILE is the text of a file, @- that of
    standard input.
    """

    shows = True
    arguments = {**ONE}
    operands = {
        "method": Operand('its name, with or without "one.", e.g. vm.info'),
        "values": Operand("its arguments, without the session"),
    }
    examples = (
        "pelagos one call one.vm.info 7 -j",
        "pelagos one call vmpool.info -2 -1 -1 -1",
        "pelagos one call template.update 3 @changes.txt 1",
    )

    def main(self, method: str, *values: str) -> None:
        """Call it."""
        from pelagos.one import methods

        found = methods.find(method)
        if len(values) > len(found.parameters):
            raise UsageError(f"{method} takes fewer arguments", hint=found.signature)
        given = [
            self._value(parameter, value)
            for parameter, value in zip(found.parameters, values, strict=False)
        ]
        answer = self.one.call(method, *given)
        to_dict = getattr(answer, "to_dict", None)
        if to_dict is not None:
            self.context.output.show_one(to_dict())
        elif self.context.output.is_table:
            self.context.stdout.write(f"{answer}\n")
        else:
            self.context.output.show_one({"answer": answer})

    def _value(self, parameter: Any, text: str) -> Any:
        if parameter.kind == "s":
            return self._text(text)
        try:
            if parameter.kind == "b":
                return _BOOLEANS[text.lower()]
            if parameter.kind == "i":
                return int(text)
            return [int(one) for one in text.split(",") if one]
        except (KeyError, ValueError) as error:
            raise UsageError(
                f"{parameter.name} is {parameter.kind_name}, and {text!r} is not"
            ) from error

    def _text(self, text: str) -> str:
        if not text.startswith("@"):
            return text
        if text == "@-":
            return self.context.stdin.read()
        return file_text(text[1:])
