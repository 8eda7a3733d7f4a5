"""The filter language of lists, command line and searches: one for all.

Terms are ANDed, and letter case never matters. A plain word matches anywhere in the payload. `class:` (as shown, or
raw) `queue:` `jid:` `error:` (class or message) `tag:` `arg:` `server:` match a part of the value, `class:=Foo` all of
it, `class:A,B` either. `age>2h` counts from the list's own time; `at>=2026-11-21` compares the score (UTC, and a day is
a day: `at>` is after it, `at<=` up to its end, `at=` within); `retry>3` the retries. A leading `-` or `!` excludes.
Quotes keep blanks and commas in a value, and make a word plain.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from sidekiq_tui.sidekiq.errors import FilterError
from sidekiq_tui.sidekiq.filter_terms import (
    NUMBER_FIELDS,
    TEXT_FIELDS,
    Comparison,
    FieldTerm,
    NumberField,
    Operator,
    Term,
    Word,
    is_number_field,
    is_text_field,
    searchable,
)
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.sidekiq.timestamps import parse_time

_SIGNS: Final = "-!"
_QUOTES: Final = "\"'"
_HEAD: Final = re.compile(r"([A-Za-z_]+)(:=|:|>=|<=|>|<|=)")
_OPERATORS: Final[dict[str, Operator]] = {">": ">", ">=": ">=", "<": "<", "<=": "<=", "=": "="}
# `Invoice::ChargeJob` and `gid://app/User/1` are words.
_NO_VALUE: Final = (":", "//")
_CLOSE_ENOUGH: Final = 0.72

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdw])", re.ASCII)
_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_NUMBER: Final = re.compile(r"-?\d{1,15}(\.\d{1,9})?", re.ASCII)
_WHOLE: Final = re.compile(r"-?\d{1,9}", re.ASCII)
_DATE: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII | re.IGNORECASE
)
_EXAMPLES: Final[dict[NumberField, str]] = {"age": "age>2h", "at": "at>=2026-11-21", "retry": "retry>3"}


@dataclass(frozen=True)
class Filter:
    """Terms that all must match. `text` is the canonical spelling: `parse_filter(filter.text) == filter`."""

    terms: tuple[Term, ...] = ()

    def __str__(self) -> str:
        return self.text

    @cached_property
    def text(self) -> str:
        """The filter as a person would type it."""
        return " ".join(map(_spelling, self.terms))

    @property
    def empty(self) -> bool:
        """Whether everything matches."""
        return not self.terms

    @cached_property
    def servers(self) -> tuple[FieldTerm, ...]:
        """The `server:` terms: they choose servers, and no job is asked about them."""
        return tuple(term for term in self.terms if isinstance(term, FieldTerm) and term.field == "server")

    def matches_server(self, name: str) -> bool:
        """Whether the server of this name is in scope."""
        return all(term.matches_texts([name]) for term in self.servers)

    def matches(self, job: JobRecord, now: float) -> bool:
        """Whether the job matches all terms but `server:`; `now` (Unix seconds) is for `age`. Never raises."""
        return all(term.matches(job, now) for term in self._of_jobs)

    def may_match(self, raw: bytes) -> bool:
        """False when the bytes alone show that the payload does not match: much cheaper than decoding it.

        Of several payloads, joined by line feeds: that none matches.
        """
        if not self.needles:
            return True
        text = searchable(raw)
        if text is None:
            return True
        for needles in self.needles:  # plain loops: this runs for each payload of a search
            for needle in needles:
                if needle in text:
                    break
            else:
                return False
        return True

    @cached_property
    def _of_jobs(self) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if term not in self.servers)

    @cached_property
    def needles(self) -> tuple[tuple[bytes, ...], ...]:
        """Lower-case ASCII: of each tuple one must be in a matching payload that hides nothing (see `searchable`)."""
        return tuple(needles for term in self._of_jobs if not term.negated and (needles := term.needles()))


def parse_filter(words: str | Sequence[str]) -> Filter:
    """Reads a filter from one text, or from words that a shell has split (in these, blanks need no more quotes).

    Raises FilterError, which names the bad term and the nearest right spelling.
    """
    if isinstance(words, str):
        return Filter(tuple(_terms(words)))
    return Filter(tuple(term for word in words for term in _terms(word, whole=not _several(word))))


def _several(word: str) -> bool:
    """Whether one word of a shell holds several terms after all, as in 'class:Foo error:Timeout'."""
    heads = [_HEAD.match(part.lstrip(_SIGNS)) for part in word.split()[1:]]
    return any(head and head[1].lower() in (*TEXT_FIELDS, *NUMBER_FIELDS) for head in heads)


def _terms(text: str, *, whole: bool = False) -> list[Term]:
    scanner = _Scanner(text.strip(), whole)
    terms = []
    while scanner.skip_blanks():
        terms.append(_term(scanner))
    return terms


class _Scanner:
    """Reads pieces of a filter's text, from left to right. `whole`: it is one term, so blanks end nothing."""

    def __init__(self, text: str, whole: bool) -> None:
        self.text = text
        self.place = 0
        self._whole = whole

    @property
    def rest(self) -> str:
        return self.text[self.place :]

    @property
    def next(self) -> str:
        return self.text[self.place : self.place + 1]

    def skip_blanks(self) -> bool:
        """Goes to the next term; False at the end."""
        while self.next.isspace():
            self.place += 1
        return bool(self.next)

    def skip(self, one_of: str) -> bool:
        """Steps over one of these characters, if there is one."""
        found = bool(self.next) and self.next in one_of
        self.place += found
        return found

    def skip_head(self) -> tuple[str, str] | None:
        """The field and operator that stand here, if they are any."""
        head = _HEAD.match(self.text, self.place)
        if head is None:
            return None
        self.place = head.end()
        return head[1], head[2]

    def piece(self, ends: str = "") -> str:
        """A value or word: quoted or bare, up to a blank or one of `ends`."""
        found = self._quoted() if self.next and self.next in _QUOTES else ""
        start = self.place
        while self.next and self.next not in ends and (self._whole or not self.next.isspace()):
            self.place += 1
        return found + self.text[start : self.place]

    def _quoted(self) -> str:
        start, quote = self.place, self.next
        found = ""
        self.place += 1
        while self.next and self.next != quote:
            if self.next == "\\" and self.rest[1:2] in ("\\", quote) and len(self.rest) > 1:
                self.place += 1
            found += self.next
            self.place += 1
        if not self.next:
            raise FilterError(f"The quote is never closed: {self.text[start:]}", hint=f"end it with {quote}")
        self.place += 1
        return found


