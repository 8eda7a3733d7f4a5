"""The completion scripts, used as a shell uses them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

from tests.integration.cli.conftest import Sqtui

BASH = shutil.which("bash")
ASK = """
source "$1"; shift
complete -p sqtui >/dev/null || exit 9
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
eval "$(complete -p sqtui | sed -n 's/.*-F \\([^ ]*\\).*/\\1/p')" 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


class Complete(Protocol):
    """What bash would offer for the last of some words."""

    def __call__(self, *words: str) -> set[str]: ...


@pytest.fixture
def complete(tmp_path: Path, sqtui: Sqtui) -> Complete:
    """A bash that has loaded the script, and a file with servers of good and evil names."""
    script = tmp_path / "sqtui.bash"
    script.write_text(sqtui("completion", "bash").out)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    command = bin_folder / "sqtui"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m sidekiq_tui "$@"\n')
    command.chmod(0o755)
    config = tmp_path / "sqtui.toml"
    config.write_text(
        '[servers.prod]\nurl = "redis://a"\n[servers.prod-eu]\nurl = "redis://b"\n[servers.staging]\nurl = "redis://c"\n'
        f'[servers."$(touch {tmp_path}/pwned)"]\nurl = "redis://d"\n[servers."two words"]\nurl = "redis://e"\n'
    )

    def ask(*words: str) -> set[str]:
        environ = {**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}", "SQTUI_CONFIG": str(config)}
        argv = [str(BASH), "--norc", "-c", ASK, "bash", str(script), "sqtui", *words]
        ran = subprocess.run(argv, capture_output=True, text=True, env=environ, cwd=tmp_path, check=True)
        assert not (tmp_path / "pwned").exists()
        return set(ran.stdout.split("\n")) - {""}

    return ask


@pytest.mark.skipif(BASH is None, reason="no bash here")
def test_bash_completes_views_options_and_servers(complete: Complete) -> None:
    views = complete("")
    assert {"servers", "dashboard", "queues", "queue", "retries", "scheduled", "dead", "job", "workers"} <= views
    assert {"metrics", "check", "profile", "demo", "completion"} <= views
    assert "__complete" not in views
    assert complete("das") == {"dashboard"}
    assert complete("dashboard", "--serv") == {"--server"}
    assert complete("dashboard", "--server", "prod") == {"prod", "prod-eu"}
    assert complete("--server", "st") == {"staging"}
    assert complete("retries", "-o", "") == {"table", "json", "ndjson", "csv"}
    assert complete("completion", "f") == {"fish"}
    assert {"retry", "delete", "clear", "quiet", "undo", "audit"} <= views
    assert complete("delete", "re") == {"retries"}
    assert complete("clear", "--confirm", "prod-") == {"prod-eu"}
    assert complete("audit", "v") == {"verify"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh"])
def test_every_shell_has_a_script(sqtui: Sqtui, shell: str) -> None:
    ran = sqtui("completion", shell)
    assert ran.code == 0
    assert "sqtui" in ran.out
    assert "dashboard" in ran.out
    assert "sqtui __complete servers" in ran.out


@pytest.mark.parametrize("shell", ["zsh", "fish", "tcsh"])
def test_the_script_is_one_of_its_shell(sqtui: Sqtui, shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    script = tmp_path / "script"
    script.write_text(sqtui("completion", shell).out)
    subprocess.run([program, "-n", str(script)], check=True, capture_output=True)


def test_names_come_from_the_file_alone(sqtui: Sqtui, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQTUI_CONFIG", str(tmp_path / "none.toml"))
    assert sqtui("__complete", "servers").out == ""
    (tmp_path / "none.toml").write_text("not toml [")
    ran = sqtui("__complete", "servers")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    (tmp_path / "none.toml").write_text("servers = 3")
    assert sqtui("__complete", "servers").out == ""
