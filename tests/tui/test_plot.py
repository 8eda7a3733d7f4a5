"""Several lines on shared axes: whose line lies on top, and what a change of theme does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from sidekiq_tui.presentation import units
from sidekiq_tui.tui.theme import DARK, LIGHT, textual_themes
from sidekiq_tui.tui.widgets.plot import LinesPlot, PlotLine, legend
from tests.support.tui import screen_text


class OnePlot(App[None]):
    """A plot alone in a terminal."""

    def __init__(self) -> None:
        super().__init__()
        for known in textual_themes():
            self.register_theme(known)
        self.theme = DARK

    def compose(self) -> ComposeResult:
        yield LinesPlot(units.rate)


@asynccontextmanager
async def plotted(*lines: PlotLine, ascii: bool = False) -> AsyncIterator[tuple[Pilot[None], LinesPlot]]:
    app = OnePlot()
    async with app.run_test(size=(60, 10)) as pilot:
        plot = app.query_one(LinesPlot)
        plot.show(lines, ("1h ago", "now"), ascii=ascii)
        await pilot.pause()
        yield pilot, plot


def colours(plot: LinesPlot) -> set[str]:
    """The colours that are painted now."""
    return {
        str(segment.style.color)
        for y in range(plot.size.height)
        for segment in plot.render_line(y)
        if segment.style is not None and segment.style.color is not None and segment.text.strip()
    }


async def test_another_theme_repaints_the_lines_at_once() -> None:
    async with plotted(PlotLine("a", [1.0, 2.0, 3.0])) as (pilot, plot):
        dark = colours(plot)
        pilot.app.theme = LIGHT
        await pilot.pause()
        light = colours(plot)
        pilot.app.theme = DARK
        await pilot.pause()
        assert not dark & light
        assert colours(plot) == dark


async def test_the_first_line_lies_on_top() -> None:
    async with plotted(PlotLine("a", [1.0] * 3), PlotLine("b", [1.0] * 3), ascii=True) as (pilot, _):
        body = "\n".join(screen_text(pilot.app).splitlines()[:-1])
        assert "1" in body
        assert "2" not in body


def test_names_share_the_room_there_is() -> None:
    lines = [PlotLine("Invoice::ChargeCreditCardJob", [1.0]), PlotLine("b", [1.0])]
    narrow, wide = ("".join(text for text, _ in legend(lines, room)) for room in (0, 100))
    assert narrow == "1 Invoice::Ch…  2 b"
    assert wide == "1 Invoice::ChargeCreditCardJob  2 b"
