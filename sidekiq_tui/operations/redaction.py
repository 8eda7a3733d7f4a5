"""Replaces what must not leave a server, as e-mail addresses, in jobs that go to another one.

Rules are names of known kinds, or regular expressions, from the profile of the server they go to (`redact`). They apply
to every text in a payload, names of members included, but for those fields that say which job it is and where it goes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, NamedTuple

from sidekiq_tui.sidekiq.client_payload import dumps_value
from sidekiq_tui.sidekiq.errors import InvalidJob
from sidekiq_tui.sidekiq.payload import to_bytes, to_text
from sidekiq_tui.sidekiq.payload_edit import members, with_fields

EMAIL: Final = "email"
_KNOWN: Final = {
    EMAIL: (r"[A-Za-z0-9._%+'-]+(?:@|%40)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", "redacted@example.invalid")
}
_REPLACED: Final = "[redacted]"
_KEPT: Final = frozenset(
    (
        "class", "wrapped", "display_class", "jid", "bid", "queue", "retry_queue", "error_class", "lock_digest",
        "unique_digest", "locale",
    )
)  # fmt: skip
_BACKTRACE: Final = "error_backtrace"
_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


class Redacted(NamedTuple):
    """A payload after its redaction, and how many texts were changed in it."""

    raw: bytes
    changed: int


def redacted(raw: bytes, rules: Sequence[str]) -> Redacted:
    """The payload with what the rules match replaced; every other byte stays. Raises InvalidJob for a bad rule or job.

    A compressed backtrace cannot be looked into: it is left out.
    """
    if not rules:
        return Redacted(raw, 0)
    replace = _replacer(tuple(rules))
    text = to_text(raw)
    try:
        found = members(text)
    except ValueError as error:
        raise InvalidJob(f"it cannot be redacted: {error}") from None
    parts: list[str] = []
    end = changed = 0
    drop: tuple[str, ...] = ()
    for name, start, stop in found:
        if name == _BACKTRACE and text[start : start + 1] == '"':
            drop = (_BACKTRACE,)
        elif name not in _KEPT:
            value, count = _in_value(text[start:stop], replace)
            parts += [text[end:start], value]
            end, changed = stop, changed + count
    made = to_bytes("".join((*parts, text[end:])))
    return Redacted(with_fields(made, {}, drop) if drop else made, changed + len(drop))


def check_rules(rules: Sequence[str]) -> None:
    """Raises InvalidJob for a rule that is neither known nor a regular expression."""
    _replacer(tuple(rules))


def _in_value(value: str, replace: Callable[[str], str]) -> tuple[str, int]:
    changed = 0

    def one(match: re.Match[str]) -> str:
        nonlocal changed
        try:
            said = json.loads(match[0], strict=False)
        except ValueError:
            return match[0]
        new = replace(said)
        if new == said:
            return match[0]
        changed += 1
        return dumps_value(new)

    return _TEXT.sub(one, value), changed


@cache
def _replacer(rules: tuple[str, ...]) -> Callable[[str], str]:
    patterns: list[tuple[re.Pattern[str], str]] = []
    for rule in rules:
        pattern, new = _KNOWN.get(rule, (rule, _REPLACED))
        try:
            patterns.append((re.compile(pattern), new))
        except re.error as error:
            raise InvalidJob(f"{rule[:60]!r} is no rule for redaction: {error}") from None

    def replace(text: str) -> str:
        for pattern, new in patterns:
            text = pattern.sub(lambda _, new=new: new, text)  # type: ignore[misc]
        return text

    return replace
