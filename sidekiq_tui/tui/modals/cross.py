"""How jobs go to another server: into which queue, with what replaced, and copies with which JIDs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from textual.suggester import SuggestFromList
from textual.widgets import Input

from sidekiq_tui.errors import UsageError
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.tui.modals.confirm import Fact
from sidekiq_tui.tui.modals.form import Field, FormModal
from sidekiq_tui.tui.modals.job_fields import edited_args, parse_args
from sidekiq_tui.tui.modals.pick_queue import Destination

NO: Final = "no"
EMAILS: Final = "e-mail addresses"
YES: Final = "yes, each a new one"
ALL: Final = "all of them"
MISSING: Final = "only those that are not there, by JID"


@dataclass(frozen=True, slots=True)
class Crossing:
    """What was chosen. `queue`: None for the one they are in; `redact`: e-mail addresses are replaced."""

    queue: str | None = None
    fields: Mapping[str, object] = field(default_factory=dict)
    redact: bool = False
    new_jids: bool = False
    missing: bool = False


class CrossModal(FormModal[Crossing]):
    """The second question, once the server is known; what follows is the plan."""

    def __init__(
        self,
        title: str,
        about: Sequence[Fact],
        queues: Sequence[Destination],
        *,
        copies: bool,
        whole: bool,
        job: JobRecord | None,
        redacts: bool,
        queue: str = "",
        ascii: bool = False,
    ) -> None:
        """`queues`: those of the target; `whole`: all of a queue or set; `redacts`: the target's profile has rules."""
        self._there = {one.name: one for one in queues}
        self._args = edited_args(job) if copies and job is not None else None
        fields = [Field("queue", "queue", queue, "the same as here, or a name")]
        if self._args is not None:
            fields.append(Field("args", "arguments", self._args, "a JSON list; empty: as they are"))
        if copies:
            fields.append(Field("jids", "new JIDs", NO, choices=(NO, YES)))
        if copies and whole:
            fields.append(Field("which", "which", ALL, choices=(ALL, MISSING)))
        if not redacts:
            fields.append(Field("redact", "redact", NO, choices=(NO, EMAILS)))
        super().__init__(title, fields, "shows the plan", about=about, ascii=ascii)

    def on_mount(self) -> None:
        """The names of queues there are offered as one types."""
        names = [name for name in self._there if name.isprintable()]
        self.query_one("#field-queue", Input).suggester = SuggestFromList(names, case_sensitive=True)
        super().on_mount()

    def read(self, values: Mapping[str, str]) -> Crossing:
        """What was chosen. Raises `UsageError`."""
        fields: dict[str, object] = {}
        typed = values.get("args", "").strip()
        if typed and typed != self._args:
            fields["args"] = parse_args(typed)
        new, missing = values.get("jids") == YES, values.get("which") == MISSING
        if new and missing:
            raise UsageError("copies with new JIDs are never there", hint="leave one of the two")
        return Crossing(
            queue=values["queue"].strip() or None,
            fields=fields,
            redact=values.get("redact") == EMAILS,
            new_jids=new,
            missing=missing,
        )

    def preview(self, values: Mapping[str, str]) -> str:
        """What is known of the queue there."""
        name = values["queue"].strip()
        if not name:
            return "into the same queue or set as here"
        there = self._there.get(name)
        if there is None:
            return f"{display_text(name, 40)} would be a new queue there"
        waiting = "1 job waits" if there.size == 1 else f"{units.count(there.size or 0)} jobs wait"
        served = "" if there.served is None else ", nobody serves it" if not there.served else f", {there.served} serve"
        return f"{waiting} there{served}"
