"""Find a server by a few letters of its name, label, group or address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.fuzzy import FuzzySearch

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.glyphs import GlyphSet
from sidekiq_tui.presentation.text import display_text, fit
from sidekiq_tui.tui.corner import server_tabs
from sidekiq_tui.tui.modals.picker import Picker
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.widgets.header_strip import ServerTab, state_mark
from sidekiq_tui.tui.widgets.span_lines import SpanLine

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


class ServerPicker(Picker[PickerEntry]):
    """Gives back the server's name."""

    TITLE_TEXT: ClassVar[str] = "Find a server"
    PLACEHOLDER: ClassVar[str] = "name, label, group or address"
    VERB: ClassVar[str] = "goes there"
    NONE: ClassVar[str] = "no server is called that"

    def matching(self, query: str) -> Sequence[PickerEntry]:
        """See `matching` of this module."""
        return matching(self._entries, query)

    def answer(self, entry: PickerEntry) -> str:
        """The server's name."""
        return entry.tab.name

    def heading(self, entry: PickerEntry) -> str:
        """Recent, favourites, a group."""
        return entry.heading

    def spans(self, entry: PickerEntry, glyphs: GlyphSet) -> SpanLine:
        """Digit, state, name, label, address."""
        tab = entry.tab
        label = f"label:{tab.label or ''}"
        return (
            Span(f" {tab.digit or ' '} ", "muted"),
            state_mark(tab.state, glyphs),
            Span(f" {fit(tab.name, _NAME_CELLS, ellipsis=glyphs.cut)}", f"{label} strong"),
            Span(f"  {fit(tab.label or '', _LABEL_CELLS, ellipsis=glyphs.cut)}", label),
            Span(f"  {display_text(entry.address)}", "muted"),
        )
