"""Makes the pictures of every screen from the running demo, at the sizes and in the themes we promise.

Run: python -m screenshots.make [NAME ...]     (needs the extra `dev`, and the font DejaVu Sans Mono for good looks)
"""

from __future__ import annotations

import asyncio
import io
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import resvg_py
from rich.console import Console
from textual.pilot import Pilot

from sidekiq_tui.operations.operator import Operations
from sidekiq_tui.servers.profile_store import load_profiles
from sidekiq_tui.servers.registry import Registry
from sidekiq_tui.tui.app import SqtuiApp
from sidekiq_tui.tui.state import AppState
from sidekiq_tui.tui.theme import DARK, LIGHT

FOLDER: Final = Path(__file__).parent
WARM_UP: Final = 70.0  # seconds of traffic, so that the charts of the shortest period are full
SHAPES: Final = ((120, 40, DARK, "dark"), (80, 24, LIGHT, "light"))

# Rich's own picture has a window frame, a web font, and cells of 12.2 x 24.4 from 1.5 down: bars of neighbouring rows
# would not touch. Scaled to whole pixels they do; the letters are a little larger than their cells for the same reason.
_CELL: Final = (12, 24)
_LOWER: Final = 0.9
_PICTURE: Final = """<svg viewBox="0 0 WIDTH HEIGHT" width="WIDTH" height="HEIGHT" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", monospace; font-size: 21.6px; line-height: {line_height}px; }}
{styles}
</style>
<defs>{lines}</defs>
<rect width="100%" height="100%" fill="GROUND"/>
<g transform="scale(0.98360656) translate(0 -1.5)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>"""


async def _press(pilot: Pilot[Any], *keys: str, rest: float = 1.5) -> None:
    await pilot.press(*keys)
    await pilot.pause(rest)


async def _board(pilot: Pilot[Any]) -> None:
    await _press(pilot, "0", "g", "v")


async def _dashboard(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "d", rest=4.0)


async def _latency(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "d")
    await _press(pilot, "l", "l", rest=4.0)


async def _queues(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "q", rest=3.0)


async def _queue(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "q")
    await _press(pilot, "down", "enter", rest=2.0)


async def _about_queue(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "q")
    await _type(pilot, ":queue mailers")
    await _press(pilot, "l", rest=4.0)


async def _job(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "x")
    await _press(pilot, "down", "enter", rest=2.0)


async def _workers(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "w", rest=4.0)
    await _press(pilot, "down", "down")


async def _errors(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "e", rest=8.0)


async def _metrics(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "m", rest=4.0)


async def _metrics_class(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "m", rest=4.0)
    await _press(pilot, "down", "down", "enter", rest=3.0)


async def _search(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "slash")
    await _type(pilot, ":search class:Checkout error:Timeout")
    await pilot.pause(4.0)


async def _profiles(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "p", rest=3.0)


async def _extras(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "b", rest=3.0)


async def _command(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "q")
    await pilot.press("colon", *"queue ")
    await _press(pilot, "tab")


async def _type(pilot: Pilot[Any], words: str) -> None:
    """Types a command."""
    names = {":": "colon", " ": "space"}
    await pilot.press(*(names.get(letter, letter) for letter in words))
    await _press(pilot, "enter", rest=2.0)


async def _across(pilot: Pilot[Any]) -> None:
    await _press(pilot, "0", "g", "r", rest=3.0)


async def _across_workers(pilot: Pilot[Any]) -> None:
    await _press(pilot, "0", "g", "w", rest=3.0)


async def _across_dashboard(pilot: Pilot[Any]) -> None:
    await _press(pilot, "0", "g", "d", rest=4.0)


async def _across_queues(pilot: Pilot[Any]) -> None:
    await _press(pilot, "0", "g", "q", rest=2.0)
    await _press(pilot, "l", rest=2.0)


async def _trail(pilot: Pilot[Any]) -> None:
    await _press(pilot, "0", "g", "x", rest=3.0)  # where it stays until it is looked for
    job = pilot.app.screen.query_one("RecordTable").current  # type: ignore[attr-defined]
    await _type(pilot, f":job {job.jid}")
    await pilot.pause(4.0)


async def _compare(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "c", rest=6.0)


async def _changes(pilot: Pilot[Any]) -> None:
    await _press(pilot, "0", "g", "t", rest=3.0)


async def _retries(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "r")
    await _press(pilot, "down", "down", "down", rest=2.0)


async def _dead(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "x", rest=2.0)


async def _confirm(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "x")
    await _type(pilot, ":dead class:Charge error:Gateway")
    await _press(pilot, "A", "R", rest=3.0)


