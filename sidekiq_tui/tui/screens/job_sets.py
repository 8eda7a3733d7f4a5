"""The three sets of jobs: retries, scheduled, dead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.message import Message

from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.presentation.time_buckets import upcoming_buckets
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.tui.actions import Action, bindings, find_action
from sidekiq_tui.tui.actions.jobs import BUCKETS
from sidekiq_tui.tui.modals.buckets import Bucket, BucketsModal
from sidekiq_tui.tui.screens.across_set import SetScreen
from sidekiq_tui.tui.screens.listing import NO_ROWS
from sidekiq_tui.tui.widgets.sorting import Order


class UpcomingScreen(SetScreen):
    """Jobs with a time to run, which can be counted by that."""

    scopes: ClassVar[tuple[str, ...]] = (*SetScreen.scopes, BUCKETS)
    BINDINGS = bindings(BUCKETS)

    @dataclass
    class Counted(Message):
        """How many jobs run until each moment was read."""

        buckets: tuple[Bucket, ...]

    def reason_against(self, action: Action) -> str | None:
        """Groups are of the whole list."""
        if action.id == "buckets":
            if self.table.empty:
                return NO_ROWS
            if self.stale:
                return f"{display_text(self.server)} does not answer"
            return None if self.matcher is None else "the groups are of the whole list; esc clears the filter"
        return super().reason_against(action)

    def action_buckets(self) -> None:
        """Counts by time, in one trip."""
        reason = "frozen: Z lets the screen go on" if self.app_state.frozen else None
        reason = reason or self.reason_against(find_action("buckets"))
        if reason is not None:
            self.say(reason, "warn")
        else:
            self._count()

    @work(group="page-buckets", exclusive=True, exit_on_error=False)
    async def _count(self) -> None:
        source, state = self.source, self.app_state
        now, mode = state.now(), state.time_mode
        groups = upcoming_buckets(now, utc=mode == "utc")
        ends = [end for _, end in groups if end is not None]
        try:
            size, until = await self._counts(source[1], ends)
        except SidekiqError as error:
            self.post_message(self.ReadFailed(source, error))
            return
        marks = [0, *until, size]
        buckets = []
        for index, (words, end) in enumerate(groups):
            low, high = marks[index], max(marks[index], marks[index + 1])
            shown = "" if end is None or not index else units.clock(end, now, utc=mode == "utc")
            buckets.append(Bucket(words, shown, high - low, max(0, size - high) if source[2] else low))
        self.post_message(self.Counted(tuple(buckets)))

    async def _counts(self, place: Place, ends: Sequence[float]) -> tuple[int, tuple[int, ...]]:
        """How many there are, and until each moment; of several servers the sum of those that answer."""
        if not self.across:
            return await self.app_state.registry.server(self.server).counts_until(place, ends)
        answers = await self.app_state.fleet.ask(lambda server: server.counts_until(place, ends))
        if not answers.values:
            raise next(iter(answers.missing.values()))
        found = list(answers.values.values())
        return sum(size for size, _ in found), tuple(map(sum, zip(*(until for _, until in found), strict=True)))

    @on(Counted)
    def _counted(self, message: Counted) -> None:
        if self.is_front:
            modal = BucketsModal(self.list_name, message.buckets, ascii=self.app_state.ascii)
            self.app.push_screen(modal, self._go_to)

    def _go_to(self, index: int | None) -> None:
        if index is None:
            return
        if self.order.key is not None:
            self.order = Order()
            self.order_changed()
            self.redraw()
        self.table.go_to(index)

    def stop_reading(self) -> None:
        """Ends all reads."""
        self.workers.cancel_group(self, "page-buckets")
        super().stop_reading()


class RetriesScreen(UpcomingScreen):
    """Jobs that failed and will run again, soonest first."""

    view: ClassVar[str] = "retries"
    place = Place("retry")


class ScheduledScreen(UpcomingScreen):
    """Jobs for later, soonest first."""

    view: ClassVar[str] = "scheduled"
    place = Place("schedule")


class DeadScreen(SetScreen):
    """Jobs that will not run again by themselves, the newest first."""

    view: ClassVar[str] = "dead"
    place = Place("dead")
