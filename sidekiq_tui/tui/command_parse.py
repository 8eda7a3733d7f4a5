"""What a line after `:` means, and what could stand at its end. Knows no widgets."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.errors import UsageError
from sidekiq_tui.sidekiq.filter import spelled
from sidekiq_tui.sidekiq.filter_terms import NUMBER_FIELDS, TEXT_FIELDS
from sidekiq_tui.tui.command_words import COMMANDS, Command

_QUOTED: Final = r'"(?:[^"\\]|\\.)*'
_FIELD: Final = re.compile(
    rf'[-!]?(?P<field>[a-z]+):=?(?:(?:{_QUOTED}"|[^",][^,]*)?,)*(?P<part>{_QUOTED}"?|[^",][^,]*|)$', re.IGNORECASE
)
_FIELDS: Final = (*(f"{field}:" for field in TEXT_FIELDS), *(f"{field}>" for field in NUMBER_FIELDS))
_FIRST: Final = re.compile(r'"(?P<quoted>[^"]*)"?(?=\s|$)|(?P<bare>\S+)')


@dataclass(frozen=True, slots=True)
class Typed:
    """A command and what followed it: its name for a queue or server, and the rest."""

    command: Command
    name: str = ""
    """The first word after it, for commands that take a name; without quotes."""
    rest: str = ""
    """All that follows: a filter, or nothing."""


@dataclass(frozen=True, slots=True)
class Words:
    """The names that can be completed."""

    servers: Sequence[str] = ()
    groups: Sequence[str] = ()
    queues: Sequence[str] = ()
    filters: Sequence[str] = ()
    themes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """What could follow `head`: each candidate makes a whole line of it, with `tail` at the end."""

    head: str = ""
    candidates: tuple[str, ...] = ()
    tail: str = ""

    def line(self, index: int) -> str:
        """The line with a candidate."""
        return f"{self.head}{self.candidates[index]}{self.tail}"


def parse_command(text: str) -> Typed | None:
    """The command of a line; None if the line is blank.

    Raises `UsageError`, which names the nearest word, the words that it could be, or what is missing.
    """
    word, _, rest = text.strip().partition(" ")
    if not word:
        return None
    command, rest = find_command(word), rest.strip()
    if command.argument in ("filter", "servers"):
        return Typed(command, rest=rest)
    if command.argument in ("when", "file"):
        return Typed(command, name=rest)
    name, rest = first_word(rest)
    if not name and command.needed:
        raise UsageError(f"{command.name} needs {command.needed}")
    if rest and command.argument != "queue":
        raise UsageError(f"{command.name} takes no more than one word" if command.argument else _alone(command))
    if name and not command.argument:
        raise UsageError(_alone(command))
    return Typed(command, name, rest)


def find_command(word: str) -> Command:
    """The command called that, or the only one that begins so. Raises `UsageError`."""
    folded = word.casefold()
    for command in COMMANDS:
        if folded in command.words:
            return command
    found = [command for command in COMMANDS if any(one.startswith(folded) for one in command.words)]
    if len(found) == 1:
        return found[0]
    if found:
        names = [command.name for command in found]
        raise UsageError(f"{word} could be {', '.join(names[:-1])} or {names[-1]}")
    raise UsageError(f"there is no command {word}", hint=nearest(word, [one for c in COMMANDS for one in c.words]))


def nearest(word: str, known: Iterable[str]) -> str:
    """ "did you mean …?" or nothing."""
    folded = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.5)
    return f"did you mean {folded[near[0]]}?" if near else ""


def first_word(text: str) -> tuple[str, str]:
    """The first word, perhaps in quotes, and the rest."""
    found = _FIRST.match(text)
    if found is None:
        return "", ""
    word = found["bare"] if found["quoted"] is None else found["quoted"]
    return word, text[found.end() :].strip()


def quoted(name: str) -> str:
    """A name as it must be typed after a command."""
    return f'"{name}"' if " " in name else name


def _can_be_typed(name: str) -> bool:
    return first_word(quoted(name)) == (name, "")


def complete(text: str, words: Words) -> Completion:
    """What could stand at the end of a line."""
    head, blank, rest = text.partition(" ")
    if not blank:
        return _commands(head)
    try:
        command = find_command(head)
    except UsageError:
        return Completion()
    rest = rest.lstrip()
    start = text[: len(text) - len(rest)]
    if command.argument == "filter":
        return _filter(text, words)
    if command.argument == "queue" and _named(rest):
        return _filter(text, words)
    if command.argument == "servers":
        start, rest = text[: _last_word(text)], text[_last_word(text) :]
    known = {
        "servers": words.servers,
        "queue": words.queues,
        "to-queue": words.queues,
        "to-anywhere": (*words.queues, *words.servers),
        "to-server": words.servers,
        "server": words.servers,
        "group": words.groups,
        "saved": words.filters,
        "theme": words.themes,
    }
    tail = " " if command.argument == "queue" else ""
    names = filter(_can_be_typed, known.get(command.argument, ()))
    return Completion(start, _matching(rest, names, quoted), tail)


def _commands(typed: str) -> Completion:
    folded = typed.casefold()
    names = [command for command in COMMANDS if command.name.startswith(folded)]
    found = [(command, command.name) for command in names]
    if not found:
        found = [(one, word) for one in COMMANDS for word in one.aliases if word.startswith(folded)]
    takes_more = len(found) == 1 and bool(found[0][0].argument)
    return Completion("", tuple(word for _, word in found), " " if takes_more else "")


def _filter(text: str, words: Words) -> Completion:
    """The last word of a filter: a field, or a name after a field that names something."""
    start = _last_word(text)
    last = text[start:]
    field = _FIELD.match(last)
    if field is not None:
        known = {"queue": words.queues, "server": words.servers}.get(field["field"].lower(), ())
        part = field["part"]
        return Completion(text[: len(text) - len(part)], _matching(part, known, spelled))
    sign = last[:1] if last[:1] in ("-", "!") else ""
    found = tuple(name for name in _FIELDS if name.startswith(last[len(sign) :].casefold()))
    return Completion(text[: start + len(sign)], found)


def _last_word(text: str) -> int:
    """Where the last word of a filter begins; blanks within double quotes belong to a word."""
    start, inside = 0, False
    for place, char in enumerate(text):
        if char == '"' and (inside or place == start or text[place - 1] in ":=,-!"):
            inside = not inside or text[place - 1] == "\\"
        elif char == " " and not inside:
            start = place + 1
    return start


def _named(rest: str) -> bool:
    """Whether a name is finished: a blank follows it, and it is not one within quotes."""
    found = _FIRST.match(rest)
    return found is not None and rest[found.end() :].startswith(" ")


def _matching(part: str, known: Iterable[str], spell: Callable[[str], str]) -> tuple[str, ...]:
    """Names that begin so, else names that contain it, as they must be typed; none that cannot be shown."""
    folded = part.strip('"').casefold()
    names = [name for name in known if name and name.isprintable()]
    found = [name for name in names if name.casefold().startswith(folded)]
    return tuple(map(spell, found or [name for name in names if folded in name.casefold()]))


def _alone(command: Command) -> str:
    return f"nothing follows {command.name}"
