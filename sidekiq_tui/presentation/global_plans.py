"""One deed on several servers in words: the plan of all, how far it is, how it came out on each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Final

from sidekiq_tui.operations import words
from sidekiq_tui.operations.outcome import Outcome, Progress, Tally
from sidekiq_tui.operations.plan import Price
from sidekiq_tui.presentation import deeds
from sidekiq_tui.presentation.columns.base import Cell, Context, Span, label_role
from sidekiq_tui.presentation.outcomes import outcome_cell, progress_cell, tally_record
from sidekiq_tui.presentation.plans import FINGERPRINT_SHOWN, plan_facts, selection_of
from sidekiq_tui.presentation.records import Record

if TYPE_CHECKING:
    from sidekiq_tui.operations.global_plan import GlobalPlan, GlobalRun, Part
    from sidekiq_tui.operations.plan import Plan
    from sidekiq_tui.servers.profile import Profile

Fact = tuple[str, Cell]

_OF_ONE: Final = frozenset({"on", "from", "mode", "user", "plan", "refused", "stays"})
"""Facts that are told for each server, or not at all."""
_NAME_CELLS: Final = 20
_LEAST_CELLS: Final = 4


def global_title(plan: GlobalPlan, context: Context) -> str:
    """`Delete 1,203 jobs on 2 of 3 servers`; safe text."""
    named, done = len(plan.parts), len(plan.doable)
    known = plan.plans or tuple(part.plan for part in plan.parts if part.plan is not None)
    many = f"{done:,} of {named:,}" if done < named else f"{named:,}"
    if not known:
        return f"Nothing can be done on {named:,} servers"
    return f"{deeds.title(_sum(known, plan.count), context)} on {many} servers"


def global_facts(
    plan: GlobalPlan, context: Context, *, about: Mapping[str, str] | None = None, full: bool = False
) -> tuple[Fact, ...]:
    """Names and values in the order of the dialog. `about`: what is done on each server, where that differs (safe)."""
    return tuple(_facts(plan, context, about or {}, full))


def _facts(plan: GlobalPlan, context: Context, about: Mapping[str, str], full: bool) -> Iterator[Fact]:
    plans = plan.plans
    selection = selection_of(plans[0].operation) if plans else None
    if selection is not None:
        places = deeds.selected_places(selection, context)
        yield "from", (Span(f"{places[:1].upper()}{places[1:]}"),)
    common = _in_all([one.notes for one in plans])
    undo = _in_all([(one.undo,) for one in plans])
    wide = max((len(_name(part.server, context)) for part in plan.parts), default=0)
    key = "on"
    for part in plan.parts:
        for cell in _server_cells(part, context, wide, about.get(part.server, ""), common, tell_undo=not undo):
            yield key, cell
            key = ""
    if plans:
        whole = replace(_sum(plans, plan.count), notes=common, undo=undo[0] if undo else "")
        yield from ((name, cell) for name, cell in plan_facts(whole, context, full=full) if name not in _OF_ONE)
    if full:
        yield "plan", (Span(plan.fingerprint[:FINGERPRINT_SHOWN], "accent"),)


def _server_cells(
    part: Part, context: Context, wide: int, about: str, common: Sequence[str], *, tell_undo: bool
) -> Iterator[Cell]:
    """A server's line: its name, how many, label and access; then what is to be said of it alone."""
    name = server_span(part.profile, context, wide)
    plan, indent = part.plan, " " * (wide + 2)
    if plan is None or part.refused:
        role = "muted" if part.nothing else "bad"
        sign = "" if part.nothing else f"{context.glyphs.forbidden} "
        yield (name, Span(f"  {sign}{context.safe(part.refused)}", role))
        return
    profile = part.profile
    label = (Span(f"  {deeds.name(profile.label, context)}", label_role(profile.label)),) if profile.label else ()
    many = deeds.amount(plan.count, deeds.deed(plan.operation))
    access = (Span(f"  access {profile.access}", "muted"),) if profile.access != "full" else ()
    yield (name, Span(f"  {many}"), *label, *access, *((Span(f"  {about}", "muted"),) if about else ()))
    for reason, count in plan.stays:
        yield (Span(f"{indent}{count:,} stay: {context.safe(reason)}", "warn"),)
    for note in plan.notes:
        if note not in common:
            yield (Span(f"{indent}{context.glyphs.warn} {context.safe(note)}", "warn"),)
    if plan.mode != "A":
        yield (Span(f"{indent}{context.glyphs.warn} {context.safe(_mode(plan, context))}", "warn"),)
    if tell_undo and plan.undo:
        yield (Span(f"{indent}undo: {context.safe(plan.undo)}", "muted"),)


def _mode(plan: Plan, context: Context) -> str:
    return "".join(text for name, cell in plan_facts(plan, context) if name == "mode" for text, _ in cell)


def server_span(profile: Profile, context: Context, wide: int = 0) -> Span:
    """A server's name in the colour of its label, at least `wide` characters."""
    return Span(f"{_name(profile.name, context):<{wide}}", f"{label_role(profile.label)} strong")


def _name(name: str, context: Context) -> str:
    return deeds.name(name, context, _NAME_CELLS)


