"""Several lines on shared axes. Import it only where it is shown: plotext is slow to load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.color import Color
from textual_plotext import PlotextPlot

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.spark import scale_top
from sidekiq_tui.presentation.text import clip, display_text
from sidekiq_tui.tui.theme import style_for
from sidekiq_tui.tui.widgets.line_chart import LABEL_WIDTH

ROLES: Final = ("accent", "label:development", "label:staging", "label:production", "text")
"""What tells the lines apart, with the number of each in the legend and, without colours, as its marker."""
MOST_LINES: Final = len(ROLES)
BLOCKS: Final = "hd"
"""plotext's quarter blocks; its braille is in few fonts."""
NAME_CELLS: Final = 12

Samples = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class PlotLine:
    """One line: a name from anywhere and a sample for each column, None for holes."""

    name: str
    samples: Samples


def legend(lines: Sequence[PlotLine], room: int = 0) -> list[Span]:
    """Which line is which, worst first as given; names share `room` cells where that gives them more than usual."""
    cells = max(NAME_CELLS, room // max(1, len(lines)) - 4)
    spans: list[Span] = []
    for number, (line, role) in enumerate(zip(lines, ROLES, strict=False), start=1):
        name = clip(display_text(line.name), cells)
        spans += [Span("  " if spans else ""), Span(f"{number} {name}", f"{role} strong")]
    return spans


class LinesPlot(PlotextPlot):
    """Lines from zero over time, oldest at the left."""

    DEFAULT_CSS = """
    LinesPlot { color: $muted; background: $background; }
    """

    def __init__(self, label: Callable[[float], str], *, id: str | None = None) -> None:
        """`label` writes a value at the axis; it may be changed before `show`."""
        super().__init__(id=id)
        self.theme = "clear"
        self.label = label
        self._lines: tuple[PlotLine, ...] = ()
        self._times: tuple[str, ...] = ()
        self._ascii = False
        self._drawn: tuple[object, ...] = ()

    def show(self, lines: Sequence[PlotLine], times: Sequence[str], *, ascii: bool = False) -> None:
        """Draws at most `MOST_LINES` lines of equally many samples; `times` are spread evenly below."""
        self._lines, self._times, self._ascii = tuple(lines), tuple(times), ascii
        self._draw()

    def notify_style_update(self) -> None:
        """Another theme: plotext holds colours, not roles."""
        super().notify_style_update()
        if self._drawn:
            self._draw()

    def _draw(self) -> None:
        drawn = (self._lines, self._times, self._ascii, self.label, self.app.theme)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        lines, times, plot = self._lines, self._times, self.plt
        plot.clear_data()
        plot.clear_figure()
        plot.theme("clear")
        count = max((len(line.samples) for line in lines), default=2)
        top = scale_top(max((value for line in lines for value in line.samples if value is not None), default=0.0))
        # What is drawn last lies on top: the first line.
        for number, (line, role) in reversed(list(enumerate(zip(lines, ROLES, strict=False), start=1))):
            colour = self._colour(role)
            marker = str(number) if self._ascii or colour == "default" else BLOCKS
            for xs, ys in _runs(line.samples):
                plot.plot(xs, ys, marker=marker, color=colour)
        plot.xlim(0, max(1, count - 1))
        plot.ylim(0, top)
        labels = ("0", self.label(top / 2), self.label(top))
        plot.yticks([0, top / 2, top], [f"{text:>{LABEL_WIDTH + 1}}" for text in labels])
        last = max(1, len(times) - 1)
        plot.xticks([index * (count - 1) / last for index in range(len(times))], list(times))
        plot.frame(False)
        plot.yaxes(not self._ascii, False)
        self.refresh()

    def _colour(self, role: str) -> str | int | tuple[int, int, int]:
        """A role's colour as plotext wants it: parts, or the number of one of the sixteen."""
        colour = style_for(role, "ground", self.app.theme).color
        if colour is None or colour.is_default:
            return "default"
        if colour.triplet is not None:
            return (colour.triplet.red, colour.triplet.green, colour.triplet.blue)
        return colour.number if isinstance(colour, Color) and colour.number is not None else "default"


def _runs(samples: Samples) -> list[tuple[list[int], list[float]]]:
    """The stretches without holes."""
    runs: list[tuple[list[int], list[float]]] = []
    open_run = False
    for index, value in enumerate(samples):
        if value is None:
            open_run = False
            continue
        if not open_run:
            runs.append(([], []))
            open_run = True
        runs[-1][0].append(index)
        runs[-1][1].append(value)
    return runs
