"""For tests of screens: recorded grids of text, and digests of their colours, to compare with."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot

from sidekiq_tui.operations import warnings
from sidekiq_tui.tui import corner
from sidekiq_tui.tui.theme import DARK, LIGHT
from tests.support.tui import screen_text

GOLDEN = Path(__file__).parent / "golden"
UPDATE = bool(os.environ.get("SQTUI_UPDATE_GOLDEN"))  # read before a fixture takes SQTUI_* away

GoldenScreen = Callable[[str, Pilot[Any]], Awaitable[None]]
"""`await golden_screen(name, pilot)`: the whole screen as it stands now, in dark and in light."""


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares a screen's text with the recorded one; SQTUI_UPDATE_GOLDEN=1 records it instead."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / f"{name}.txt"
        if UPDATE:
            path.write_text(text + "\n", encoding="utf-8")
        assert path.read_text("utf-8") == text + "\n", f"{path.name} differs; see what changed:\n{text}"

    return check


@pytest.fixture
def golden_screen(golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> GoldenScreen:
    """As `golden`, of the whole screen, with a digest of the styles of each theme below the text.

    Which server answers, and how fast, is not the screen's doing; nor that its clock goes on while ours stands.
    """
    monkeypatch.setattr(warnings, "CLOCK_RIGHT", float("inf"))
    monkeypatch.setattr(warnings, "CLOCK_REFUSE", float("inf"))
    monkeypatch.setattr(corner, "_redis", lambda redis: "redis 7.2" if redis.version else "")
    monkeypatch.setattr(corner, "_rtt", lambda overview: "rtt 1ms")

    async def check(name: str, pilot: Pilot[Any]) -> None:
        app = pilot.app
        digests = []
        for theme in (LIGHT, DARK):
            app.theme = theme
            digests.append(f"{theme} {await _settled_digest(pilot)}")
        golden(name, "\n".join([screen_text(app), "=" * 20, *digests]))

    return check


async def _settled_digest(pilot: Pilot[Any]) -> str:
    """The digest once nothing waits to be handled or painted: what two looks in a row agree on."""
    before = None
    while True:
        await pilot.pause()
        screen = pilot.app.screen
        waits = (
            bool(screen._dirty_widgets)
            or screen._layout_required
            or getattr(screen, "_gathering", False)
            or any(node._message_queue.qsize() or node._next_callbacks for node in (pilot.app, *screen.walk_children()))
        )
        now = (screen_text(pilot.app), _style_digest(pilot.app))
        if now == before and not waits:
            return now[1]
        before = now


def _style_digest(app: App[Any]) -> str:
    """A short digest of the style of every cell."""
    digest = hashlib.sha256()
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            digest.update(f"{segment.style}|{len(segment.text)};".encode())
        digest.update(b"\n")
    return digest.hexdigest()[:16]
