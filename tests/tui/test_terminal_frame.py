"""Only what differs is written, and the picture is the same as if all had been."""

from __future__ import annotations

from typing import Final

from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from sidekiq_tui.tui.terminal_frame import TerminalFrame
from tests.support.grid import Grid

WIDTH: Final = 12
STYLES: Final = [
    None,
    Style.parse("bold #ff0000 on #101010"),
    Style.parse("#ff0000 on #101010"),
    Style.parse("#00ff00 on #101010"),
    Style.parse("reverse"),
    Style.parse("underline blue"),
]
CONSOLE: Final = Console(force_terminal=True, color_system="truecolor")


def whole(*lines: Strip) -> LayoutUpdate:
    return LayoutUpdate([[line] for line in lines], Region(0, 0, WIDTH, len(lines)))


def part(y: int, x: int, strip: Strip) -> ChopsUpdate:
    end = x + strip.cell_length
    return ChopsUpdate([{}] * y + [{x: strip}], [(y, x, end)], [[]] * y + [[end]])


_text = st.text(alphabet="ab ▇·漢e\u0301", max_size=6)
_strips = st.lists(st.tuples(_text, st.sampled_from(STYLES)).map(lambda pair: Segment(*pair)), max_size=4).map(
    lambda segments: Strip([Segment("|"), *segments]).adjust_cell_length(WIDTH)
)


@given(st.lists(st.lists(_strips, min_size=3, max_size=3), min_size=1, max_size=4))
def test_the_picture_is_as_if_all_had_been_written(pictures: list[list[Strip]]) -> None:
    frame, ours, theirs = TerminalFrame(), Grid(), Grid()
    for lines in pictures:
        ours.write(frame.changes(whole(*lines), CONSOLE))
        theirs.write("\x1b[m" + whole(*lines).render_segments(CONSOLE))
        assert ours.cells == theirs.cells


def test_the_same_picture_again_writes_nothing() -> None:
    frame = TerminalFrame()
    line = Strip([Segment("processed 812 ", STYLES[1])])
    assert frame.changes(whole(line), CONSOLE)
    assert frame.changes(whole(line), CONSOLE) == ""


def test_one_changed_cell_costs_one_cell() -> None:
    frame = TerminalFrame()
    frame.changes(whole(Strip([Segment("812", STYLES[2])])), CONSOLE)
    assert frame.changes(whole(Strip([Segment("815", STYLES[2])])), CONSOLE) == (
        "\x1b[1;3H\x1b[38;2;255;0;0;48;2;16;16;16m5\x1b[m"
    )


def test_a_part_of_a_line_is_held_against_what_stands_there() -> None:
    frame = TerminalFrame()
    frame.changes(whole(Strip([Segment("abcdef")])), CONSOLE)
    assert frame.changes(part(0, 2, Strip([Segment("cX")])), CONSOLE) == "\x1b[1;4HX"
    assert frame.changes(whole(Strip([Segment("abcXef")])), CONSOLE) == ""


def test_after_forgetting_all_is_written() -> None:
    frame = TerminalFrame()
    line = whole(Strip([Segment("abc")]))
    frame.changes(line, CONSOLE)
    frame.forget()
    assert frame.changes(line, CONSOLE) == "\x1b[1;1Habc"


def test_wide_text_that_changes_is_written_to_the_end_of_its_piece() -> None:
    frame = TerminalFrame()
    frame.changes(whole(Strip([Segment("漢字 x")])), CONSOLE)
    assert frame.changes(whole(Strip([Segment("漢字 y")])), CONSOLE) == "\x1b[1;1H漢字 y"


def test_fewer_colours_are_as_rich_would_draw_them() -> None:
    frame = TerminalFrame()
    console = Console(force_terminal=True, color_system="standard")
    strip = Strip([Segment("x", Style.parse("bold red"))])
    assert frame.changes(whole(strip), console) == "\x1b[1;1H\x1b[1;31mx\x1b[m"
    assert Style.parse("bold red").render("x", color_system=ColorSystem.STANDARD) == "\x1b[1;31mx\x1b[0m"


def test_an_update_of_another_kind_is_written_as_it_is() -> None:
    class Other(CompositorUpdate):
        def render_segments(self, console: Console) -> str:
            return "as it is"

    assert TerminalFrame().changes(Other(), CONSOLE) == "as it is"
