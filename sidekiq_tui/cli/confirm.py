"""The answer to a plan's question: from the command line, or from the person at the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import diagnostics, render
from sidekiq_tui.errors import UsageError
from sidekiq_tui.operations.errors import NotConfirmed, PlanOutdated
from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.deeds import row_question, title
from sidekiq_tui.presentation.global_plans import global_facts, global_title
from sidekiq_tui.presentation.plans import FINGERPRINT_SHOWN, plan_facts
from sidekiq_tui.servers.background import call_in_daemon

if TYPE_CHECKING:
    import argparse

    from sidekiq_tui.cli.render import Look
    from sidekiq_tui.operations.global_plan import GlobalPlan
    from sidekiq_tui.operations.guard import Question
    from sidekiq_tui.operations.plan import Plan

_WANTED: Final = {"yes": "a yes", "count": "the number of entries", "name": "the server's name"}


@dataclass(frozen=True, slots=True)
class Answers:
    """What the command line says in advance."""

    yes: bool
    names: tuple[str, ...]
    fingerprints: tuple[str, ...]
    may_ask: bool

    @staticmethod
    def of(args: argparse.Namespace) -> Answers:
        """Reads the options. Raises `UsageError` for a fingerprint that is none."""
        for text in getattr(args, "plan", ()):
            if len(text) < FINGERPRINT_SHOWN or set(text.lower()) - set("0123456789abcdef"):
                raise UsageError(f"--plan: not a fingerprint: {text}", hint="--dry-run prints it")
        may_ask = not args.no_input and sys.stdin.isatty() and sys.stderr.isatty()
        return Answers(
            args.yes, tuple(args.confirm), tuple(text.lower() for text in getattr(args, "plan", ())), may_ask
        )

    def will_ask(self, question: Question) -> bool:
        """Whether a person will see the plan and answer."""
        said = self.names if question.kind == "name" else self.yes
        return question.kind != "none" and not said and self.may_ask

    async def answer(self, plan: Plan, question: Question, look: Look, now: float) -> str:
        """What the guard shall hear. Raises `PlanOutdated` for another plan, `NotConfirmed` where nobody can say it."""
        if self.fingerprints and not any(plan.fingerprint.startswith(one) for one in self.fingerprints):
            raise PlanOutdated(
                f"the plan is another one than you named, {plan.fingerprint[:FINGERPRINT_SHOWN]}; nothing was done",
                hint="look at it with --dry-run",
            )
        if question.kind == "none":
            return ""
        if question.kind == "name" and self.names:
            return question.expected if question.expected in self.names else self.names[0]
        if question.kind != "name" and self.yes:
            return question.expected
        if not self.may_ask:
            option = f"--confirm {question.expected}" if question.kind == "name" else "--yes"
            raise NotConfirmed(
                f"this takes {_WANTED[question.kind]} as the answer; nothing was done",
                hint=f"say it with {option}; --dry-run shows the plan",
            )
        return await _ask(plan, question, look, now)

    async def answer_for_all(self, plan: GlobalPlan, question: Question, look: Look, now: float) -> str:
        """What the guard shall hear for several servers. Raises as `answer`."""
        if self.fingerprints and not plan.is_named(self.fingerprints):
            raise PlanOutdated(
                f"the plan of all is another one than you named, {plan.fingerprint[:FINGERPRINT_SHOWN]}; "
                "nothing was done on any server",
                hint="look at it with --dry-run",
            )
        if question.kind == "none":
            return ""
        if question.kind == "name" and self.names:
            said = set(" ".join(self.names).split())
            missing = [name for name in question.expected.split() if name not in said]
            if not missing:
                return question.expected  # more names were said: of servers where nothing is to be done
            raise _unsaid(question, missing)
        if question.kind != "name" and self.yes:
            return question.expected
        if not self.may_ask:
            raise _unsaid(question, question.expected.split())
        title = global_title(plan, look.context(now))
        words = f"{title}?" if question.kind == "yes" else ""
        return await _asked(global_plan_lines(plan, _seen(look), now), words, question)


def _unsaid(question: Question, names: Sequence[str]) -> NotConfirmed:
    named = question.kind == "name"
    option = " ".join(f"--confirm {name}" for name in names) if named else "--yes"
    wanted = "the names of the servers" if named else _WANTED[question.kind]
    return NotConfirmed(
        f"this takes {wanted} as the answer; nothing was done on any server",
        hint=f"say it with {option}; --dry-run shows the plan",
    )


async def _ask(plan: Plan, question: Question, look: Look, now: float) -> str:
    words = row_question(plan, look.context(now)) if question.kind == "yes" else ""
    return await _asked(plan_lines(plan, _seen(look), now), words, question)


def _seen(look: Look) -> Look:
    """How a person sees it who is asked, whatever becomes of the output."""
    return replace(look, tty=True, width=get_terminal_size().columns)


async def _asked(lines: Sequence[str], words: str, question: Question) -> str:
    diagnostics.PROGRESS.clear()
    asked = f"{words[:1].upper()}{words[1:]} {diagnostics.safe(question.words)}"
    diagnostics.say([*lines, ""])
    return await call_in_daemon(lambda: _line(f"{asked.strip()} > "))


def _line(asked: str) -> str:
    diagnostics.prompt(asked)
    return sys.stdin.readline().strip()


def plan_lines(plan: Plan, look: Look, now: float) -> Sequence[str]:
    """A plan in lines of safe text: its title, then a fact a line."""
    context = look.context(now)
    heading = (Span(title(plan, context), "strong"),)
    facts = plan_facts(plan, context, full=True)
    return [render.line(heading, look), *render.facts(facts, look, whole=True)]


def global_plan_lines(plan: GlobalPlan, look: Look, now: float) -> Sequence[str]:
    """The plan of several servers in lines of safe text: its title, a line a server, then what they have in common."""
    context = look.context(now)
    heading = (Span(global_title(plan, context), "strong"),)
    return [render.line(heading, look), *render.facts(global_facts(plan, context, full=True), look, whole=True)]
