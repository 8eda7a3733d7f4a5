"""Where the parts of the dashboard stand, from the size of its body alone."""

from __future__ import annotations

from typing import Final

from textual.geometry import Region

from sidekiq_tui.tui.widgets.line_chart import GUTTER

WIDE: Final = 110
LOWER_FROM: Final = 28
"""Rows from which there is a lower half."""
UPPER_ACROSS: Final = 14
"""Rows that charts and queues keep above the lines of the servers."""
LEAST_ACROSS: Final = 20
"""Rows from which both have room."""
WORKERS_ROWS: Final = 4
REDIS_ROWS: Final = 4
TODAY_ROWS: Final = 4
FACTS_ROWS: Final = 3
DAYS: Final = 30
WEEKS: Final = 26
"""Half a year, the longest history that Sidekiq's own page offers."""
_SPLIT_FROM: Final = 8
"""Rows from which failures have a chart of their own below the history."""

Places = dict[str, Region]


def dashboard_layout(width: int, height: int, queues: int, *, spanning: bool = False) -> Places:
    """Regions by id; `queues` is how many there are to list, `spanning` whether their servers are named too."""
    lower = (height - 5) // 3 + 3 if height >= LOWER_FROM else 0
    return _wide(width, height, queues, spanning, lower) if width >= WIDE else _narrow(width, height, queues)


def _wide(width: int, height: int, queues: int, spanning: bool, lower: int) -> Places:
    right = max(44 if spanning else 40, width // 3)
    left = width - right - 4
    x = left + 4
    upper = height - lower - (1 if lower else 0)
    places = _charts(left, upper) | _side(x, right, upper, queues)
    if lower:
        top = upper + 1
        places["rule"] = Region(0, upper, width, 1)
        places["panel-title"] = Region(0, top, left + 1, 1)
        places["panel"] = Region(0, top + 1, left, lower - 2)
        places["trends"] = Region(x, top, right - 1, 4)
        places["today"] = Region(x, top + 5, right - 1, max(0, min(TODAY_ROWS, lower - 5)))
    return places


def across_layout(width: int, height: int, queues: int, servers: int) -> Places:
    """The same of several servers with a line for each of them, which is where keys go.

    How many there are is a setting, so nothing moves with the data. Below them charts go first.
    """
    rows = servers + 2
    if width < WIDE:
        places = _narrow(width, height, rows - 1)
        places["servers"] = places.pop("table")
        return places
    if height < LEAST_ACROSS:
        return {"servers": Region(0, 0, width, height)}
    lower = min(rows + 1, height - UPPER_ACROSS - 1)
    places = _wide(width, height - lower - 1, queues, True, lower=0)
    places["rule"] = Region(0, height - lower - 1, width, 1)
    places["servers-title"] = Region(0, height - lower, width, 1)
    places["servers"] = Region(0, height - lower + 1, width, lower - 1)
    return places


def history_places(panel: Region, bars: int) -> Places:
    """Processed over failed in the panel, `bars` of them: every bar is equally wide, so they may end before it does."""
    width = GUTTER + max(1, (panel.width - GUTTER) // bars) * bars
    if panel.height < _SPLIT_FROM:
        return {"days": Region(panel.x, panel.y, width, panel.height)}
    room = panel.height - 2
    failed = max(2, room // 3)
    below = panel.y + room - failed
    return {
        "days": Region(panel.x, panel.y, width, room - failed),
        "days-failed-title": Region(panel.x, below, panel.width + 1, 1),
        "days-failed": Region(panel.x, below + 1, width, failed + 1),
    }


def _charts(width: int, height: int) -> Places:
    """Processed over failed, two to one, with the times under both."""
    if height < 7:
        return {}
    room = height - 3
    failed = max(2, room // 3)
    processed = room - failed
    return {
        "processed-title": Region(0, 0, width + 1, 1),
        "processed": Region(0, 1, width, processed),
        "failed-title": Region(0, 1 + processed, width + 1, 1),
        "failed": Region(0, 2 + processed, width, failed + 1),
    }


def _side(x: int, width: int, height: int, queues: int) -> Places:
    """The queues, then workers and Redis while there is room for three queues."""
    places = {"queues-title": Region(x - 1, 0, width + 1, 1)}
    blocks = [(name, rows) for name, rows in (("workers", WORKERS_ROWS), ("redis", REDIS_ROWS))]
    while blocks and height - 5 < sum(rows + 1 for _, rows in blocks):
        blocks.pop()
    table = max(0, min(max(2, queues + 1), height - 1 - sum(rows + 1 for _, rows in blocks)))
    places["table"] = Region(x, 1, width, table)
    y = 1 + table
    for name, rows in blocks:
        places[name] = Region(x, y + 1, width - 1, rows)
        y += rows + 1
    return places


def _narrow(width: int, height: int, queues: int) -> Places:
    """Charts, queues and a few facts one below the other; the facts go first, then the charts."""
    facts = FACTS_ROWS + 1
    if height - 3 - facts < 8:
        facts = 0
    room = height - 3 - facts
    if room < 7:
        return {"table": Region(0, 0, width, height)}
    table = min(max(2, queues + 1), room - max(4, room // 2))
    charts = _charts(width - 1, room - table + 3)
    top = room - table + 3
    places = charts | {"table": Region(0, top, width, table)}
    if facts:
        places["facts"] = Region(0, height - FACTS_ROWS, width, FACTS_ROWS)
    return places
