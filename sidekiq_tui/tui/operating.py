"""From a key to a running operation: plan, question, start. Runs as a worker of the screen that it was asked on."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from textual.widgets import Input

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.operations import catalog
from sidekiq_tui.presentation import deeds, units
from sidekiq_tui.presentation.columns.base import Cell, Span, label_role
from sidekiq_tui.presentation.plans import plan_facts
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.tui.messages import RunBegan
from sidekiq_tui.tui.modals.confirm import OTHER, ConfirmModal, Fact
from sidekiq_tui.tui.modals.row_question import RowQuestion
from sidekiq_tui.tui.screens.listing import context_of

if TYPE_CHECKING:
    from textual.events import Key

    from sidekiq_tui.operations.catalog import Operation
    from sidekiq_tui.operations.plan import Plan
    from sidekiq_tui.operations.run import Run
    from sidekiq_tui.tui.screens.base import ViewScreen
    from sidekiq_tui.tui.state import AppState

GROUP: Final = "change"
"""The workers that plan and ask."""
PATIENCE_SECONDS: Final = 0.2
"""A plan that takes longer says how far it is."""
STOPS: Final = (Span("  ctrl+x", "key"), Span(" stops", "muted"))
"""How a plan that is being made is stopped."""

Facts = Sequence[Fact] | Callable[["Plan"], Sequence[Fact]]
"""What stands first in the question, or how to find it once there is a plan."""


def change(screen: ViewScreen, server: str, operation: Operation, facts: Facts = ()) -> None:
    """Plans an operation, asks, and starts it. Only one at a time on a screen."""
    work(screen, _change(screen, server, operation, facts))


def resume(screen: ViewScreen, server: str, id: str) -> None:
    """Plans what is left of an operation that was begun, asks, and starts it."""
    work(screen, _resume(screen, server, id))


def end(screen: ViewScreen, server: str, id: str) -> None:
    """Ends an operation that was begun where it is, and says how far it got."""
    work(screen, _end(screen, server, id))


def work(screen: ViewScreen, doing: Coroutine[Any, Any, None]) -> None:
    """Plans, asks or writes a file in the background of a screen, in the place of what did so before."""
    screen.run_worker(_told(screen, doing), group=GROUP, exclusive=True, exit_on_error=False)


async def _told(screen: ViewScreen, doing: Coroutine[Any, Any, None]) -> None:
    """Whatever fails is said: nothing that a person asked for just does not happen."""
    try:
        await doing
    except SqtuiError as error:
        screen.say(words_of(error), "bad")
    except Exception as error:
        screen.say(f"that failed, and nothing was begun: {type(error).__name__}", "bad")
        raise


def is_planning(screen: ViewScreen) -> bool:
    """Whether a plan is being made for the screen."""
    return any(one.group == GROUP and one.is_running for one in screen.workers if one.node is screen)


def typed_ahead(screen: ViewScreen, event: Key) -> bool:
    """Whether a key was meant for a question that is not there yet: it must not do what it does on the screen."""
    return event.is_printable and not isinstance(screen.focused, Input) and is_planning(screen)


def stop_planning(screen: ViewScreen) -> None:
    """Drops the plan that is being made; nothing was changed."""
    screen.workers.cancel_group(screen, GROUP)
    screen.show_progress()


async def _change(screen: ViewScreen, server: str, operation: Operation, facts: Facts) -> None:
    await carry_out(screen, server, operation, facts)


async def carry_out(screen: ViewScreen, server: str, operation: Operation, facts: Facts = ()) -> Run | None:
    """The same, within a worker of the screen's; what was started, or nothing."""
    while True:
        plan = await _planned(screen, server, operation)
        if plan is None:
            return None
        answer = await _asked(screen, plan, tuple(facts(plan) if callable(facts) else facts))
        if answer == OTHER:
            operation = other_way(operation) or operation
            continue
        return _start(screen, plan, answer)


async def _resume(screen: ViewScreen, server: str, id: str) -> None:
    operations = screen.app_state.operations
    if operations is None:
        return
    try:
        plan = await operations.resume(server, id)
    except SqtuiError as error:
        screen.say(words_of(error), "bad")
        await _look_again(screen, server)  # it may have had an end, and has it in the journal now
        return
    if may_be_asked(screen, plan):
        _start(screen, plan, await _asked(screen, plan, ()))


async def _end(screen: ViewScreen, server: str, id: str) -> None:
    if trouble := await ended(screen, server, id):
        screen.say(trouble, "bad")


async def ended(screen: ViewScreen, server: str, id: str) -> str:
    """Ends it where it is, and says how far it got; returns why that may not be."""
    operations = screen.app_state.operations
    if operations is None:
        return "nothing can be changed in this session"
    try:
        words = await operations.leave(server, id)
    except SqtuiError as error:
        return words_of(error)
    screen.say(display_text(words), "ok")
    await _look_again(screen, server)
    return ""


async def _look_again(screen: ViewScreen, server: str) -> None:
    await look_for_unfinished(screen.app_state, server)
    screen.tell_views(server)


async def look_for_unfinished(state: AppState, server: str) -> None:
    """Asks a server once in a session, and again when an operation has ended there, or it has come back."""
    if state.operations is None:
        return
    try:
        state.unfinished[server] = await state.operations.unfinished(server)
    except SqtuiError:
        state.unfinished[server] = ()


