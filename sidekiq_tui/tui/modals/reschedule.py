"""When jobs shall run: a time, an offset, or spread over a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sidekiq_tui.errors import SqtuiError, UsageError
from sidekiq_tui.operations.when import EXAMPLES, When, parse_duration, parse_when
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Context
from sidekiq_tui.tui.modals.form import Field, FormModal


@dataclass(frozen=True, slots=True)
class NewTime:
    """A moment or an offset, and over how many seconds they are spread from then on; None: not at all."""

    when: When
    over: float | None = None


class RescheduleModal(FormModal[NewTime]):
    """Two fields: when, and over what time."""

    def __init__(self, title: str, context: Context) -> None:
        fields = (
            Field("when", "when", "", EXAMPLES),
            Field("over", "spread over", "", "nothing, or 10m: evenly from then on"),
        )
        super().__init__(title, fields, "counts them", ascii=context.ascii)
        self._view = context

    def read(self, values: Mapping[str, str]) -> NewTime:
        """What was typed. Raises `UsageError`."""
        typed, spread = values["when"].strip(), values["over"].strip()
        over = parse_duration(spread) if spread else None
        if not typed and over is None:
            raise UsageError("when?", hint=EXAMPLES)
        utc = self._view.time_mode == "utc"
        when = parse_when(typed, self._view.now, utc=utc) if typed else When(at=self._view.now)
        if over is not None and when.at is None:
            when = When(at=when.moment(self._view.now))
        return NewTime(when, over)

    def preview(self, values: Mapping[str, str]) -> str:
        """In other words."""
        try:
            new = self.read(values)
        except SqtuiError:
            return ""
        if new.when.at is None:
            by = new.when.by or 0.0
            return f"each {units.duration(abs(by))} {'earlier' if by < 0 else 'later'} than planned"
        now, utc = self._view.now, self._view.time_mode == "utc"
        moment = f"{units.clock(new.when.at, now, utc=utc)}, {_distance(new.when.at - now)}"
        return moment if new.over is None else f"over {units.duration(new.over)} from {moment}"


def _distance(seconds: float) -> str:
    if abs(seconds) < 1:
        return "now"
    return f"in {units.duration(seconds)}" if seconds > 0 else f"{units.duration(-seconds)} ago: at once"
