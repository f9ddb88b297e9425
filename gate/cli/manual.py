"""The manual page, made from the commands: ``python -m gate.cli.manual`` prints it.

Source: man(7), man-pages(7), groff_char(7).
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator

import click

from gate import __version__
from gate.cli import SECTIONS, group

DESCRIPTION = (
    "smile-gate lets a guest through a turnstile who smiles into a camera with open eyes. It runs"
    " as a service on a Raspberry Pi: a camera gives pictures, a small model judges them on the"
    " board, a state machine decides, a relay opens the gate, and an append-only log records each"
    " decision before the gate opens. No picture is kept or sent.",
    "run is the service. status, open, close, reopen, clear-fault, reload and events speak with a"
    " running gate through its control socket, and the kernel says who asks. audit reads the log,"
    " also while the gate runs. The other commands need no gate.",
    "Settings are one YAML file; check finds its mistakes, and check --explain says what a setting"
    " means. With --json a command writes one JSON object a line. Times are those of the local"
    " zone, which tables name.",
)
"""What the program is, in paragraphs."""
FILES = {
    "/etc/smile-gate/gate.yaml": "the settings of the gate",
    "/var/lib/smile-gate/audit.db": "the audit log",
    "/run/smile-gate/control.sock": "where the running gate is steered and asked how it is",
}
EXIT_STATUS = {
    "0": "It is done.",
    "1": "It failed; one line on standard error says why, and what to do.",
    "2": "The command line or the settings have a mistake, named on standard error.",
    "3": "No gate runs.",
    "4": "Whoever asks may not steer the gate.",
    "5": "The gate runs, but did not answer in time.",
    "6": "The gate ended itself to free a camera that hangs in its driver; it wants a new start.",
}
SEE_ALSO = "systemctl(1), journalctl(1)"


def walk(command: click.Command, above: click.Context | None = None) -> Iterator[click.Context]:
    """A command's context, then those of all commands below it, in the order of its help."""
    context = click.Context(
        command, info_name=command.name, parent=above, **command.context_settings
    )
    if above is None:
        context.info_name = "smile-gate"
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from walk(below, context)


def page() -> str:
    """The whole page in roff's man macros; ASCII only."""
    top, *commands = walk(group)
    lines = [
        f'.TH SMILE-GATE 1 "" "smile-gate {__version__}" "User Commands"',
        ".ad l",
        ".nh",
        ".SH NAME",
        rf"smile\-gate \- {roff(_purpose(top.command))}",
        ".SH SYNOPSIS",
        r".B smile\-gate",
        r".I COMMAND",
        r"[\fIOPTIONS\fR] [\fIARGUMENTS\fR]",
        ".SH DESCRIPTION",
        *_text(DESCRIPTION[0]),
    ]
    for paragraph in DESCRIPTION[1:]:
        lines += [".PP", *_text(paragraph)]
    for heading, names in SECTIONS.items():
        lines.append(f".SH {heading.upper()}")
        for context in commands:
            if context.command_path.split()[1] in names:
                lines += _section(context)
    lines += [".SH EXIT STATUS", *_terms(EXIT_STATUS)]
    lines += [".SH FILES", *_terms(FILES)]
    lines += [".SH SEE ALSO", SEE_ALSO]
    return "\n".join(lines) + "\n"


def roff(text: str) -> str:
    """Text as roff takes it: nothing in it is a macro, an escape or outside of ASCII."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in text)
    return "\\&" + text if text.startswith((".", "'")) else text


def _purpose(command: click.Command) -> str:
    """The first sentence, as NAME wants it: no capital, no full stop."""
    text = command.get_short_help_str(limit=200).rstrip(".")
    return text[:1].lower() + text[1:]


def _section(context: click.Context) -> list[str]:
    command = context.command
    pieces = " ".join(command.collect_usage_pieces(context))
    lines = [f".SS {roff(f'{context.command_path} {pieces}')}"]
    first, *others = inspect.cleandoc(command.help or "").split("\n\n")
    lines += _text(first)
    for paragraph in others:
        lines += [".PP", *_text(paragraph)]
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            lines += [".TP", *_option(option, context)]
    if command.epilog:
        lines += [".PP", *_epilog(command.epilog)]
    return lines


def _option(option: click.Option, context: click.Context) -> list[str]:
    names = ", ".join(rf"\fB{roff(name)}\fR" for name in (*option.opts, *option.secondary_opts))
    _, text = option.get_help_record(context) or ("", "")
    if isinstance(option.type, click.Choice):
        text = f"{text} One of: {', '.join(map(str, option.type.choices))}.".strip()
    return [f"{names}{_value(option, context)}", *_text(text)]


def _value(option: click.Option, context: click.Context) -> str:
    """The text behind the option's name; nothing for a flag."""
    if option.is_flag or option.count:
        return ""
    if isinstance(option.type, click.Choice) and option.metavar is None:
        return rf" \fI{roff(str(option.name).upper())}\fR"
    return rf" \fI{roff(option.make_metavar(context).split(' ')[0])}\fR"


def _epilog(epilog: str) -> list[str]:
    """The examples: a title, then lines as they are typed."""
    title, *examples = epilog.removeprefix("\b\n").splitlines()
    return [roff(title), ".PP", ".RS 4", ".nf", *map(roff, map(str.strip, examples)), ".fi", ".RE"]


def _text(text: str) -> list[str]:
    """A paragraph; short lines, as mandoc's lint wants them."""
    words = " ".join(text.split())
    return [roff(line) for line in textwrap.wrap(words, 72, break_on_hyphens=False)]


def _terms(terms: dict[str, str]) -> Iterator[str]:
    for term, text in terms.items():
        yield from (".TP", rf"\fB{roff(term)}\fR", *_text(text))


if __name__ == "__main__":
    print(page(), end="")
