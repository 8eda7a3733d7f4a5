"""The filter language over groups of errors: what was read decides, no server is asked."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.sidekiq.error_groups import ErrorGroup
from sidekiq_tui.sidekiq.errors import FilterError
from sidekiq_tui.sidekiq.filter import Filter, parse_filter
from sidekiq_tui.sidekiq.filter_terms import FieldTerm, Word

_FIELDS: Final = ("class", "error", "queue", "server")


def parse_group_filter(text: str | list[str]) -> Filter:
    """A filter of groups: plain words, `class:`, `error:` and `queue:`. Raises FilterError, also for other fields."""
    wanted = parse_filter(text)
    for term in wanted.terms:
        if not isinstance(term, Word) and term.field not in _FIELDS:
            raise FilterError(
                f"{term.field}: groups of errors have no such field", hint="they have class: error: queue: and words"
            )
    return wanted


def group_matches(wanted: Filter, group: ErrorGroup) -> bool:
    """Whether all terms hold: `error:` looks at class and message, folded or not; a queue is one of its jobs'."""
    cause = group.cause
    messages = [cause.error_class or "", cause.message, *(message for message, _ in group.messages)]
    texts = {
        "class": [cause.klass or ""],
        "error": messages,
        "queue": [queue for queue, _ in group.queues],
    }
    for term in wanted.terms:
        if isinstance(term, Word):
            everything = (text for found in texts.values() for text in found)
            if any(term.text.lower() in text.lower() for text in everything) is term.negated:
                return False
        elif isinstance(term, FieldTerm) and term.field in texts and not term.matches_texts(texts[term.field]):
            return False
    return True
