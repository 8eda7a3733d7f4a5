"""Every answer that Ruby recorded is compared somewhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.values import Recording

# Says under what the answers were recorded; `now` is the clock of every comparison.
NOT_AN_ANSWER = {"meta"}


def test_every_top_level_answer_is_compared(recording: Recording) -> None:
    covered = {name for module in Path(__file__).parent.glob("test_*.py") for name in _covers(module)}
    assert recording.answers.keys() - NOT_AN_ANSWER - covered == set()


def _covers(module: Path) -> Iterator[str]:
    """The names in a module's `COVERS`."""
    for node in ast.parse(module.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "COVERS" for target in node.targets
        ):
            yield from ast.literal_eval(node.value)
