"""What operators come for, as the keys they press, on the servers of the demo. The README's tour is made from these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ENTER: Final = "\r"
TAB: Final = "\t"
PASTE: Final = ("\x1b[200~", "\x1b[201~")


@dataclass(frozen=True, slots=True)
class Step:
    """Keys, and what the screen shows after them and did not before. `{jid}` is a job's JID, pasted: one key."""

    keys: str
    shows: str


@dataclass(frozen=True, slots=True)
class Story:
    """One question and its answer. `told` is how the README writes the keys."""

    number: int
    question: str
    told: str
    steps: tuple[Step, ...]

    @property
    def count(self) -> int:
        """How many keys it takes; what is pasted counts as one."""
        return sum(len(step.keys.replace("{jid}", "P")) for step in self.steps)


STORIES: Final = (
    Story(1, "Which server is sick, and why?", "`o`", (Step("o", "worst first"),)),
    Story(2, "Switch from production to staging", "`2`", (Step("2", "staging ·"),)),
    Story(
        3,
        "Where is this job now?",
        "`g/` `/` paste `⏎`",
        (Step("g/", "A JID alone is looked up everywhere"), Step("/", "words"), Step("{jid}" + ENTER, "1 found")),
    ),
    Story(
        4,
        "Why is `mailers` slow: what is in it, who serves it, when is it empty?",
        "`:queue mai` `tab` `⏎` `l`",
        (Step(":queue mai" + TAB + ENTER, "mailers"), Step("l", "Served by")),
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
