"""The completion for bash, made from the commands: ``python -m gate.cli.completion`` prints it.

click's own script starts Python at each press of Tab, which takes 0.4 s on a desktop machine; this
one is plain bash. It completes commands, options, the values of a choice, files and folders.
Source: bash(1), "Programmable Completion".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

import click

from gate.cli import group
from gate.cli.manual import walk

FILES: Final = "kind='file'"
FOLDERS: Final = "kind='directory'"
NOTHING: Final = ":"

HEAD = """\
# bash completion for smile-gate; made from the commands by `make docs`.
_smile_gate() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local path='' options='' words='' kind='' at
    if [[ $word == '=' ]]; then
        word=''
    elif [[ $before == '=' ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((at = 1; at < COMP_CWORD; at++)); do
        case "$path ${COMP_WORDS[at]}" in
"""
TAIL = """\
    [[ $word == -* ]] && kind='' words=$options
    COMPREPLY=()
    if [[ $kind ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -A "$kind" -- "$word")
    elif [[ $words ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    fi
}
complete -F _smile_gate smile-gate
"""


def script() -> str:
    """The whole script."""
    contexts = list(walk(group))
    paths = [_path(context) for context in contexts]
    lines = [HEAD.rstrip("\n")]
    lines += _case(dict.fromkeys(paths[1:], 'path+=" ${COMP_WORDS[at]}"'), 12)
    lines += ["        esac", "    done", '    case "$path $before" in']
    lines += _case(
        {
            f"{path} {name}": _answer(option.type)
            for path, context in zip(paths, contexts, strict=True)
            for option in _options(context)
            if not (option.is_flag or option.count)
            for name in option.opts
        },
        8,
    )
    lines += ["        *)", '            case "$path" in']
    lines += _case(
        {
            path: f"options='{' '.join(_names(context))}' {_arguments(context)}"
            for path, context in zip(paths, contexts, strict=True)
        },
        16,
    )
    lines += ["            esac", "            ;;", "    esac"]
    return "\n".join(lines) + "\n" + TAIL


def _path(context: click.Context) -> str:
    """The words that lead to a command, each with a space before it."""
    return context.command_path.removeprefix("smile-gate")


def _options(context: click.Context) -> Iterator[click.Option]:
    for param in context.command.get_params(context):
        if isinstance(param, click.Option) and not param.hidden:
            yield param


def _names(context: click.Context) -> Iterator[str]:
    for option in _options(context):
        # click remembers the names that --help had in the first context that asked.
        names = context.help_option_names if "--help" in option.opts else option.opts
        yield from (*names, *option.secondary_opts)


def _arguments(context: click.Context) -> str:
    """The words offered where no option is; all arguments of a command are taken alike."""
    command = context.command
    if isinstance(command, click.Group):
        return f"words='{' '.join(command.list_commands(context))}'"
    arguments = [param for param in command.params if isinstance(param, click.Argument)]
    return _answer(arguments[0].type) if arguments else NOTHING


def _answer(type_: click.ParamType[Any]) -> str:
    """The assignment that offers a value of the type."""
    if isinstance(type_, click.Choice):
        return f"words='{' '.join(map(str, type_.choices))}'"
    if isinstance(type_, click.Path):
        return FILES if type_.file_okay else FOLDERS
    return NOTHING


def _case(answers: dict[str, str], indent: int) -> Iterator[str]:
    """The branches of a ``case``: the patterns of one answer share a branch."""
    patterns = defaultdict(list)
    for pattern, answer in answers.items():
        patterns[answer].append(f"'{pattern}'")
    for answer, alike in patterns.items():
        yield (
            " " * indent + f" |\\\n{' ' * indent}".join(alike) + f") {answer.removesuffix(' :')} ;;"
        )


if __name__ == "__main__":
    print(script(), end="")
