"""The keys of a screen, in groups, with the reason where one cannot work now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Span, wrap_cell
from sidekiq_tui.presentation.glyphs import glyph_set, to_ascii
from sidekiq_tui.presentation.text import cell_width, display_text, fit
from sidekiq_tui.tui.actions import APP, EVERYWHERE, Action, actions_of, bindings
from sidekiq_tui.tui.actions.action import CHANGES, GO, LISTS, MOVE, SCREEN, SERVERS, with_keys
from sidekiq_tui.tui.modals.titled import put_title
from sidekiq_tui.tui.screens.base import ViewScreen
from sidekiq_tui.tui.views import VIEWS
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.span_lines import SpanLine, SpanLines

_KEY_CELLS: Final = 13
_MANY: Final = 3
"""Keys of a group that share a reason, so that it is not said at each."""
_COLUMN_CELLS: Final = 54
_TWO_COLUMNS: Final = 2 * _COLUMN_CELLS + 6
_ROWS_AROUND: Final = 2
_EDGE_ROWS: Final = 4
"""Border and foot of the dialog."""

_HERE: Final = "This screen"
_EVERYWHERE: Final = "Everywhere"
_ORDER: Final = (LISTS, _HERE, CHANGES, MOVE, GO, SERVERS, _EVERYWHERE)
"""What is this screen's own comes first: on a small terminal the rest is a few screens down."""

Entry = tuple[str, str, str]
"""Keys, what they do, and why they cannot now (empty: they can)."""