async def _planned(screen: ViewScreen, server: str, operation: Operation) -> Plan | None:
    """The plan, if there is something to ask about; else it is said why not."""
    operations = screen.app_state.operations
    if operations is None:
        return None
    try:
        plan = await operations.plan(server, operation, progress=_teller(screen))
    except SqtuiError as error:
        screen.say(f"nothing was changed: {words_of(error)}", "bad")
        return None
    finally:
        screen.show_progress()
    return plan if may_be_asked(screen, plan) else None


def may_be_asked(screen: ViewScreen, plan: Plan) -> bool:
    """Whether the plan can be carried out, and the person is still where it was asked for; says why not."""
    context = context_of(screen.app_state)
    if not plan.count and plan.stays:
        reason, count = plan.stays[0]
        screen.say(f"nothing to {deeds.deed(plan.operation).do}: {count:,} {context.safe(reason)}", "warn")
    elif plan.refused:
        screen.say(f"{context.glyphs.forbidden} {context.safe(plan.refused)}", "warn")
    elif not plan.count:
        screen.say(f"nothing to {deeds.deed(plan.operation).do}: none of it is there any more", "warn")
    else:
        return still_there(screen)
    return False


def still_there(screen: ViewScreen) -> bool:
    """Whether the person still looks at the screen; the dialog that asked for this may be about to go."""
    above = screen.app.screen_stack[::-1]
    return screen.is_mounted and next((one for one in above if not one.is_modal), None) is screen


async def _asked(screen: ViewScreen, plan: Plan, facts: tuple[Fact, ...]) -> str | None:
    """What was answered; None for no."""
    state, operations = screen.app_state, screen.app_state.operations
    if operations is None:
        return None
    try:
        question = operations.question(plan)
    except SqtuiError as error:
        screen.say(words_of(error), "bad")
        return None
    context, bad = context_of(state), plan.operation.destroys
    short = _deed_words(plan)
    if question.kind == "none":
        return ""
    if question.kind == "yes" and plan.count == 1 and plan.peer is None:
        notes: Cell = tuple(Span(f"  {context.glyphs.warn} {context.safe(note)}", "warn") for note in plan.notes)
        if plan.undo:
            notes = (Span(f"  undo: {context.safe(plan.undo)}", "muted"), *notes)
        words = "".join(span.text for _, cell in facts for span in cell)
        words = f"put back: {words}?" if words else deeds.row_question(plan, context)
        asks = RowQuestion(words, short, notes, bad=bad, ascii=state.ascii)
        return question.expected if await screen.app.push_screen_wait(asks) else None
    modal = ConfirmModal(
        deeds.title(plan, context),
        (*facts, *plan_facts(plan, context)),
        short,
        kind=question.kind,
        expected=question.expected,
        bad=bad,
        other=other_words(plan.operation),
        named=_named(plan, question.expected),
        ascii=state.ascii,
    )
    answer = await screen.app.push_screen_wait(modal)
    return question.expected if answer is not None and answer != OTHER else answer


def _named(plan: Plan, name: str) -> Span:
    """Whose name is asked for, in the colour of that server."""
    target = target_of(plan)
    if target is not None and target[0] == name:
        return Span("the target's name", label_role(target[1]))
    return Span("the server's name", label_role(plan.label) if name == plan.server else "text")


def target_of(plan: Plan) -> tuple[str, str | None] | None:
    """The server that jobs come to in a plan between two, and its label."""
    if plan.peer is None:
        return None
    return (plan.peer.name, plan.peer.label) if plan.peer.writes else (plan.server, plan.label)


def _deed_words(plan: Plan) -> str:
    """What the last key does, short: `delete 118`, `stop`."""
    one = deeds.deed(plan.operation)
    return one.do if plan.count == 1 else f"{one.do} {plan.count:,}"


def _start(screen: ViewScreen, plan: Plan, answer: str | None) -> Run | None:
    operations = screen.app_state.operations
    if operations is None:
        return None
    if answer is None:
        screen.say("nothing was changed", "muted")
        return None
    try:
        run = operations.start(plan, answer)
    except SqtuiError as error:
        screen.say(words_of(error), "bad")
        return None
    screen.post_message(RunBegan(run))
    return run


def _teller(screen: ViewScreen) -> Callable[[int, int], None]:
    began = told = time.monotonic()

    def tell(read: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - began >= PATIENCE_SECONDS and now - told >= PATIENCE_SECONDS and screen.is_front:
            told = now
            many = f"{units.count(read)} of {units.count(total)}" if total else units.count(read)
            screen.show_progress((Span(f"counting {many} …", "strong"), *STOPS))

    return tell


def other_way(operation: Operation) -> Operation | None:
    """The same with another copy for undo: in the trash, of a clear on this machine, none. None where that is no
    question.
    """
    if isinstance(operation, catalog.Clear) and operation.keep:
        return replace(operation, keep=not operation.here, here=not operation.here)
    if isinstance(operation, catalog.Clear | catalog.Delete):
        return replace(operation, keep=not operation.keep)
    return None


def other_words(operation: Operation) -> str:
    """What the key for the other way does; empty where there is none."""
    if not isinstance(operation, catalog.Clear | catalog.Delete):
        return ""
    if isinstance(operation, catalog.Clear) and operation.keep and not operation.here:
        return "copy here"
    return "without undo" if operation.keep else "with undo"


def words_of(error: SqtuiError) -> str:
    """An error and what to do next, in one safe line."""
    return display_text("; ".join(part for part in (error.message, error.hint) if part))
