"""Which way an operation is carried out."""

from __future__ import annotations

from sidekiq_tui.operations.catalog import (
    Clear,
    CopyAcross,
    Delete,
    Evacuate,
    Kill,
    MoveToQueue,
    PushAgain,
    ReturnStaged,
    Transfer,
    Undo,
)
from sidekiq_tui.operations.desk import Desk
from sidekiq_tui.operations.execute import Execution, Order
from sidekiq_tui.operations.execute_clear import ClearExecution
from sidekiq_tui.operations.execute_copy import CopyExecution, PushAgainExecution
from sidekiq_tui.operations.execute_rebuild import RebuildExecution
from sidekiq_tui.operations.execute_return import ReturnExecution
from sidekiq_tui.operations.execute_transfer import TransferExecution
from sidekiq_tui.operations.execute_undo import UndoExecution


def execution(desk: Desk, order: Order) -> Execution:
    """What carries an order out."""
    plan = order.run.plan
    if isinstance(plan.operation, Undo):
        return UndoExecution(desk, order)
    if isinstance(plan.operation, CopyAcross):
        return CopyExecution(desk, order)
    if isinstance(plan.operation, PushAgain):
        return PushAgainExecution(desk, order)
    if isinstance(plan.operation, ReturnStaged):
        return ReturnExecution(desk, order)
    if isinstance(plan.operation, Transfer | Evacuate):
        return TransferExecution(desk, order)
    if isinstance(plan.operation, Clear):
        return ClearExecution(desk, order)
    if isinstance(plan.operation, Delete | Kill | MoveToQueue) and plan.mode == "A":
        return RebuildExecution(desk, order)
    return Execution(desk, order)
