"""The columns of every list: which there are, how wide, when they go, and how they draw a row.

Names are loaded when asked for, so that a list loads only what it shows.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sidekiq_tui.presentation.columns.base import (
        Cell,
        Column,
        Context,
        SortKey,
        Span,
        fit_cell,
        layout,
        plain,
        wrap_cell,
    )
    from sidekiq_tui.presentation.columns.errors import ERRORS, ErrorRow, error_columns, error_rows
    from sidekiq_tui.presentation.columns.jobs import JOBS, JobRow, job_columns
    from sidekiq_tui.presentation.columns.queues import QUEUES, QueueRow, queue_rows
    from sidekiq_tui.presentation.columns.servers import SERVERS, SERVERS_ONCE, ServersTotal, servers_total
    from sidekiq_tui.presentation.columns.worker_tree import ProcessRow, WorkRow, worker_rows
    from sidekiq_tui.presentation.columns.workers import WORKERS, worker_columns

__all__ = [
    "ERRORS",
    "JOBS",
    "QUEUES",
    "SERVERS",
    "SERVERS_ONCE",
    "WORKERS",
    "Cell",
    "Column",
    "Context",
    "ErrorRow",
    "JobRow",
    "ProcessRow",
    "QueueRow",
    "ServersTotal",
    "SortKey",
    "Span",
    "WorkRow",
    "error_columns",
    "error_rows",
    "fit_cell",
    "job_columns",
    "layout",
    "plain",
    "queue_rows",
    "servers_total",
    "worker_columns",
    "worker_rows",
    "wrap_cell",
]

_HOMES: Final = {
    "base": ("Cell", "Column", "Context", "SortKey", "Span", "fit_cell", "layout", "plain", "wrap_cell"),
    "errors": ("ERRORS", "ErrorRow", "error_columns", "error_rows"),
    "jobs": ("JOBS", "JobRow", "job_columns"),
    "queues": ("QUEUES", "QueueRow", "queue_rows"),
    "servers": ("SERVERS", "SERVERS_ONCE", "ServersTotal", "servers_total"),
    "worker_tree": ("ProcessRow", "WorkRow", "worker_rows"),
    "workers": ("WORKERS", "worker_columns"),
}
_HOME_OF: Final = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