def _term(scanner: _Scanner) -> Term:
    start = scanner.place
    negated = scanner.skip(_SIGNS)
    if not scanner.next or scanner.next.isspace():
        raise FilterError(f"“{scanner.text[start : scanner.place]}” excludes nothing", hint="write -word or -class:Foo")
    word_start = scanner.place
    head = scanner.skip_head()
    if head is not None and not scanner.rest.startswith(_NO_VALUE):
        name, sign = head[0].lower(), head[1]
        if is_text_field(name) and sign in (":", ":="):
            return FieldTerm(name, _values(scanner, head), sign == ":=", negated)
        if is_number_field(name) and sign in _OPERATORS:
            return _comparison(name, _OPERATORS[sign], scanner.piece().strip(), negated)
        _refuse(name, sign, head[0] + sign + scanner.rest.partition(" ")[0])
    scanner.place = word_start
    word = scanner.piece()
    if not word:
        raise FilterError("Empty quotes look for nothing", hint="leave them out")
    return Word(word, negated)


def _values(scanner: _Scanner, head: tuple[str, str]) -> tuple[str, ...]:
    values = [scanner.piece(",")]
    while scanner.skip(","):
        values.append(scanner.piece(","))
    if not any(values):
        raise FilterError(f"{''.join(head)} needs a value", hint=f"for example {head[0]}:Foo")
    return tuple(value for value in values if value)


