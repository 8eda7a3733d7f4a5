"""Where jobs go: to a queue of their own server, or to another server, of which each says why it cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from textual.fuzzy import FuzzySearch

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.glyphs import GlyphSet
from sidekiq_tui.presentation.text import display_text, fit
from sidekiq_tui.servers.named import server_and_queue
from sidekiq_tui.tui.modals.pick_queue import Destination, QueuePicker
from sidekiq_tui.tui.widgets.header_strip import ServerTab, state_mark
from sidekiq_tui.tui.widgets.span_lines import SpanLine

_ELSEWHERE: Final = "\x00server\x00"
_NAME_CELLS: Final = 20
_LABEL_CELLS: Final = 14


@dataclass(frozen=True, slots=True)
class ServerChoice(Destination):
    """Another server, perhaps with the queue that was typed after its name; `refused`: why nothing can go there."""

    tab: ServerTab | None = None
    queue: str = ""
    refused: str = ""


def elsewhere(answer: str) -> tuple[str, str] | None:
    """The server and the queue there that an answer names; None when it is a queue of the jobs' own server."""
    if not answer.startswith(_ELSEWHERE):
        return None
    server, _, queue = answer.removeprefix(_ELSEWHERE).partition("\x00")
    return server, queue


class TargetPicker(QueuePicker):
    """Gives back what `QueuePicker` does, or what `elsewhere` reads. A server that is refused cannot be taken."""

    PLACEHOLDER: ClassVar[str] = "a queue, also a new one; a server, or server:queue"
    NONE: ClassVar[str] = "nothing is called that"

    def __init__(
        self, title: str, own: str, queues: Sequence[Destination], servers: Sequence[ServerChoice], *, ascii: bool
    ) -> None:
        """`own`: the jobs' server; no `queues` where nothing can be put into those."""
        super().__init__(title, (*queues, *servers), ascii=ascii)
        self._own = own if servers else ""
        self._takes = bool(queues)

    def heading(self, entry: Destination) -> str:
        """Whose queues, and which servers, where there are both."""
        if not self._own:
            return ""
        return "on another server" if isinstance(entry, ServerChoice) else f"on {self._own}"

    def matching(self, query: str) -> Sequence[Destination]:
        """What fits: queues, then servers; last the name as typed as a new queue of the jobs' own server."""
        typed = query.strip()
        if not typed:
            return self._entries
        servers = [entry for entry in self._entries if isinstance(entry, ServerChoice)]
        exact = server_and_queue(typed, (entry.name for entry in servers))
        if exact is not None:
            one = next(entry for entry in servers if entry.name == exact[0])
            rest = [entry for entry in servers if entry is not one]
            return [replace(one, queue=exact[1] or ""), *self._queues(typed), *_fitting(rest, typed)]
        found = self._queues(typed)
        known = [entry for entry in found if not entry.words]
        return [*known, *_fitting(servers, typed), *(entry for entry in found if entry.words)]

    def _queues(self, typed: str) -> list[Destination]:
        if not self._takes:
            return []
        return [entry for entry in super().matching(typed) if not isinstance(entry, ServerChoice)]

    def refusal(self, entry: Destination) -> str:
        """Why the server cannot be taken."""
        return entry.refused if isinstance(entry, ServerChoice) else ""

    def answer(self, entry: Destination) -> str:
        """See `elsewhere`."""
        if isinstance(entry, ServerChoice):
            return f"{_ELSEWHERE}{entry.name}\x00{entry.queue}"
        return super().answer(entry)

    def spans(self, entry: Destination, glyphs: GlyphSet) -> SpanLine:
        """A queue, or digit, state, name and label of a server and what becomes of the jobs there."""
        if not isinstance(entry, ServerChoice) or entry.tab is None:
            return super().spans(entry, glyphs)
        tab, label = entry.tab, f"label:{entry.tab.label or ''}"
        role = "muted" if entry.refused else label
        where = f"into queue {display_text(entry.queue, 40)}" if entry.queue else entry.words
        words = (
            Span(f"  {glyphs.forbidden} {display_text(entry.refused)}", "warn")
            if entry.refused
            else Span(f"  {where}", "muted")
        )
        return (
            Span(f" {tab.digit or ' '} ", "muted"),
            state_mark(tab.state, glyphs),
            Span(f" {fit(tab.name, _NAME_CELLS, ellipsis=glyphs.cut)}", f"{role} strong"),
            Span(f"  {fit(tab.label or '', _LABEL_CELLS, ellipsis=glyphs.cut)}", role),
            words,
        )


def _fitting(servers: Sequence[ServerChoice], typed: str) -> list[ServerChoice]:
    search = FuzzySearch()

    def score(entry: ServerChoice) -> float:
        name, _ = search.match(typed, entry.name)
        label, _ = search.match(typed, (entry.tab.label if entry.tab is not None else None) or "")
        return max(name * 2, label)

    scored = [(score(entry), entry) for entry in servers]
    return [entry for value, entry in sorted(scored, key=lambda pair: -pair[0]) if value > 0]
