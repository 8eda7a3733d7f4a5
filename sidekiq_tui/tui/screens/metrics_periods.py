"""The periods of the metrics, after the Web UI's: which there are, and which a server can answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.presentation.units import TimeMode
from sidekiq_tui.sidekiq.metrics import Metrics
from sidekiq_tui.sidekiq.overview import Overview


@dataclass(frozen=True, slots=True)
class Period:
    """So many minutes, or so many hours; and the times under its charts."""

    name: str
    minutes: int | None
    hours: int | None
    ticks: tuple[str, str, str, str]


PERIODS: Final = (
    Period("1h", 60, None, ("1h ago", "40m", "20m", "now")),
    Period("2h", 120, None, ("2h ago", "1h20m", "40m", "now")),
    Period("4h", 240, None, ("4h ago", "2h40m", "1h20m", "now")),
    Period("8h", 480, None, ("8h ago", "5h20m", "2h40m", "now")),
    Period("24h", None, 24, ("24h ago", "16h", "8h", "now")),
    Period("48h", None, 48, ("48h ago", "32h", "16h", "now")),
    Period("72h", None, 72, ("72h ago", "48h", "24h", "now")),
)
LONGEST_BY_MINUTES: Final = 3
"""8 hours, as an index: all that Sidekiq 7 keeps."""
LONGEST: Final = len(PERIODS) - 1


def keeps_metrics(overview: Overview | None) -> bool:
    """Whether the processes of a server are new enough to keep any; True where that is not known."""
    return not overview or _newest(overview) is None or (_newest(overview) or 0) >= 7


def names_no_version(overview: Overview | None) -> bool:
    """Whether processes run and none says its version: Sidekiq up to 7.0.1 (protocol 16)."""
    return overview is not None and bool(overview.processes) and not overview.sidekiq_versions


def longest_period(overview: Overview | None) -> int:
    """The longest period that the processes of a server keep, as an index; the longest of all where not known."""
    newest = _newest(overview) if overview is not None else None
    return LONGEST if newest is None or newest >= 8 else LONGEST_BY_MINUTES


def versions_text(overview: Overview | None) -> str:
    """`Sidekiq 7.3.10`, or all versions of a mixed fleet; safe to show."""
    return f"Sidekiq {display_text(', '.join(overview.sidekiq_versions))}" if overview is not None else "Sidekiq"


def ticks(period: Period, metrics: Metrics | None, mode: TimeMode) -> tuple[str, ...]:
    """The times under a chart, evenly spread: how long ago, or o'clock."""
    if metrics is None or mode == "relative":
        return period.ticks
    step = (metrics.ends_at - metrics.starts_at) / 3
    moments = [metrics.starts_at + step * index for index in range(4)]
    return tuple(units.clock(moment, metrics.ends_at, utc=mode == "utc") for moment in moments)


def _newest(overview: Overview) -> int | None:
    majors = [version.split(".")[0] for version in overview.sidekiq_versions]
    return max((int(major) for major in majors if major.isdecimal() and len(major) < 4), default=None)
