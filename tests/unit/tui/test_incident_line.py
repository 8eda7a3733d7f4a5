"""Where the charts of the board say that trouble began."""

from __future__ import annotations

import pytest

from sidekiq_tui.presentation.columns.base import plain
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.servers.health import State
from sidekiq_tui.tui.screens.servers import incident_line
from sidekiq_tui.tui.widgets.line_chart import GUTTER
from tests.support.tui import make_snapshot

COLUMNS = 60


def line(state: State, ago: float, *, period: float = 600.0, ascii: bool = False) -> str:
    snapshot = make_snapshot("prod", state)
    now = snapshot.state_since + ago
    return plain(incident_line(snapshot, now, period, COLUMNS, glyph_set(ascii)))[GUTTER:]


@pytest.mark.parametrize(
    ("ago", "column"),
    [(0.0, 59), (60.0, 54), (300.0, 30), (540.0, 6), (599.0, 0)],
    ids=["now", "1m", "5m", "9m", "10m"],
)
def test_the_mark_stands_over_the_moment_and_the_words_beside_it(ago: float, column: int) -> None:
    shown = line("bad", ago)
    assert shown.index("▲") == column
    assert "bad for" in shown
    assert len(shown) <= COLUMNS


def test_what_began_before_the_chart_points_to_the_left() -> None:
    assert line("warn", 3600.0) == "‹ warn for 1h00m"
    assert line("warn", 3600.0, ascii=True) == "< warn for 1h00m"


@pytest.mark.parametrize("state", ["ok", "connecting"])
def test_who_is_well_has_no_mark(state: State) -> None:
    assert line(state, 60.0) == ""
    assert line("bad", -5.0) == ""  # a clock that went back