async def _audit(pilot: Pilot[Any]) -> None:
    await _press(pilot, "2", "g", "x", rest=2.0)
    for keys in (("K",), ("D", "y"), ("R", "y"), ("u", "y")):
        for key in keys:
            await _press(pilot, key, rest=2.0)
        await _press(pilot, "escape")
    await _press(pilot, "g", "a", rest=3.0)


async def _help(pilot: Pilot[Any]) -> None:
    await _press(pilot, "1", "g", "q")
    await _press(pilot, "question_mark")


async def _picker(pilot: Pilot[Any]) -> None:
    await _press(pilot, "0", "g", "v")
    await _press(pilot, "at")


async def _offline(pilot: Pilot[Any]) -> None:
    await _press(pilot, "3", "g", "d")
    await _until_state(pilot, "ok")
    await _press(pilot, "g", "x")
    await _until_state(pilot, "offline")
    await pilot.pause(3.0)


async def _until_state(pilot: Pilot[Any], wanted: str) -> None:
    """Waits for the demo's server that comes and goes."""
    state: AppState = pilot.app.app_state  # type: ignore[attr-defined]
    for _ in range(1200):
        if state.current is not None and state.current.health.state == wanted:
            return
        await pilot.pause(0.1)
    raise SystemExit(f"the server was never {wanted}")


SCREENS: Final[dict[str, Callable[[Pilot[Any]], Awaitable[None]]]] = {
    "servers": _board,
    "dashboard": _dashboard,
    "dashboard-latency": _latency,
    "queues": _queues,
    "queue": _queue,
    "retries": _retries,
    "dead": _dead,
    "job": _job,
    "confirm": _confirm,
    "queue-about": _about_queue,
    "workers": _workers,
    "errors": _errors,
    "metrics": _metrics,
    "metrics-class": _metrics_class,
    "search": _search,
    "profiles": _profiles,
    "extras": _extras,
    "command": _command,
    "help": _help,
    "picker": _picker,
    "audit": _audit,
    "across-dashboard": _across_dashboard,
    "across-queues": _across_queues,
    "across-retries": _across,
    "across-workers": _across_workers,
    "job-trail": _trail,
    "compare": _compare,
    "changes": _changes,
    "offline": _offline,
}


def picture(app: SqtuiApp) -> bytes:
    """What the app shows now, as PNG."""
    width, height = app.size
    console = Console(
        width=width, height=height, file=io.StringIO(), force_terminal=True, color_system="truecolor", record=True
    )
    console.print(app.screen._compositor.render_update(full=True))
    frame = _PICTURE.replace("GROUND", app.screen.styles.background.hex)
    frame = frame.replace("WIDTH", str(width * _CELL[0])).replace("HEIGHT", str(height * _CELL[1]))
    svg = console.export_svg(code_format=frame, unique_id="sqtui")
    svg = re.sub(r'(<text [^>]*\by=")([\d.]+)', lambda found: f"{found[1]}{float(found[2]) + _LOWER}", svg)
    png = resvg_py.svg_to_bytes(svg_string=svg, monospace_family="DejaVu Sans Mono", font_family="DejaVu Sans Mono")
    return bytes(png)


async def _take(settings: Path, wanted: list[str]) -> None:
    registry = Registry(load_profiles(settings).profiles)
    state = AppState(registry)
    state.operations = Operations(registry.server, home=settings.parent)
    app = SqtuiApp(state)
    async with app.run_test(size=SHAPES[0][:2]) as pilot:
        await pilot.pause(WARM_UP)
        await _press(pilot, "1", "g", "d")
        await _press(pilot, "left_curly_bracket", "left_curly_bracket")  # the shortest period
        for name in wanted:
            await pilot.resize_terminal(*SHAPES[0][:2])
            await SCREENS[name](pilot)
            for width, height, theme, word in SHAPES:
                app.theme = theme
                await pilot.resize_terminal(width, height)
                await pilot.pause(3.0)  # until a poll has drawn all in this theme
                path = FOLDER / f"{name}-{width}x{height}-{word}.png"
                path.write_bytes(picture(app))
                print(path.name)
            await _press(pilot, "escape")


def main() -> None:
    """Runs the demo beside, and takes the pictures named (all of them by default)."""
    wanted = sys.argv[1:] or list(SCREENS)
    demo = subprocess.Popen(
        [sys.executable, "-m", "sidekiq_tui", "demo", "--headless", "--seed", "7"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert demo.stdout is not None
        last = next(line for line in demo.stdout if line.startswith("sqtui --config"))
        asyncio.run(_take(Path(last.split()[-1]), wanted))
    finally:
        demo.terminate()
        demo.wait()


if __name__ == "__main__":
    main()
