"""`pelagos completion`: the script with which a shell completes Pelagos' command line."""

from __future__ import annotations

from pelagos.cli.argument import Operand
from pelagos.cli.command_base import Command
from pelagos.cli.registration import command
from pelagos.cli.tree import CommandTree

_completion_commands = CommandTree("completion")

_BASH = """\
_pelagos() {
    # bash cuts words at ":" and "=", too: they are put together again as they were typed.
    local line=$COMP_LINE typed=() tail prefix name i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if [[ $i == 0 || $line == [[:space:]]* ]]; then
            typed+=("${COMP_WORDS[i]}")
        else
            typed[-1]+=${COMP_WORDS[i]}
        fi
        line=${line#"${line%%[![:space:]]*}"}
        line=${line#"${COMP_WORDS[i]}"}
    done
    tail=${COMP_WORDS[COMP_CWORD]}
    [[ $tail == [:=] ]] && tail=
    prefix=${typed[-1]%"$tail"}
    COMPREPLY=()
    while IFS=$'\\t' read -r name _; do
        if [[ $name == :file ]]; then
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$tail")
            return
        fi
        [[ $name == */ ]] && compopt -o nospace
        printf -v name %q "$name"
        COMPREPLY+=("${name#"$prefix"}")
    done < <(pelagos __complete "${typed[@]:1}" 2>/dev/null)
}
complete -F _pelagos pelagos
"""

_ZSH = """\
#compdef pelagos
_pelagos() {
    local -a found
    local name text
    while IFS=$'\\t' read -r name text; do
        if [[ $name == :file ]]; then
            _files
            return
        fi
        # _describe reads a backslash and a colon only behind a backslash
        name=${${name//'\\'/'\\\\'}//:/'\\:'}
        found+=("$name${text:+:$text}")
    done < <(pelagos __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    _describe pelagos found
}
compdef _pelagos pelagos
"""

_FISH = """\
function __pelagos_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    test -n "$current"; or set current ''
    for line in (pelagos __complete $words[2..-1] $current 2>/dev/null)
        if test "$line" = :file
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c pelagos -f -a '(__pelagos_complete)'
"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


@command(_completion_commands)
class Completion(Command):
    """Print the completion script of a shell; the shell reads it at its start.

    It completes commands, options and live names: of services, computers, people and machines of
    the plane, of sources, phonebooks and contacts, of dead letters, of servers and the other
    things of a cloud, of containers and objects, of an OpenNebula's things.
    """

    operands = {"shell": Operand("bash, zsh or fish", choices=tuple(_SCRIPTS))}
    examples = (
        'eval "$(pelagos completion bash)"    # in ~/.bashrc',
        'eval "$(pelagos completion zsh)"     # in ~/.zshrc, below compinit',
        "pelagos completion fish | source     # in ~/.config/fish/config.fish",
    )

    def main(self, shell: str) -> None:
        """Print it."""
        self.context.stdout.write(_SCRIPTS[shell])
