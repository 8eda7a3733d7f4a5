"""Edits arguments and options: of one job what it has now, of several what all of them shall have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.errors import UsageError
from sidekiq_tui.sidekiq.job import JobRecord
from sidekiq_tui.tui.modals.form import Field, FormModal
from sidekiq_tui.tui.modals.job_fields import edited_args, parse_args, parse_json, parse_options

_PLAIN: Final = ("retry", "backtrace", "tags")
"""Options that have a field of their own."""
_NOT_HERE: Final = {
    "jid": "the JID names the job",
    "queue": "M moves it to another queue",
    "class": "another class is another job: n makes one like this",
}


@dataclass(frozen=True, slots=True)
class Changes:
    """Fields to set, and fields to drop."""

    fields: Mapping[str, object]
    drop: tuple[str, ...]


class EditModal(FormModal[Changes]):
    """Gives only what differs from what stood there."""

    def __init__(self, title: str, job: JobRecord | None, *, ascii: bool = False) -> None:
        """`job`: the only one, whose values are there to edit; None: several."""
        args = edited_args(job) if job is not None else None
        self._before = {"args": args or "", **{key: _shown(job, key) for key in _PLAIN}, "more": "", "drop": ""}
        keeps = "as it is" if job is not None else "as each has it"
        fields = (
            Field("args", "arguments", self._before["args"], f"a JSON list; empty: {keeps}"),
            Field("retry", "retry", self._before["retry"], f"true, false or a number; empty: {keeps}"),
            Field("backtrace", "backtrace", self._before["backtrace"], f"true, or lines; empty: {keeps}"),
            Field("tags", "tags", self._before["tags"], f'["eu", "vip"]; empty: {keeps}'),
            Field("more", "set", "", 'other fields: {"dead": false}'),
            Field("drop", "drop", "", "fields to take away: tags, expires_in"),
        )
        super().__init__(title, fields, "shows what it does", ascii=ascii)

    def read(self, values: Mapping[str, str]) -> Changes:
        """What shall differ. Raises `UsageError`."""
        fields: dict[str, object] = {}
        if (typed := values["args"].strip()) and typed != self._before["args"]:
            fields["args"] = parse_args(typed)
        for key in _PLAIN:
            if (typed := values[key].strip()) and typed != self._before[key]:
                fields[key] = parse_json(typed, key)
        fields |= parse_options(values["more"])
        drop = tuple(dict.fromkeys(values["drop"].replace(",", " ").split()))
        for key in (*fields, *drop):
            if key in _NOT_HERE:
                raise UsageError(f"{key} is not edited here", hint=_NOT_HERE[key])
        if both := [key for key in drop if key in fields]:
            raise UsageError(f"{both[0]} is set and dropped")
        if not fields and not drop:
            raise UsageError("nothing differs from what it is")
        return Changes(fields, drop)


def _shown(job: JobRecord | None, key: str) -> str:
    if job is None or key not in job.item:
        return ""
    return json.dumps(job.item[key], ensure_ascii=True)
