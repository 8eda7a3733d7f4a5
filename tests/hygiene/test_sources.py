"""Rules that no linter knows: where keys are spelled, who prints, how long a file may be, what stays out."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "sidekiq_tui"


def _sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def _lines(pattern: str, paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]


def test_every_file_can_be_read_in_one_sitting() -> None:
    files = [*_sources(PACKAGE), *_sources(ROOT / "tests"), *_sources(ROOT / "benchmarks")]
    assert [path.name for path in files if len(path.read_text("utf-8").splitlines()) > 500] == []
    assert len(files) > 100


def test_keys_are_spelled_in_one_place() -> None:
    reads = r"""\(["'](GET|MGET|LLEN|LRANGE|LINDEX|ZCARD|ZCOUNT|Z(REV)?RANGE\w*|SMEMBERS|SSCAN|H\w+)["'], *["']"""
    assert _lines(reads, _sources(PACKAGE)) == []
    readers = [path for path in _sources(PACKAGE / "sidekiq") if path.name != "keys.py"]
    assert _lines(r"""["'](queue:|stat:)""", readers) == []


def test_only_the_guard_gives_leave_to_write() -> None:
    rest = [path for path in _sources(PACKAGE) if str(path.relative_to(PACKAGE)) != "operations/guard.py"]
    assert _lines(r"\bGrant\(|replace\(.*grant", rest) == []
    assert _lines(r"\bopen_for_(writing|asking)\(", [path for path in rest if path.parent.name != "servers"]) == []


def test_only_two_modules_print() -> None:
    # The demo's supervisor has no reader but its parent; the worker is a command of its own.
    printers = {"cli/output.py", "cli/diagnostics.py", "demo/supervisor.py", "sidekiq/worker/__main__.py"}
    rest = [path for path in _sources(PACKAGE) if str(path.relative_to(PACKAGE)) not in printers]
    assert _lines(r"\bprint\(|sys\.std(out|err)\.(buffer\.)?write", rest) == []


def test_nothing_is_left_to_do() -> None:
    words = "TO" + "DO|FIX" + "ME|XX" + "X"
    everything = [*_sources(PACKAGE), *_sources(ROOT / "tests"), *_sources(ROOT / "benchmarks")]
    assert _lines(words, everything) == []


def test_nothing_names_a_machine_or_a_registry() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    named = ["py" + "pi.org", "pytho" + "nhosted", "/ro" + "ot/", "/wo" + "rk/"]
    arguments = [part for name in named for part in ("-e", name)]
    found = subprocess.run(["git", "grep", "-nIF", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.stdout == ""


def test_the_readme_has_its_two_commands() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    commands = [line for line in text.splitlines() if line.startswith("python3 -m venv .venv && ")]
    assert len(commands) == 2
    assert commands[0].endswith("sqtui demo")
    assert "pytest" in commands[1]