def _in_all(told: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """What is said of all of them."""
    first = told[0] if told else ()
    return tuple(one for one in first if one and all(one in others for others in told))


def _sum(plans: Sequence[Plan], count: int) -> Plan:
    """One plan that stands for all of them where they are told as one."""
    return replace(
        plans[0],
        count=count,
        classes=_added(plan.classes for plan in plans),
        queues=_added(plan.queues for plan in plans),
        read=sum(plan.read for plan in plans),
        total=sum(plan.total for plan in plans),
        estimated=any(plan.estimated for plan in plans),
        made_at=min(plan.made_at for plan in plans),
        price=Price(
            calls=sum(plan.price.calls for plan in plans),
            seconds=max(plan.price.seconds for plan in plans),
            sent=sum(plan.price.sent for plan in plans),
            received=sum(plan.price.received for plan in plans),
            memory=max(plan.price.memory for plan in plans),
            longest_call=max(plan.price.longest_call for plan in plans),
        ),
        stays=(),
        notes=(),
        refused="",
    )


def _added(counts: Iterable[Sequence[tuple[str, int]]]) -> tuple[tuple[str, int], ...]:
    found: Counter[str] = Counter()
    for some in counts:
        found.update(dict(some))
    return tuple(found.most_common())


def total_tally(outcomes: Iterable[Outcome]) -> Tally:
    """What became of the entries of all servers."""
    return tallies(outcome.tally for outcome in outcomes)


def tallies(of: Iterable[Tally]) -> Tally:
    """The sum."""
    listed = tuple(of)
    return Tally(**{one.name: sum(getattr(tally, one.name) for tally in listed) for one in fields(Tally)})


def global_progress(run: GlobalRun, context: Context) -> Cell:
    """`deleting 640 of 1,203 on 3 servers ━━━─── 2,100/s  staging waiting`."""
    every = tuple(run.runs.values())
    going = [one for one in every if one.outcome is None]
    if not every:
        return ()
    rates = [one.progress.rate for one in going if one.progress.rate is not None]
    added = Progress(
        sum(one.progress.total for one in every),
        tallies(one.progress.tally if one.outcome is None else one.outcome.tally for one in every),
        "paused" if run.paused else "running",
        sum(rates) if rates else None,
    )
    told = progress_cell(every[0].plan.operation, added, context)
    held = [one for one in going if one.progress.state in ("waiting", "checking") or (one.paused and not run.paused)]
    where = (
        Span(f" on {len(every):,} servers", "strong")
        if len(every) > 1
        else Span(f" on {_name(every[0].server, context)}")
    )
    ended = (Span(f"  {len(every) - len(going):,} ended", "muted"),) if len(going) < len(every) else ()
    names = tuple(Span(f"  {_name(one.server, context)} {one.progress.state}", "warn") for one in held[:2])
    return (told[0], where, *told[1:], *ended, *names)


def global_outcome(run: GlobalRun, context: Context, *, each: bool = True) -> Cell:
    """`deleted 1,203 on 2 servers`; if `each`, then where it came out in another way, and who was left out."""
    outcomes = run.outcomes
    begun = [outcomes[name] for name in run.runs if name in outcomes]
    if not begun:
        return (Span("nothing was begun on any server", "bad"),)
    operation = next(iter(run.runs.values())).plan.operation
    well = all(outcome.ending == "done" for outcome in begun) and not run.not_begun
    said = words.ended(operation, total_tally(begun))
    many = f"{len(begun):,} servers" if len(begun) > 1 else _name(next(iter(run.runs)), context)
    cell = [Span(f"{context.safe(said)} on {many}", "ok" if well else "warn strong")]
    if not each:
        return tuple(cell)
    for part in run.plan.parts:
        outcome = outcomes.get(part.server)
        troubled = part.server in run.runs and outcome is not None and outcome.ending != "done"
        if outcome is not None and (troubled or part.server in run.not_begun):
            cell += [Span("  "), server_span(part.profile, context), Span(" "), *outcome_cell(outcome, context)]
    left = [part.server for part in run.plan.parts if part.refused and not part.nothing]
    if left:
        more = f" and {len(left) - 3:,} more" if len(left) > 3 else ""
        cell.append(Span(f"  without {', '.join(_name(name, context) for name in left[:3])}{more}", "muted"))
    return tuple(cell)


def outcome_lines(run: GlobalRun, context: Context) -> tuple[tuple[Span, Cell], ...]:
    """Each server, and how it came out there; all names are as wide."""
    outcomes = run.outcomes
    wide = max((len(_name(part.server, context)) for part in run.plan.parts), default=_LEAST_CELLS)
    return tuple(
        (server_span(part.profile, context, wide), _came_out(part, outcomes.get(part.server), context))
        for part in run.plan.parts
    )


def _came_out(part: Part, outcome: Outcome | None, context: Context) -> Cell:
    if outcome is None:
        return (Span("runs", "muted"),)
    if part.nothing:
        return (Span(context.safe(part.refused), "muted"),)
    return outcome_cell(outcome, context)


def global_record(plan: GlobalPlan, outcomes: Mapping[str, Outcome] | None, id: str | None) -> Record:
    """All servers together, for JSON. `outcomes` None: nothing was to be done."""
    return {
        "fingerprint": plan.fingerprint,
        "count": plan.count,
        "servers": len(plan.doable),
        "left_out": [part.server for part in plan.parts if part.refused],
        "id": id,
        "outcome": None if outcomes is None else tally_record(total_tally(outcomes.values())),
    }
