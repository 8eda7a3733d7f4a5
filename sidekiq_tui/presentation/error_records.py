"""Groups of errors in the JSON contract."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sidekiq_tui.presentation.records import Record, number

if TYPE_CHECKING:
    from sidekiq_tui.presentation.columns.errors import ErrorRow
    from sidekiq_tui.servers.error_book import ErrorBoard


def errors_record(board: ErrorBoard, rows: Iterable[ErrorRow]) -> Record:
    """The fields of `errors`.

    `size`: entries of retries and dead when they were read; `read` of them are in the groups; `complete`: that is all
    of both sets.
    """
    return {
        "size": board.total if not board.denied else None,
        "read": board.jobs,
        "complete": board.complete and not board.denied,
        "groups": [group_record(row) for row in rows],
    }


def no_errors_record() -> Record:
    """The same for a server that gave nothing."""
    return {"size": None, "read": None, "complete": False, "groups": []}


def group_record(row: ErrorRow) -> Record:
    """One group; `kind` tells errors from payloads that are no jobs (undecodable) and from what was not kept apart."""
    group = row.group
    return {
        "class": group.cause.klass,
        "error_class": group.cause.error_class,
        "message": group.cause.message or None,
        "kind": group.cause.kind,
        "count": group.count,
        "retries": group.retries,
        "dead": group.dead,
        "share": row.share,
        "queues": [queue for queue, _ in group.queues],
        "first_at": number(group.first_at),
        "last_at": number(group.last_at),
        "new_since_deploy": row.new,
        "sample_jid": group.sample_jid,
    }
