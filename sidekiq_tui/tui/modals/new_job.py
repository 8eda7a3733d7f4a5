"""A new job: from scratch, or like another one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sidekiq_tui.errors import SqtuiError, UsageError
from sidekiq_tui.operations.when import EXAMPLES, parse_when
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Context
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.tui.modals.form import Field, FormModal
from sidekiq_tui.tui.modals.job_fields import edited_args, parse_args, parse_options, whole

MOST_AT_ONCE: Final = 100_000


@dataclass(frozen=True, slots=True)
class NewJob:
    """What was filled in. `at`: Unix seconds, None for now."""

    klass: str
    queue: str
    args: list[object]
    at: float | None = None
    count: int = 1
    options: Mapping[str, object] = field(default_factory=dict)


class NewJobModal(FormModal[NewJob]):
    """Filled with the template's values, where there is one."""

    def __init__(self, context: Context, queue: str, template: JobRecord | None) -> None:
        like = template if template is not None and not template.malformed else None
        klass = (like.display_class or "") if like is not None else ""
        args = (edited_args(like) or "[]") if like is not None else "[]"
        fields = (
            Field("class", "class", klass, "Invoice::ChargeJob"),
            Field("queue", "queue", (like.queue or queue) if like is not None else queue, "default"),
            Field("args", "arguments", args, '[42, {"currency": "PLN"}]'),
            Field("at", "run at", "", f"empty: now; else {EXAMPLES}"),
            Field("count", "how many", "1", "1"),
            Field("options", "options", _options(like), '{"retry": 5, "tags": ["eu"]}'),
        )
        super().__init__("A new job" if like is None else "A new job like this", fields, "counts", ascii=context.ascii)
        self._view = context

    def read(self, values: Mapping[str, str]) -> NewJob:
        """The job. Raises `UsageError`."""
        klass, queue, at = values["class"].strip(), values["queue"].strip(), values["at"].strip()
        if not klass:
            raise UsageError("which class?")
        if not queue:
            raise UsageError("which queue?")
        now, utc = self._view.now, self._view.time_mode == "utc"
        moment = parse_when(at, now, utc=utc).moment(now) if at else None
        return NewJob(
            klass,
            queue,
            parse_args(values["args"].strip() or "[]"),
            moment if moment is not None and moment > now else None,
            whole(values["count"], "how many", MOST_AT_ONCE),
            parse_options(values["options"]),
        )

    def preview(self, values: Mapping[str, str]) -> str:
        """Where it would go."""
        try:
            new = self.read(values)
        except SqtuiError:
            return ""
        many = "" if new.count == 1 else f"{new.count:,} of them "
        if new.at is None:
            return f"{many}to the queue, to run next after what waits there"
        utc = self._view.time_mode == "utc"
        return f"{many}scheduled for {units.clock(new.at, self._view.now, utc=utc)}"


def _options(like: JobRecord | None) -> str:
    kept = {key: like.item[key] for key in ("retry", "backtrace", "tags") if key in like.item} if like else {}
    return json.dumps(kept) if kept else ""
