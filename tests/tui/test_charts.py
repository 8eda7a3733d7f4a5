"""Charts and text blocks: what stands in which cell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.tui.widgets.line_chart import GUTTER, LineChart, times_line
from sidekiq_tui.tui.widgets.text_block import TextBlock
from sidekiq_tui.tui.widgets.title_line import title_spans
from tests.support.tui import screen_text


class OneWidget(App[None]):
    """A widget alone in a terminal."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        yield self.widget


@asynccontextmanager
async def shown(widget: Widget, width: int, height: int) -> AsyncIterator[Pilot[None]]:
    async with OneWidget(widget).run_test(size=(width, height)) as pilot:
        await pilot.pause()
        yield pilot


async def test_a_chart_fills_from_the_right_and_names_top_half_and_zero() -> None:
    chart = LineChart(units.count)
    async with shown(chart, GUTTER + 8, 5) as pilot:
        chart.show([None, None, 0, 250, 500, 750, 1000, 1000], ("2m", "now"))
        await pilot.pause()
        assert screen_text(pilot.app).splitlines() == [
            " 1,000┤      ██",
            "      │     ███",
            "   500┤    ████",
            "     0┤  ·█████",
            "       2m   now",
        ]


async def test_a_hole_is_blank_and_zero_is_a_dot() -> None:
    chart = LineChart(units.count)
    async with shown(chart, GUTTER + 4, 2) as pilot:
        chart.show([1, None, 0, 1])
        await pilot.pause()
        assert [line[GUTTER:] for line in screen_text(pilot.app).splitlines()] == ["█  █", "█ ·█"]


async def test_the_scale_grows_at_once_and_shrinks_late() -> None:
    chart = LineChart(units.count)
    async with shown(chart, GUTTER + 3, 3) as pilot:
        tops = []
        for values in ([1, 1, 9], [1, 1, 5], [1, 1, 4], [None, None, 1]):
            chart.show(values)
            await pilot.pause()
            tops.append(screen_text(pilot.app).splitlines()[0].split("┤")[0].strip())
        assert tops == ["10", "10", "4", "4"]
        chart.restart()
        chart.show([None, None, 1])
        await pilot.pause()
        assert screen_text(pilot.app).splitlines()[0].startswith("     1")


async def test_labels_have_no_idle_zeros() -> None:
    chart = LineChart(units.count)
    async with shown(chart, GUTTER + 3, 4) as pilot:
        chart.show([1_500_000.0])
        await pilot.pause()
        lines = screen_text(pilot.app).splitlines()
        assert [lines[0].split("┤")[0], lines[2].split("┤")[0]] == ["  1.5M", "  750k"]


async def test_a_chart_in_ascii_has_only_ascii() -> None:
    chart = LineChart(units.count)
    async with shown(chart, GUTTER + 4, 4) as pilot:
        chart.show([0, 1, 2, 3], ("ago", "now"), ascii=True)
        await pilot.pause()
        assert screen_text(pilot.app).isascii()


def test_times_stand_at_their_columns_and_never_touch() -> None:
    assert times_line(("30m ago", "20m", "10m", "now"), 40)[GUTTER:] == "30m ago     20m           10m        now"
    assert times_line(("30m ago", "20m", "10m", "now"), 9)[GUTTER:].strip() == "30m ago"


async def test_a_block_repaints_only_lines_that_differ() -> None:
    block = TextBlock()
    async with shown(block, 10, 3) as pilot:
        block.put([(Span("one"),), (Span("two"),)])
        await pilot.pause()
        regions: list[object] = []
        block.refresh = lambda *given, **options: regions.extend(given) or block  # type: ignore[func-returns-value,method-assign]
        block.put([(Span("one"),), (Span("2"),)])
        assert [region.y for region in regions] == [1]  # type: ignore[attr-defined]
        assert block.text == "one\n2"


def test_a_title_keeps_its_right_side_whole_and_cuts_the_left() -> None:
    def text(width: int) -> str:
        return "".join(span.text for span in title_spans([Span("Queues 123456")], [Span("1–9 of 20")], width))

    assert text(30) == " Queues 123456      1–9 of 20 "
    assert text(25) == " Queues 1234…  1–9 of 20 "
    assert text(15) == " Queues 123456 "


def test_plotext_is_not_loaded_with_the_dashboard() -> None:
    code = "import sys, sidekiq_tui.tui.screens.dashboard; print('plotext' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