class HelpModal(ModalScreen[None]):
    """Scrolls like a list; any of the keys that leave closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("help")]

    def __init__(self, title: str, groups: Sequence[tuple[str, Sequence[Entry]]], *, ascii: bool = False) -> None:
        super().__init__()
        self._title = title
        self._groups = groups
        self._ascii = ascii

    @classmethod
    def of(cls, screen: ViewScreen) -> HelpModal:
        """The help of a screen as it stands now."""
        actions = (*screen.available, *with_keys(actions_of([APP]), screen.app_state.keys))
        title = next(view.title for view in VIEWS if view.name == screen.view)
        words = screen.view if screen.view == title.casefold() else title
        return cls(words, _grouped(actions, screen), ascii=screen.app_state.ascii)

    def compose(self) -> ComposeResult:
        """A title, the keys, how to leave."""
        with Vertical(id="dialog") as dialog:
            put_title(dialog, f"Keys of {self._title}", ascii=self._ascii)
            yield SpanLines(ascii=self._ascii, id="help-lines")
            yield Line(id="dialog-foot", ground="panel")

    def on_mount(self) -> None:
        """The foot says how much there is to scroll."""
        lines = self.query_one(SpanLines)
        self._lay_out(self.app.size.width, self.app.size.height)
        lines.focus()
        self.watch(lines, "scroll_y", self._draw_foot, init=False)
        self.call_after_refresh(self._draw_foot)

    def on_resize(self, event: events.Resize) -> None:
        """One column or two, as the terminal is now."""
        self._lay_out(event.size.width, event.size.height)
        self.call_after_refresh(self._draw_foot)

    def action_close(self) -> None:
        """Back to the screen."""
        self.dismiss(None)

    def action_scroll(self, rows: int) -> None:
        """Up or down."""
        self.query_one(SpanLines).scroll_relative(y=rows, animate=False)

    def _lay_out(self, width: int, height: int) -> None:
        wide = width >= _TWO_COLUMNS
        blocks = [_block(title, entries, self._ascii) for title, entries in self._groups]
        lines = _beside(blocks) if wide else [line for block in blocks for line in (*block, ())][:-1]
        dialog = self.query_one("#dialog")
        dialog.styles.width = _TWO_COLUMNS if wide else _COLUMN_CELLS + 10
        dialog.styles.height = min(len(lines) + _EDGE_ROWS, max(8, height - _ROWS_AROUND))
        self.query_one(SpanLines).put(lines)

    def _draw_foot(self) -> None:
        lines, foot = self.query_one(SpanLines), self.query_one(Line)
        first, shown, size = round(lines.scroll_offset.y), lines.size.height, lines.virtual_size.height
        spans = [Span("esc", "key"), Span(" closes", "muted")]
        if shown < size:
            dash = glyph_set(self._ascii).unknown
            place = f"{units.count(first + 1)}{dash}{units.count(min(first + shown, size))} of {units.count(size)}"
            spans += [Span("  space", "key"), Span(" goes on", "muted"), Span("  j k", "key"), Span(" scroll", "muted")]
            used = sum(cell_width(span.text) for span in spans)
            spans.append(Span(place.rjust(max(0, foot.size.width - used)), "muted"))
        foot.put(spans)


def _grouped(actions: Sequence[Action], screen: ViewScreen) -> list[tuple[str, list[Entry]]]:
    groups: dict[str, list[Entry]] = {group: [] for group in _ORDER}
    for action in actions:
        if not action.id.startswith("server-"):
            entry = (action.keys_text, action.help, screen.why_not(action) or "")
            groups[_group(action)].append(entry)
    digits = [action for action in actions if action.id.startswith("server-")]
    if digits:
        keys = f"{digits[0].keys_text}-{digits[-1].keys_text}"
        groups[digits[0].group].insert(0, (keys, "server by its place in the top line", ""))
    return [(group, entries) for group, entries in groups.items() if entries]


def _group(action: Action) -> str:
    if action.group != SCREEN:
        return action.group
    return _EVERYWHERE if action.where in (EVERYWHERE, APP) else _HERE


def _block(title: str, entries: Sequence[Entry], ascii: bool) -> list[SpanLine]:
    """Title and keys. A reason that many share stands once, under the title; the sign is at each of them."""
    glyphs = glyph_set(ascii)
    counts = Counter(reason for _, _, reason in entries if reason)
    shared = next((reason for reason, count in counts.most_common(1) if count >= _MANY), "")
    lines: list[SpanLine] = [(Span(title, "title"),), *_reason_lines(shared, "", ascii)]
    for keys, text, reason in entries:
        sign = glyphs.forbidden if reason and reason == shared else " "
        shown = f"{sign} {fit(to_ascii(keys) if ascii else keys, _KEY_CELLS, ellipsis=glyphs.cut)} "
        first, *more = wrap_cell((Span(text, "muted" if reason else "text"),), _COLUMN_CELLS - len(shown) - 2)
        lines.append((Span(shown, "muted" if reason else "key"), *first))
        lines += [(Span(" " * len(shown)), *line) for line in more]
        if reason != shared:
            lines += _reason_lines(reason, " " * len(shown), ascii)
    return lines


def _reason_lines(reason: str, indent: str, ascii: bool) -> list[SpanLine]:
    if not reason:
        return []
    words = wrap_cell((Span(display_text(reason), "warn"),), _COLUMN_CELLS - len(indent) - 4)
    signs = (f"{glyph_set(ascii).forbidden} ", *["  "] * (len(words) - 1))
    return [(Span(indent + sign, "warn"), *line) for sign, line in zip(signs, words, strict=True)]


def _beside(blocks: Sequence[Sequence[SpanLine]]) -> list[SpanLine]:
    """Blocks in two columns of about the same height, in their order."""
    total = sum(len(block) + 1 for block in blocks)
    left: list[SpanLine] = []
    right: list[SpanLine] = []
    for block in blocks:
        column = left if len(left) + len(block) // 2 < total / 2 and not right else right
        column.extend((*block, ()))
    height = max(len(left), len(right)) - 1
    return [
        (*_padded(left[row] if row < len(left) else ()), *(right[row] if row < len(right) else ()))
        for row in range(height)
    ]


def _padded(line: SpanLine) -> SpanLine:
    return (*line, Span(" " * max(2, _COLUMN_CELLS - sum(cell_width(span.text) for span in line))))
