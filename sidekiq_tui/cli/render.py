"""How tables leave: aligned to the terminal and coloured, or tab-separated, unstyled and complete in a pipe.

Colours are the terminal's own sixteen, so they suit whatever theme it has.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

from sidekiq_tui.presentation.columns import Cell, Column, Context, Span, fit_cell, layout, plain
from sidekiq_tui.presentation.columns.base import label_role
from sidekiq_tui.presentation.text import cell_width, display_text

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.presentation.units import TimeMode
    from sidekiq_tui.servers.profile import Profile

Row = TypeVar("Row")

GAP: Final = 2
_WIDEST_NAME: Final = 20
_WHOLE_LINE: Final = 1_000_000  # cells; no terminal, no cut
_SGR: Final = {
    "strong": "1",
    "muted": "2",
    "accent": "1",
    "ok": "32",
    "warn": "33",
    "bad": "91",
    "chart": "34",
    "chart-bad": "31",
    "rule": "90",
    "heading": "2",
    "label:production": "95",
    "label:staging": "94",
    "label:development": "36",
}


@dataclass(frozen=True, slots=True)
class Look:
    """What the reader of the output can see. `width` is in cells."""

    tty: bool
    color: bool
    width: int
    ascii: bool
    time_mode: TimeMode

    @staticmethod
    def of(args: argparse.Namespace) -> Look:
        """What stdout is, and what was asked for."""
        tty = sys.stdout.isatty()
        colorless = os.environ.get("NO_COLOR", "") != "" or os.environ.get("TERM") == "dumb"
        utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
        return Look(
            tty=tty,
            color=args.color == "always" or (args.color == "auto" and tty and not colorless),
            width=shutil.get_terminal_size().columns if tty else _WHOLE_LINE,
            ascii=args.ascii or not utf8,
            time_mode=args.time,
        )

    def context(self, now: float) -> Context:
        """What cells need to know; `now` in Unix seconds."""
        return Context(now=now, time_mode=self.time_mode, ascii=self.ascii, complete=not self.tty)


def table(columns: Sequence[Column[Row]], rows: Iterable[Row], context: Context, look: Look) -> list[str]:
    """A heading and one line a row; live columns need a history and are left to the terminal UI."""
    if not look.tty:
        lines = ["\t".join(column.heading for column in columns)]
        lines += ["\t".join(paint(column.cell(row, context), look) for column in columns) for row in rows]
        return lines
    shown = layout(columns, look.width - 1, GAP)
    heading: list[Cell] = [(Span(column.title(width, look.ascii), "heading"),) for column, width in shown]
    body = ([column.fitted(row, context, width) for column, width in shown] for row in rows)
    return [_row(cells, look) for cells in (heading, *body)]


def _row(cells: Sequence[Cell], look: Look) -> str:
    """Cells side by side."""
    spans = [span for cell in cells for span in (*cell, Span(" " * GAP))]
    return line(tuple(spans[:-1]), look).rstrip(" ")


def line(spans: Cell, look: Look) -> str:
    """One line of text, cut to the terminal's width."""
    return paint(_cut(spans, look.width - 1, look), look)


def grouped(
    columns: Sequence[Column[Row]],
    groups: Iterable[tuple[Profile, Iterable[Row]]],
    context: Context,
    look: Look,
    *,
    several: bool,
) -> list[str]:
    """One table of the rows of all servers; where there are several, each row names its own first."""
    if not several:
        return table(columns, [row for _, rows in groups for row in rows], context, look)
    pairs = [(profile, row) for profile, rows in groups for row in rows]
    widest = max((cell_width(display_text(profile.name)) for profile, _ in pairs), default=0)
    wide = min(max(widest, len("server")), _WIDEST_NAME)
    server: Column[tuple[Profile, Row]] = Column("server", "server", wide, wide, _server, cut="left")
    return table([server, *(_of_pair(column) for column in columns)], pairs, context, look)


def _of_pair(column: Column[Row]) -> Column[tuple[Profile, Row]]:
    def draw(pair: tuple[Profile, Row], context: Context, width: int | None) -> Cell:
        return column.draw(pair[1], context, width)

    return Column(
        column.key, column.heading, column.min, column.max, draw, column.weight, column.align, column.goes, column.cut
    )


def _server(pair: tuple[Profile, Row], context: Context, width: int | None) -> Cell:
    return (Span(context.safe(pair[0].name), label_role(pair[0].label)),)


def server_title(profile: Profile, look: Look) -> str:
    """A server's name and label above its block."""
    role = label_role(profile.label)
    label = f"  {display_text(profile.label)}" if profile.label else ""
    return line((Span(display_text(profile.name), f"{role} strong"), Span(label, role)), look)


def facts(
    pairs: Iterable[tuple[str, Cell]], look: Look, *, before: str | None = None, whole: bool = False
) -> list[str]:
    """One line a fact: its name and its value, cut to the terminal's width unless `whole`; in a pipe after `before`."""
    rows = list(pairs)
    if not look.tty:
        start = f"{before}\t" if before is not None else ""
        return [f"{start}{name}\t{paint(value, look)}" for name, value in rows]
    widest = max((cell_width(name) for name, _ in rows), default=0)
    show = paint if whole else line
    return [show((Span(f" {name:<{widest}}{' ' * GAP}", "muted"), *value), look) for name, value in rows]


def paint(cell: Cell, look: Look) -> str:
    """The text of spans, in their colours if the reader can see them."""
    if not look.color:
        return plain(cell)
    return "".join(f"\x1b[{codes}m{text}\x1b[0m" if (codes := _codes(role)) and text else text for text, role in cell)


def _cut(cell: Cell, width: int, look: Look) -> Cell:
    used = sum(cell_width(text) for text, _ in cell)
    return fit_cell(cell, width, ellipsis="~" if look.ascii else "…") if used > width else cell


@lru_cache(maxsize=256)
def _codes(role: str) -> str:
    codes = []
    for word in role.split():
        bold, _, rest = word.partition("-")
        if word in _SGR:
            codes.append(_SGR[word])
        elif bold == "strong" and rest in _SGR:
            codes += [_SGR[bold], _SGR[rest]]
    return ";".join(codes)
