"""Which way an operation is carried out."""

from __future__ import annotations

from sidekiq_tui.operations.catalog import Undo
from sidekiq_tui.operations.desk import Desk
from sidekiq_tui.operations.execute import Execution, Order
from sidekiq_tui.operations.execute_undo import UndoExecution


def execution(desk: Desk, order: Order) -> Execution:
    """What carries an order out."""
    if isinstance(order.run.plan.operation, Undo):
        return UndoExecution(desk, order)
    return Execution(desk, order)
