"""Where the parts of the errors screen stand: from the terminal's size alone, so that nothing slides."""

from __future__ import annotations

from typing import Final

from textual.geometry import Region

DETAIL_LINES: Final = 6
LEAST_ROWS: Final = 7
"""Lines of the list, its heading included, that stay before details go."""
CHART_LEAST: Final = 6
CHART_MOST: Final = 14
RULE_HEIGHT: Final = 28


def errors_layout(width: int, height: int, *, details: bool = True) -> dict[str, Region]:
    """Title and table; below them details if there is room, and under these a chart where there is more.

    Without `details`: there is no group to tell about.
    """
    places = {"title": Region(0, 0, width, 1)}
    room = height - 1
    if room < LEAST_ROWS + 4 or not details:
        return places | {"table": Region(0, 1, width, max(0, room))}
    if height < RULE_HEIGHT:
        lines = min(DETAIL_LINES, room - 1 - LEAST_ROWS)
        table = room - lines - 1
        return places | {"table": Region(0, 1, width, table), "details": Region(1, table + 2, width - 2, lines)}
    left = room - 1 - DETAIL_LINES - 2
    chart = min(CHART_MOST, max(CHART_LEAST, left // 2 - 1))
    table = left - chart
    top = 1 + table
    places["table"] = Region(0, 1, width, table)
    places["rule"] = Region(0, top, width, 1)
    places["details"] = Region(1, top + 1, width - 2, DETAIL_LINES)
    places["chart-title"] = Region(0, top + 2 + DETAIL_LINES, width, 1)
    places["chart"] = Region(0, top + 3 + DETAIL_LINES, width - 1, chart)
    return places
