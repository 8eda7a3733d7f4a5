"""Where the parts of the metrics stand, from the size of the body alone."""

from __future__ import annotations

from typing import Final

from textual.geometry import Region

CHART_FROM: Final = 28
"""Rows from which the list has a chart under it."""
BESIDE_FROM: Final = 76
"""Cells from which histogram and charts stand side by side."""
FACTS_ROWS: Final = 2
LONG_DEPLOYS: Final = 4
"""Rows of the deploys where there is room, heading included."""

Places = dict[str, Region]


def list_layout(width: int, height: int, *, chart: bool) -> Places:
    """Title and list, and on a high terminal a chart of the top classes, if there is anything to draw."""
    lower = (height - 5) // 3 + 3 if chart and height >= CHART_FROM and width >= BESIDE_FROM else 0
    places = {"title": Region(0, 0, width, 1), "table": Region(0, 1, width, height - 1 - lower)}
    if lower:
        top = height - lower
        places["rule"] = Region(0, top, width, 1)
        places["chart-title"] = Region(0, top + 1, width, 1)
        places["chart"] = Region(0, top + 2, width - 1, lower - 3)
        places["marks"] = Region(0, height - 1, width - 1, 1)
    return places


def class_layout(width: int, height: int) -> Places:
    """Title and facts above; charts with deploys below them; the histogram at their right, or last."""
    places = {"title": Region(0, 0, width, 1), "facts": Region(0, 1, width, FACTS_ROWS)}
    top = 1 + FACTS_ROWS + (1 if height >= CHART_FROM else 0)
    room = height - top
    if width >= BESIDE_FROM:
        right = max(32, width // 3)
        left = width - right - 3
        deploys = LONG_DEPLOYS if height >= CHART_FROM else 1
        places |= _charts(left, top, room - deploys - (1 if height >= CHART_FROM else 0), three=height >= CHART_FROM)
        places["deploys"] = Region(0, height - deploys, left, deploys)
        places["times-title"] = Region(left + 3, top, right, 1)
        places["times"] = Region(left + 3, top + 1, right - 1, room - 1)
        return places
    charts = room // 2
    if charts >= 4:
        places |= _charts(width - 1, top, charts, three=False, two=False)
        top, room = top + charts, room - charts
    places["times-title"] = Region(0, top, width, 1)
    places["times"] = Region(0, top + 1, width - 1, max(0, room - 1))
    return places


def _charts(width: int, top: int, height: int, *, three: bool, two: bool = True) -> Places:
    """Charts under each other on one time axis, each under its title; the line of deploys is last."""
    names = ["runs", *(["failed"] if three else []), *(["mean"] if two else [])]
    rows = height - 2 - len(names)  # without titles, times and deploys
    each = {name: rows // len(names) for name in names}
    if three:
        each["failed"] = max(2, rows // 5)
        each["runs"] = each["mean"] = (rows - each["failed"]) // 2
    each["runs"] += rows - sum(each.values())
    places: Places = {}
    for name in names:
        places[f"{name}-title"] = Region(0, top, width + 1, 1)
        last = 1 if name == names[-1] else 0
        places[name] = Region(0, top + 1, width, each[name] + last)
        top += 1 + each[name] + last
    places["marks"] = Region(0, top, width, 1)
    return places
