"""What operators come for, as the keys they press, on the servers of the demo. The README's tour is made from these."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

ENTER: Final = "\r"
TAB: Final = "\t"
PASTE: Final = ("\x1b[200~", "\x1b[201~")
PAGE_DOWN: Final = "\x06"
NAME: Final = "shop-prod" + ENTER
"""The answer to what is done to a server labelled production."""


@dataclass(frozen=True, slots=True)
class Step:
    """Keys, and what the screen shows after them and did not before.

    `{jid}` is a job's JID, pasted: one key; `{yesterday}` and `{today}` are typed as dates, `{folder}` is a short path.
    """

    keys: str
    shows: str


@dataclass(frozen=True, slots=True)
class Story:
    """One question and its answer. `told` is how the README writes the keys; `before`: what the shell did first."""

    number: int
    question: str
    told: str
    steps: tuple[Step, ...]
    server: str = "shop-prod"
    """Which one is in view; empty: all."""
    before: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many keys it takes; what is pasted counts as one."""
        return sum(len(filled(step.keys, jid="P", folder="/tmp", day=date(2026, 11, 22))) for step in self.steps)


def filled(keys: str, *, jid: str, folder: str, day: date) -> str:
    """Keys with what stands in braces put in; `day` is today, UTC."""
    words = {"jid": jid, "folder": folder, "today": str(day), "yesterday": str(day - timedelta(days=1))}
    for word, value in words.items():
        keys = keys.replace(f"{{{word}}}", value)
    return keys


STORIES: Final = (
    Story(1, "Which server is sick, and why?", "`o`", (Step("o", "worst first"),), server=""),
    Story(2, "Switch from production to staging", "`2`", (Step("2", "staging ·"),), server=""),
    Story(
        3,
        "Where is this job now, on any server, and what happened to it?",
        "`:j` paste `⏎`",
        (Step(":j ", ":j"), Step("{jid}" + ENTER, "in the dead set on shop-prod")),
        server="",
    ),
    Story(
        4,
        "Why is `mailers` slow: what is in it, who serves it, when is it empty?",
        "`:queue mai` `tab` `⏎` `l`",
        (Step(":queue mai" + TAB + ENTER, "mailers"), Step("l", "Served by")),
    ),
    Story(
        5,
        "Retry all dead jobs of one class with one error",
        "`:dead class:Charge error:Gateway` `⏎` `A` `R` name `⏎`",
        (
            Step(":dead class:Charge error:Gateway" + ENTER, "all read"),
            Step("A", "marked"),
            Step("R", "Type the"),
            Step(NAME, "u undoes"),
        ),
    ),
    Story(
        6,
        "Quiet every worker before a deploy",
        "`gw` `Q` `j` `⏎` name `⏎`",
        (
            Step("gw", "threads busy"),
            Step("Q", "all there are"),
            Step("j" + ENTER, "Type the"),
            Step(NAME, "asked to go"),
        ),
    ),
    Story(
        7,
        "Copy a failing job to another server, with other arguments",
        "`1` `gr` `C` `stg` `⏎` `tab` new arguments `⏎` `y`",
        (
            Step("1gr", "tries"),
            Step("C", "another server"),
            Step("stg" + ENTER, "arguments"),
            Step(TAB + "\x15[42]" + ENTER, "to shop-stg"),
            Step("y", "copied 1"),
        ),
        server="",
    ),
    Story(
        8,
        "Undo a clear that was a mistake",
        "`u` `y`",
        (Step("u", "put back"), Step("y", "\n put back 3")),
        server="shop-stg",
        before=("clear", "dead", "--yes", "--confirm", "shop-stg"),
    ),
    Story(
        9,
        "Yesterday's dead jobs, as CSV in a file",
        "`:dead at>=2026-11-21 at<2026-11-22` `⏎` `A` `s` `ctrl+u` path `⏎`",
        (
            Step(":dead at>={yesterday} at<{today}" + ENTER, "all read"),
            Step("A", "marked"),
            Step("s", ".json or .csv"),
            Step("\x15{folder}/dead.csv" + ENTER, "wrote"),
        ),
    ),
    Story(
        10,
        "Push fifty scheduled jobs one hour later",
        "`gs` `space` `ctrl+f` `j` 16 times `v` `t` `+1h` `⏎` name `⏎`",
        (
            Step("gs", "runs in"),
            Step(" " + PAGE_DOWN + "j" * 16 + "v", "marked"),
            Step("t", "spread over"),
            Step("+1h" + ENTER, "Type the"),
            Step(NAME, "u undoes"),
        ),
    ),
    Story(
        11,
        "Read the backtrace of the job that died last, copy its JID over SSH",
        "`gx` `⏎` `y`",
        (Step("gx", "died"), Step(ENTER, "Backtrace"), Step("y", "sent to the terminal")),
    ),
)


def story_table() -> str:
    """The stories as Markdown."""
    rows = ["| | keys | |", "|---|---|---|"]
    rows += [f"| {story.question} | {story.count} | {story.told} |" for story in STORIES]
    return "\n".join(rows)