def _refuse(name: str, sign: str, term: str) -> None:
    """Raises for a term that was meant to be a field's; returns for a plain word."""
    as_text = f'or quote it to look for it as text: "{term}"'
    value = term[len(name) + len(sign) :]
    if is_text_field(name):
        raise FilterError(f"{term}: {name} takes a text", hint=f"did you mean {name}:{value}? {as_text}")
    if is_number_field(name):
        raise FilterError(f"{term}: {name} is compared", hint=f"for example {_EXAMPLES[name]}; {as_text}")
    near = _nearest(name, (*TEXT_FIELDS, *NUMBER_FIELDS) if sign in (":", ":=") else NUMBER_FIELDS)
    if near is not None and sign != "=":
        meant = f"{near}{sign}{value}" if is_text_field(near) or sign in _OPERATORS else _EXAMPLES[_number_field(near)]
        raise FilterError(f"{term}: there is no field {name}", hint=f"did you mean {meant}? {as_text}")


def _number_field(name: str) -> NumberField:
    return next(field for field in NUMBER_FIELDS if field == name)


def _nearest(name: str, fields: Sequence[str]) -> str | None:
    from difflib import get_close_matches  # only for somebody's typing error

    return next(iter(get_close_matches(name, fields, 1, _CLOSE_ENOUGH)), None)


def _comparison(field: NumberField, operator: Operator, operand: str, negated: bool) -> Comparison:
    span = {"age": _duration, "at": _moment, "retry": _count}[field](operand)
    term = f"{field}{operator}{operand}"
    if span is None:
        needs = {
            "age": "a duration such as 90s, 30m, 2h or 7d",
            "at": "a date, a time or Unix seconds",
            "retry": "a number",
        }
        raise FilterError(f"{term}: {field} needs {needs[field]}", hint=f"for example {_EXAMPLES[field]}")
    if field == "age" and operator == "=":
        raise FilterError(f"{term}: no age is exact", hint=f"did you mean age>{operand}?")
    return Comparison(field, operator, operand, *span, negated)


def _duration(text: str) -> tuple[float, float] | None:
    """Seconds of `90`, `90s`, `30m`, `1h30m`, `2d`, `1w`."""
    if _NUMBER.fullmatch(text) and not text.startswith("-"):
        return float(text), float(text)
    parts = _DURATION.findall(text.lower())
    if not parts or "".join(number + unit for number, unit in parts) != text.lower():
        return None
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return seconds, seconds


def _count(text: str) -> tuple[float, float] | None:
    return (float(text), float(text)) if _WHOLE.fullmatch(text) else None


def _moment(text: str) -> tuple[float, float] | None:
    """The span of a date (a day), a time (a minute or second), or Unix seconds (none)."""
    if _NUMBER.fullmatch(text):
        seconds = parse_time(text)
        return None if seconds is None else (seconds, seconds)
    parts = _DATE.fullmatch(text)
    if parts is None:
        return None
    day, clock, seconds_part, fraction, zone = parts.groups()
    try:
        found = datetime.fromisoformat(f"{day}{clock or 'T00:00'}{zone or ''}".upper())
        start = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    span = 86400.0 if not clock else 60.0 if not seconds_part else 1.0 if not fraction else 0.0
    return start, start + span


def _spelling(term: Term) -> str:
    sign = "-" if term.negated else ""
    if isinstance(term, Word):
        return sign + (term.text if _is_plain(term.text) else _quote(term.text))
    if isinstance(term, Comparison):
        return f"{sign}{term.field}{term.operator}{spelled(term.operand)}"
    return f"{sign}{term.field}:{'=' if term.exact else ''}{','.join(map(spelled, term.values))}"


def _is_plain(word: str) -> bool:
    """Whether the word reads as itself without quotes."""
    try:
        return _terms(word) == [Word(word)]
    except FilterError:
        return False


def spelled(value: str) -> str:
    """A value as it must be typed after a field, in quotes where it needs them."""
    bare = not any(char.isspace() or char == "," for char in value)
    return value if bare and not value.startswith((*_QUOTES, "=", *_NO_VALUE)) else _quote(value)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
