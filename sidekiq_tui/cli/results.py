"""What a command did on each server: exit codes, and how results are printed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import diagnostics, output, render
from sidekiq_tui.cli.confirm import global_plan_lines, plan_lines
from sidekiq_tui.cli.render import Look
from sidekiq_tui.cli.running import INTERRUPTED
from sidekiq_tui.errors import SqtuiError, UsageError
from sidekiq_tui.operations.errors import GuardRefused
from sidekiq_tui.presentation import flat, outcomes, records
from sidekiq_tui.presentation.columns.base import Span, label_role
from sidekiq_tui.presentation.global_plans import global_outcome, global_record
from sidekiq_tui.presentation.plans import plan_record
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.sidekiq.errors import ServerUnreachable

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.operations.global_plan import GlobalPlan, GlobalRun
    from sidekiq_tui.operations.outcome import Outcome
    from sidekiq_tui.operations.plan import Plan
    from sidekiq_tui.servers.profile import Profile

PARTLY: Final = 5
FAILED: Final = 1
UNREACHABLE: Final = ServerUnreachable.exit_code
REFUSED: Final = GuardRefused.exit_code
_ENDINGS: Final = {"unknown": UNREACHABLE, "refused": REFUSED}
_WORST_FIRST: Final = (INTERRUPTED, UNREACHABLE, UsageError.exit_code, FAILED, REFUSED, PARTLY)


@dataclass(frozen=True, slots=True)
class Result:
    """What one server gave: a plan, what became of it, or why there is none."""

    profile: Profile
    plan: Plan | None = None
    outcome: Outcome | None = None
    error: Exception | None = None
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """As design 7 has it; entries that were no longer there are done with, except for an undo."""
        if self.error is not None:
            return self.error.exit_code if isinstance(self.error, SqtuiError) else FAILED
        if self.outcome is None or self.plan is None:
            return 0
        if self.interrupted and self.outcome.ending == "stopped":
            return INTERRUPTED
        if self.outcome.ending in _ENDINGS:
            return _ENDINGS[self.outcome.ending]
        tally = self.outcome.tally
        left = tally.refused + tally.malformed + tally.unknown + tally.duplicated + tally.untouched
        if self.plan.operation.kind == "undo":
            left += tally.gone + tally.exists
        if not left and self.outcome.ending == "done":
            return 0
        return PARTLY if tally.done else FAILED


@dataclass(frozen=True, slots=True)
class Together:
    """What several servers gave as one. `run` None: nothing was begun."""

    plan: GlobalPlan
    run: GlobalRun | None = None


def exit_code(results: Sequence[Result]) -> int:
    """The worst of all servers: an interruption, one that is unreachable, then the one of which least was done."""
    codes = {result.exit_code for result in results if result.exit_code}
    return next((code for code in _WORST_FIRST if code in codes), next(iter(codes), 0))


def print_results(results: Sequence[Result], args: argparse.Namespace, together: Together | None = None) -> None:
    """Each server's plan and outcome on stdout in the format that was asked for; errors on stderr."""
    now = time.time()
    if args.output == "table":
        look = Look.of(args)
        several = together is not None
        shown = [line for result in results for line in _lines(result, look, now, several, args.dry_run)]
        output.write_lines([*shown, *([] if together is None else _together_lines(together, look, now, args.dry_run))])
    else:
        elements = [_element(result, args.dry_run) for result in results]
        if args.output == "json":
            pretty = Look.of(args).tty
            document = records.document(args.view, now, elements, None if together is None else _total(together))
            output.write_lines([json.dumps(document, indent=2 if pretty else None, allow_nan=False)])
        else:
            lines = [{"server": one["name"], **{key: one[key] for key in one if key != "name"}} for one in elements]
            if args.output == "ndjson":
                output.write_lines(json.dumps(one, allow_nan=False) for one in lines)
            else:
                output.write_lines([flat.csv_line(_CSV), *(flat.csv_line(_csv_values(one)) for one in lines)])
    for result in results:
        if result.error is not None:
            words = _trouble(result.error, result.profile)
            diagnostics.complain_of(result.profile.name, words, result.error if args.debug else None)


def _trouble(error: Exception, profile: Profile) -> str:
    return diagnostics.sentence(error, profile.endpoint)


def _nothing(plan: Plan) -> str:
    stays = ", ".join(f"{count:,} {reason}" for reason, count in plan.stays)
    return f"nothing to do: {stays or plan.refused}"


def _element(result: Result, dry_run: bool) -> records.Record:
    error = None if result.error is None else _trouble(result.error, result.profile)
    fields: records.Record = {
        "dry_run": dry_run,
        "plan": None if result.plan is None else plan_record(result.plan),
        "outcome": None if result.outcome is None else outcomes.outcome_record(result.outcome),
    }
    return records.server_element(result.profile.name, fields, error)


def _total(together: Together) -> records.Record:
    run = together.run
    return global_record(together.plan, None if run is None else run.outcomes, None if run is None else run.id)


_PLAN_FIELDS: Final = ("operation", "fingerprint", "count")
_OUTCOME_FIELDS: Final = (
    *("id", "ending", "done", "gone", "exists", "refused", "malformed", "unknown", "duplicated", "untouched"),
    *("words", "undo"),
)
_CSV: Final = ("server", "ok", "error", "dry_run", *_PLAN_FIELDS, *_OUTCOME_FIELDS)


def _csv_values(line: records.Record) -> list[object]:
    plan, outcome = line["plan"], line["outcome"]
    planned = [plan[name] if isinstance(plan, dict) else None for name in _PLAN_FIELDS]
    came_out = [outcome[name] if isinstance(outcome, dict) else None for name in _OUTCOME_FIELDS]
    return [*(line[name] for name in _CSV[:4]), *planned, *came_out]


def _lines(result: Result, look: Look, now: float, several: bool, dry_run: bool) -> Iterator[str]:
    """A server's part of the table: the plan of a dry run, else one line of what became of it."""
    plan = result.plan
    if plan is None or result.error is not None:
        return
    if dry_run:
        yield from plan_lines(plan, look, now)
        return
    context = look.context(now)
    name = display_text(result.profile.name)
    head = (Span(f"{name}: ", label_role(result.profile.label)),) if several or look.tty else ()
    if result.outcome is None:
        yield render.line((*head, Span(context.safe(_nothing(plan)), "muted")), look)
        return
    cell = outcomes.outcome_cell(result.outcome, context)
    undo = None if several else result.outcome.undo_id
    where = "" if plan.server == result.profile.name else f" --server {display_text(plan.server)}"
    after = (Span(f"   sqtui undo {display_text(undo)}{where} takes it back", "muted"),) if undo else ()
    yield render.paint((*head, *cell, *after), look)


def _together_lines(together: Together, look: Look, now: float, dry_run: bool) -> Iterator[str]:
    """After the lines of all servers: their common plan, or their sum and how all of it is taken back."""
    context = look.context(now)
    if dry_run:
        yield from global_plan_lines(together.plan, look, now)
        return
    run = together.run
    if run is None:
        return
    undoable = [name for name, outcome in run.outcomes.items() if outcome.undo_id is not None]
    words = f"sqtui undo {run.id} {' '.join(f'--server {display_text(name)}' for name in undoable)}"
    after = (Span(f"   {words} takes it back", "muted"),) if undoable else ()
    yield render.paint((Span("together: ", "strong"), *global_outcome(run, context, each=False), *after), look)
