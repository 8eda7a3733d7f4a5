"""The third line and the last two."""

from __future__ import annotations

import pytest

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.tui.widgets.footer import footer_spans
from sidekiq_tui.tui.widgets.line import _difference
from sidekiq_tui.tui.widgets.view_tabs import tabs_spans

TEN = [
    (word.lower(), word, {"Dashboard": "Dash", "Scheduled": "Sched"}.get(word, word))
    for word in "Servers Dashboard Queues Retries Scheduled Dead Workers Errors Metrics Audit".split()  # noqa: SIM905
]
ITEMS = [
    ("enter", "open"),
    ("R", "retry 2"),
    ("D", "delete 2"),
    ("space", "mark"),
    ("/", "filter"),
    ("t", "reschedule"),
]


def text(spans: list[Span]) -> str:
    return "".join(span.text for span in spans)


def test_words_in_full_from_110_columns_on() -> None:
    assert text(tabs_spans(TEN, "servers", 120)).rstrip() == (
        "  Servers   Dashboard   Queues   Retries   Scheduled   Dead   Workers   Errors   Metrics   Audit"
    )


def test_short_words_at_80() -> None:
    assert text(tabs_spans(TEN, "servers", 80)).rstrip() == (
        " Servers  Dash  Queues  Retries  Sched  Dead  Workers  Errors  Metrics  Audit"
    )


def test_a_window_round_the_active_one_at_60() -> None:
    first = text(tabs_spans(TEN, "retries", 60))
    assert first.rstrip().endswith("›")
    assert " Retries " in first
    last = text(tabs_spans(TEN, "audit", 60))
    assert last.startswith("‹")
    assert last.rstrip().endswith("Audit")


@pytest.mark.parametrize("active", [name for name, _, _ in TEN])
@pytest.mark.parametrize("width", [60, 66, 72, 78, 110, 120])
def test_the_active_view_is_always_in_the_window(active: str, width: int) -> None:
    spans = tabs_spans(TEN, active, width)
    assert [span.text for span in spans if span.role == "active"]
    assert cell_width(text(spans)) <= width


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_footer_ends_with_help_and_drops_from_the_right(width: int) -> None:
    shown = text(footer_spans(ITEMS, width))
    assert cell_width(shown) == width
    assert shown.startswith(" enter open  R retry 2")
    assert shown.endswith("? keys ")
    assert ("t reschedule" in shown) is (width > 70)


def test_only_what_differs_is_repainted() -> None:
    before = (Span(" 1s ago "), Span("x", "muted"))
    assert _difference(before, before) is None
    assert _difference(before, (Span(" 2s ago "), Span("x", "muted"))) == (1, 2)
    assert _difference(before, (Span(" 1s ago "), Span("x", "warn"))) == (8, 9)
    assert _difference(before, (Span(" 1s ago "),)) == (8, 9)
    assert _difference((Span("漢 a"),), (Span("漢 b"),)) == (3, 4)
