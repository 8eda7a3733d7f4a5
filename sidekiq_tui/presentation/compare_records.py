"""A comparison in the JSON contract, schema 1: durations in seconds, sizes in bytes, rates in jobs a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sidekiq_tui.presentation.records import Record, number

if TYPE_CHECKING:
    from sidekiq_tui.servers.compare import Comparison, Difference, Value

FIELDS: Final = ("section", "subject", "fact", "kind", "moving", "left", "right")
"""The columns of its CSV."""


def comparison_record(comparison: Comparison) -> Record:
    """What differs; `same` counts the facts of each section that do not, `unknown` says what was not compared."""
    return {
        "left": comparison.left,
        "right": comparison.right,
        "differences": [difference_record(one) for one in comparison.differences],
        "same": dict(comparison.same),
        "unknown": list(comparison.unknown),
    }


def no_comparison_record(left: str, right: str) -> Record:
    """The same where one of them gave nothing."""
    return {"left": left, "right": right, "differences": None, "same": None, "unknown": []}


def difference_record(one: Difference) -> Record:
    """One fact; `moving`: a number that moves by itself."""
    return {
        "section": one.section,
        "subject": one.subject or None,
        "fact": one.name or None,
        "kind": one.kind,
        "moving": one.moving,
        "left": _value(one.left),
        "right": _value(one.right),
    }


def _value(value: Value) -> object:
    if isinstance(value, tuple):
        return list(value)
    return number(value) if isinstance(value, float) else value
