"""What a command line really loads. A bastion with slow disks waits for each of these modules."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Final

import pytest

LIBRARIES: Final = ("redis", "textual", "rich", "keyring", "msgspec", "tomlkit", "asyncio", "platformdirs", "shtab")
UI: Final = ("textual", "plotext", "textual_plotext", "sidekiq_tui.tui", "sidekiq_tui.demo")

# Runs the command line given as arguments in this process and lists what is loaded when it has ended.
PROBE: Final = """
import contextlib, io, sys
from sidekiq_tui.__main__ import main
with contextlib.redirect_stdout(io.StringIO()):
    code = main(sys.argv[1:])
print(code, *sys.modules)
"""


def loaded(argv: Sequence[str], code: int = 0) -> set[str]:
    ran = subprocess.run([sys.executable, "-c", PROBE, *argv], capture_output=True, text=True, check=True)
    ended, *modules = ran.stdout.split()
    assert int(ended) == code, ran.stderr
    return set(modules)


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--version"], 0),
        (["--help"], 0),
        (["retries", "--help"], 0),
        (["check", "--help"], 0),
        (["profile", "--help"], 0),
    ],
)
def test_help_and_version_load_no_library(argv: list[str], code: int) -> None:
    modules = loaded(argv, code)
    assert not set(LIBRARIES) & modules
    assert not [name for name in modules if name.startswith(UI)]


def test_a_usage_error_loads_only_what_makes_it_safe_to_show() -> None:
    modules = loaded(["dashbord"], 2)
    assert not (set(LIBRARIES) - {"rich"}) & modules
    assert not {"rich.console", "rich.text", "rich.style"} & modules


def test_completion_of_names_loads_nothing_but_a_reader_of_toml() -> None:
    modules = loaded(["__complete", "servers"])
    assert "tomllib" in modules
    assert not (set(LIBRARIES) - {"platformdirs"}) & modules


VIEWS: Final = (
    ("servers",),
    ("dashboard",),
    ("queues",),
    ("queue", "default", "class:Foo"),
    ("retries",),
    ("workers",),
    ("metrics",),
    ("check", "--max-dead", "1"),
    ("job", "jid"),
    ("search", "class:Foo"),
)


@pytest.mark.parametrize("view", VIEWS)
def test_one_shot_views_load_neither_the_ui_nor_what_they_do_not_need(redis_url: str, view: tuple[str, ...]) -> None:
    modules = loaded([*view, "--url", redis_url], 1 if view[0] == "job" else 0)
    assert not [name for name in modules if name.startswith(UI)]
    assert not {"keyring", "tomlkit", "shtab", "rich.console", "rich.text", "rich.table"} & modules


def test_the_command_line_itself_is_light() -> None:
    code = "import sys, sidekiq_tui.__main__, sidekiq_tui.cli.main; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(LIBRARIES) & set(ran.stdout.split())
