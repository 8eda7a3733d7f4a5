"""The terms of the filter language: what each matches, and what a payload must contain for it to match at all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeGuard, get_args

from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.sidekiq.payload import ENCRYPTED_MARK, compact, to_text

TextField = Literal["class", "queue", "jid", "error", "tag", "arg", "server"]
NumberField = Literal["age", "at", "retry"]
Operator = Literal[">", ">=", "<", "<=", "="]

TEXT_FIELDS: Final[tuple[TextField, ...]] = get_args(TextField)
NUMBER_FIELDS: Final[tuple[NumberField, ...]] = get_args(NumberField)

# Characters that JSON always writes as they are, so that they can be looked for in the bytes.
_UNESCAPED: Final = re.compile(r"[ !#-.0-\[\]-~]+")
_UNESCAPED_CLASS: Final = re.compile(r"[ !$-.0-\[\]-~]+")  # a mailer's display class is put together with "#"
# Numbers may be written otherwise than they are shown; letters may not, but for infinity (1e400).
_LETTERS: Final = re.compile(r"[a-z_]{3,}")
_UNSURE_LETTERS: Final = ("infinity", ENCRYPTED_MARK)
# The only letters outside ASCII whose lower case has an ASCII letter in it: Kelvin's K, and I with a dot.
_ODD_CAPITALS: Final = (b"\xe2\x84\xaa", b"\xc4\xb0")
_HIDDEN: Final = re.compile(rb"\\u(?:00[0-7]|0130|212[aA])")
_ESCAPE: Final = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_SHORT_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Word:
    """A plain word: anywhere in the payload, as it is written or as it reads without JSON's escapes."""

    text: str
    negated: bool = False

    def matches(self, job: JobRecord, now: float) -> bool:
        """Whether the job has it, or, negated, has it not."""
        needle, text = self.text.lower(), to_text(job.raw)
        found = needle in text.lower() or ("\\" in text and needle in _unescaped(text).lower())
        return found is not self.negated

    def needles(self) -> tuple[bytes, ...]:
        """See `FieldTerm.needles`."""
        return _needle(_UNESCAPED, self.text)


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """A part, or all, of a field's value; any of `values` will do."""

    field: TextField
    values: tuple[str, ...]
    exact: bool = False
    negated: bool = False

    def matches(self, job: JobRecord, now: float) -> bool:
        """Whether the job has it, or, negated, has it not."""
        return self.matches_texts(_texts(self.field, job))

    def matches_texts(self, texts: Iterable[str]) -> bool:
        """The same for texts from elsewhere, such as a server's name."""
        found = [text.lower() for text in texts]
        wanted = [value.lower() for value in self.values]
        if self.exact:
            return any(value in found for value in wanted) is not self.negated
        return any(value in text for value in wanted for text in found) is not self.negated

    def needles(self) -> tuple[bytes, ...]:
        """Lower-case bytes of which one must be in a matching payload's `searchable` form; empty: cannot be told."""
        if self.field in ("queue", "server"):  # not, or not only, in the payload
            return ()
        runs = {"arg": _LETTERS, "class": _UNESCAPED_CLASS}.get(self.field, _UNESCAPED)
        needles = [_needle(runs, value) for value in self.values]
        return tuple(needle for found in needles for needle in found) if all(needles) else ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """A number compared. An operand is a span, from `low` to below `high`: a day has 24 hours, a plain number none.

    `age` in seconds, `at` in Unix seconds. What has no such number never matches, unless negated.
    """

    field: NumberField
    operator: Operator
    operand: str
    low: float
    high: float
    negated: bool = False

    def matches(self, job: JobRecord, now: float) -> bool:
        """Whether the job's number compares so, or, negated, does not."""
        number = self._number(job, now)
        return (number is not None and self._compares(number)) is not self.negated

    def needles(self) -> tuple[bytes, ...]:
        """See `FieldTerm.needles`."""
        return ()

    def _number(self, job: JobRecord, now: float) -> float | None:
        if self.field == "at":
            return job.score
        if self.field == "retry":
            return job.retry_count
        since = job.own_time()
        return None if since is None else now - since

    def _compares(self, number: float) -> bool:
        match self.operator:
            case ">":
                return number >= self.high if self.high > self.low else number > self.low
            case ">=":
                return number >= self.low
            case "<":
                return number < self.low
            case "<=":
                return number < self.high or number == self.low
        return self.low <= number < self.high or number == self.low


Term = Word | FieldTerm | Comparison


def searchable(raw: bytes) -> bytes | None:
    """The payload in lower case, to look for needles in; None when its bytes may not show what it says.

    That is when it has escapes of ASCII characters, or one of two capitals whose lower case is ASCII, escaped or not.
    """
    if (b"\\u" in raw and _HIDDEN.search(raw)) or (not raw.isascii() and any(odd in raw for odd in _ODD_CAPITALS)):
        return None
    return raw.lower()


def is_text_field(name: str) -> TypeGuard[TextField]:
    """Whether the language has such a field with text in it."""
    return name in TEXT_FIELDS


def is_number_field(name: str) -> TypeGuard[NumberField]:
    """Whether the language has such a field to compare with."""
    return name in NUMBER_FIELDS


def _texts(field: TextField, job: JobRecord) -> Iterable[str]:
    match field:
        case "class":
            return _present(job.display_class, job.klass)
        case "queue":
            return _present(job.queue)
        case "jid":
            return _present(job.jid)
        case "error":
            return _present(job.error_class, job.error_message)
        case "tag":
            return job.tags
        case "arg":
            args = job.display_args
            each = args if isinstance(args, list) else [] if args is None else [args]
            return [arg if isinstance(arg, str) else compact(arg) for arg in each]
    return ()  # a job doesn't know its server


def _present(*values: str | None) -> list[str]:
    return [value for value in values if value is not None]


def _needle(runs: re.Pattern[str], text: str) -> tuple[bytes, ...]:
    """The longest part of the text that must be in the bytes as it is, if there is one."""
    found = [run for run in runs.findall(text.lower()) if not (runs is _LETTERS and _unsure(run))]
    return (max(found, key=len).encode("ascii"),) if found else ()


def _unsure(letters: str) -> bool:
    return any(letters in text for text in _UNSURE_LETTERS)


def _unescaped(text: str) -> str:
    """The text with JSON's escapes resolved, wherever they stand."""
    return _ESCAPE.sub(_resolve, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _resolve(escape: re.Match[str]) -> str:
    code, short = escape.groups()
    return chr(int(code, 16)) if code else _SHORT_ESCAPES.get(short, short)
