"""Find a server by a few letters of its name, label, group or address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.fuzzy import FuzzySearch
from textual.screen import ModalScreen
from textual.widgets import Input

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.glyphs import glyph_set
from sidekiq_tui.presentation.text import display_text, fit
from sidekiq_tui.tui.actions import bindings
from sidekiq_tui.tui.corner import server_tabs
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.header_strip import ServerTab, state_mark
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.span_lines import SpanLine, SpanLines

RECENT: Final = "recent"
FAVOURITES: Final = "favourites"
OTHERS: Final = "others"

_MOST_RECENT: Final = 3
_NAME_CELLS: Final = 20
_LABEL_CELLS: Final = 14


@dataclass(frozen=True, slots=True)
class PickerEntry:
    """A server to pick and the heading it stands under."""

    tab: ServerTab
    address: str
    group: str
    heading: str


def picker_entries(state: AppState) -> list[PickerEntry]:
    """All servers: the latest ones, the favourites, then by group, then the rest; the one in view comes last."""
    tabs = {tab.name: tab for tab in server_tabs(state)}
    recent = [name for name in state.recent if name != state.scope][:_MOST_RECENT]

    def heading(name: str) -> str:
        profile = state.snapshots[name].profile
        if name in recent:
            return RECENT
        return FAVOURITES if profile.favorite else profile.group or OTHERS

    def order(name: str) -> tuple[int, str, int]:
        head = heading(name)
        if head == RECENT:
            return 0, "", recent.index(name)
        rank = {FAVOURITES: 1, OTHERS: 3}.get(head, 2)
        return rank, head if rank == 2 else "", state.servers.index(name)

    return [
        PickerEntry(
            tabs[name],
            state.snapshots[name].profile.address,
            state.snapshots[name].profile.group or "",
            heading(name),
        )
        for name in sorted(state.servers, key=order)
    ]


def matching(entries: Sequence[PickerEntry], query: str) -> list[PickerEntry]:
    """The entries that fit a query, the best first; all of them, in their order, when it is empty."""
    if not query.strip():
        return list(entries)
    search = FuzzySearch()

    def score(entry: PickerEntry) -> float:
        name, _ = search.match(query, entry.tab.name)
        rest, _ = search.match(query, " ".join((entry.tab.label or "", entry.group, entry.address)))
        return max(name * 2, rest)

    scored = [(score(entry), entry) for entry in entries]
    return [entry for value, entry in sorted(scored, key=lambda pair: -pair[0]) if value > 0]


class ServerPicker(ModalScreen[str | None]):
    """Type to narrow, enter to go there."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("picker")]

    def __init__(self, entries: Iterable[PickerEntry], *, ascii: bool = False) -> None:
        super().__init__()
        self._entries = list(entries)
        self._found = self._entries
        self._cursor = 0
        self._narrowed = False
        self._ascii = ascii

    def compose(self) -> ComposeResult:
        """A field, the servers, how to leave."""
        headings = len({entry.heading for entry in self._entries})
        with Vertical(id="dialog") as dialog:
            dialog.styles.height = min(len(self._entries) + headings + 6, max(8, self.app.size.height - 4))
            dialog.border_title = "Find a server"
            field = Input(placeholder="name, label, group or address", compact=True, id="picker-field")
            field.cursor_blink = False
            yield field
            yield SpanLines(ascii=self._ascii, id="picker-lines")
            yield Line(id="dialog-foot", ground="panel")

    def on_mount(self) -> None:
        """Draws all servers."""
        keys = (("enter", "goes there"), ("up down" if self._ascii else "↑ ↓", "choose"), ("esc", "cancels"))
        self.query_one(Line).put(
            [part for key, verb in keys for part in (Span(key, "key"), Span(f" {verb}  ", "muted"))]
        )
        self.query_one(SpanLines).can_focus = False
        self.query_one(Input).focus()
        self._draw()

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        self._found = matching(self._entries, event.value)
        self._narrowed = bool(event.value.strip())
        self._cursor = 0
        self._draw()

    @on(Input.Submitted)
    def _pick(self) -> None:
        if self._found:
            self.dismiss(self._found[self._cursor].tab.name)

    def on_resize(self, event: events.Resize) -> None:
        """The names share another width."""
        self._draw()

    def action_move(self, rows: int) -> None:
        """To another server."""
        self._cursor = max(0, min(len(self._found) - 1, self._cursor + rows))
        self._draw()

    def action_cancel(self) -> None:
        """Leaves things as they are."""
        self.dismiss(None)

    def _draw(self) -> None:
        lines: list[SpanLine] = []
        picked: int | None = None
        heading = ""
        for index, entry in enumerate(self._found):
            if not self._narrowed and entry.heading != heading:
                heading = entry.heading
                lines.append((Span(f" {display_text(heading)}", "heading"),))
            if index == self._cursor:
                picked = len(lines)
            lines.append(self._line(entry, index == self._cursor))
        if not lines:
            lines.append((Span(" no server is called that", "muted"),))
        self.query_one(SpanLines).put(lines, picked)

    def _line(self, entry: PickerEntry, picked: bool) -> SpanLine:
        glyphs = glyph_set(self._ascii)
        tab = entry.tab
        label = f"label:{tab.label or ''}"
        return (
            Span(glyphs.cursor if picked else " ", "accent"),
            Span(f" {tab.digit or ' '} ", "muted"),
            state_mark(tab.state, glyphs),
            Span(f" {fit(tab.name, _NAME_CELLS, ellipsis=glyphs.cut)}", f"{label} strong"),
            Span(f"  {fit(tab.label or '', _LABEL_CELLS, ellipsis=glyphs.cut)}", label),
            Span(f"  {display_text(entry.address)}", "muted"),
        )
