"""The queues of one server, or of several: a row for each, or one for those of one name."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar, Final

from sidekiq_tui.presentation.columns.base import Column, Span
from sidekiq_tui.presentation.columns.queues_across import QUEUE_NAMES, QueueNameRow, queue_name_rows
from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.jobs import INNER_TABS
from sidekiq_tui.tui.screens.across_list import absent_spans
from sidekiq_tui.tui.screens.across_set import places_of
from sidekiq_tui.tui.screens.listing import context_of
from sidekiq_tui.tui.screens.queues import QueuesScreen
from sidekiq_tui.tui.screens.scope_view import ScopeView
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.subject import Subject
from sidekiq_tui.tui.widgets.rows import StaticRows
from sidekiq_tui.tui.widgets.sorting import Order

TABS: Final = ("By server", "By name")


class QueuesOfScopeScreen(QueuesScreen):
    """By server the queues of one name stand together; by name they are one row, whose jobs open as one list."""

    scopes: ClassVar[tuple[str, ...]] = (*QueuesScreen.scopes, INNER_TABS)
    BINDINGS = bindings(INNER_TABS)

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._tab = 0
        self._drawn_by_name = False

    @property
    def by_name(self) -> bool:
        """Whether the queues of one name are one row."""
        return self._tab == 1 and self.app_state.scope is None

    @property
    def columns(self) -> tuple[Column[Any], ...]:
        """Those of what is a row."""
        return QUEUE_NAMES if self.by_name else super().columns

    def reason_against(self, action: Action) -> str | None:
        """Tabs are for several servers."""
        if action.id in ("tab-next", "tab-previous") and self.app_state.scope is not None:
            return "0 shows the queues of all servers, also by name"
        return super().reason_against(action)

    def action_tab(self, step: int) -> None:
        """By server, or by name; the cursor stays with the name."""
        tab = max(0, min(self._tab + step, len(TABS) - 1))
        if tab == self._tab or self.app_state.scope is not None:
            return
        row = self.table.current
        name = None if row is None else self.name_of(row)
        self._tab, self._order = tab, Order("queue")
        self.redraw()
        place = next((index for index, one in enumerate(self._listed) if self.name_of(one) == name), None)
        if place is not None:
            self.table.place(place)
        self.refresh_footer()

    def show(self, snapshots: Mapping[str, ServerSnapshot]) -> None:
        """Draws the queues of the scope."""
        if self.by_name != self._drawn_by_name:
            # Other rows: nothing of theirs may be drawn under the columns of these.
            self._drawn_by_name = self.by_name
            self.table.show(StaticRows(), context_of(self.app_state))
            self.table.restart()
        super().show(snapshots)

    def rows_of(self, view: ScopeView) -> Sequence[Any]:
        """A row for each queue, or each name."""
        return queue_name_rows(view.snapshots) if self.by_name else super().rows_of(view)

    def name_of(self, row: Any) -> str:
        """The queue's name."""
        return row.queue.name if isinstance(row, QueueNameRow) else super().name_of(row)

    def key_of(self, row: Any) -> Hashable:
        """The same row from one poll to the next."""
        return row.queue.name if isinstance(row, QueueNameRow) else super().key_of(row)

    def waits(self, row: Any) -> bool:
        """Whether jobs wait in it."""
        return bool(row.queue.size) if isinstance(row, QueueNameRow) else super().waits(row)

    def open_row(self, row: Any) -> None:
        """Its jobs: of one server, or of all that have it as one list."""
        if isinstance(row, QueueNameRow):
            from sidekiq_tui.tui.screens.merged_queue import queue_screen

            servers = tuple(row.queue.parts)
            only = servers[0] if len(servers) == 1 else None
            self.app.push_screen(queue_screen(self.app_state, only, row.queue.name))
        else:
            super().open_row(row)

    def subject(self) -> Subject:
        """A queue of one server; those of one name are several."""
        row = self.table.current
        if not isinstance(row, QueueNameRow):
            return super().subject()
        servers = tuple(row.queue.parts)
        place = Place("queue", row.queue.name)
        wider = places_of(self.app_state, place, self.app_state.names)
        if len(servers) > 1:
            refused = f"{len(servers)} servers have it: h shows them one by one"
            return Subject(self.app_state.preferred, refused=refused, wider=wider)
        return Subject(servers[0], whole=place, queue=row.queue.name, wider=wider)

    def more_words(self) -> list[Span]:
        """The servers that are missing."""
        if self.app_state.scope is not None:
            return []
        away = {name: one.error for name, one in self.app_state.in_scope.items() if one.error is not None}
        return absent_spans(away, narrow=self.size.width < 100)

    def title_right(self, shown: int) -> list[Span]:
        """With the tabs."""
        right = super().title_right(shown)
        if self.app_state.scope is not None:
            return right
        tabs = [Span(f" {name} ", "active" if index == self._tab else "muted") for index, name in enumerate(TABS)]
        return [*right, Span("  "), *tabs] if right else tabs
