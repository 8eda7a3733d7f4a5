"""What stands under the board of servers: reasons in full where there is room for them."""

from __future__ import annotations

from sidekiq_tui.presentation.columns.base import Cell
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.servers.health import Reason
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.tui.screens.server_details import detail_lines
from tests.support.tui import NOW, make_overview, make_snapshot

GHOST = "shop-app-1:4753:ba7932344103"
REASONS = (
    Reason("bad", "failures", "9.1% of jobs, Net::ReadTimeout leads with 61%"),
    Reason("warn", "ghosts", f"1 process has no heartbeat for over a minute: {GHOST}"),
)


def lines(width: int, height: int) -> list[str]:
    snapshot = make_snapshot("prod", "bad", overview=make_overview(), reasons=REASONS)
    return ["".join(span.text for span in line) for line in _cells(snapshot, width, height)]


def _cells(snapshot: ServerSnapshot, width: int, height: int) -> list[Cell]:
    return detail_lines(snapshot, NOW, width, height, glyph_set(False))


def test_reasons_are_told_in_full_where_there_is_room() -> None:
    shown = lines(50, 12)
    assert all(cell_width(line) <= 50 for line in shown[1:])
    at = next(number for number, line in enumerate(shown) if "ghosts" in line)
    assert shown[at].index("1 process") == shown[at + 1].index("minute: ") == 13
    assert GHOST in shown[at + 1]
    assert any(line.startswith("redis") for line in shown)


def test_facts_go_before_reasons_are_cut() -> None:
    shown = lines(50, 6)
    assert len(shown) <= 6
    assert any(GHOST in line for line in shown)
    assert not any(line.startswith("redis") for line in shown)


def test_each_reason_keeps_a_line_where_there_is_room_for_no_more() -> None:
    shown = lines(50, 3)
    assert [line[:10] for line in shown[1:]] == ["✗ failures", "▲ ghosts  "]
