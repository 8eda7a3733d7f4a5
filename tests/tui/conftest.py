"""For tests of screens: recorded grids of text to compare with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
UPDATE = bool(os.environ.get("SQTUI_UPDATE_GOLDEN"))  # read before a fixture takes SQTUI_* away


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares a screen's text with the recorded one; SQTUI_UPDATE_GOLDEN=1 records it instead."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / f"{name}.txt"
        if UPDATE:
            path.write_text(text + "\n", encoding="utf-8")
        assert path.read_text("utf-8") == text + "\n", f"{path.name} differs; see what changed:\n{text}"

    return check
