"""Keys of the job screen, and of copying jobs, which lists do too."""

from __future__ import annotations

from typing import Final

from sidekiq_tui.tui.actions.action import LISTS, MOVE, SCREEN, Action

JOB: Final = "job"
COPY: Final = "copy"

_JOB: Final = (
    Action("next-job", (">",), "next job", "the next job of the list", MOVE, JOB, "step(1)"),
    Action(
        "previous-job",
        ("<",),
        "previous, next job",
        "the previous job of the list",
        MOVE,
        JOB,
        "step(-1)",
        22,
        footer_key="< >",
    ),
    Action("fold", ("space",), "fold", "unfold or fold the line", SCREEN, JOB, "fold"),
    Action("wrapper", ("w",), "wrapper", "the wrapper's own class and arguments, and back", SCREEN, JOB, "wrapper", 24),
)

_COPY: Final = (
    Action("copy-jid", ("y",), "copy JID", "copy the JID", LISTS, COPY, "copy_jid", 26),
    Action("copy-json", ("Y",), "copy JSON", "copy the payload as it lies in Redis", LISTS, COPY, "copy_json", 28),
)

ACTIONS: Final = (*_JOB, *_COPY)
