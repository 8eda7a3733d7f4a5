"""What the settings file says about operations."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidekiq_tui.operations.from_settings import kept_in, operation_settings
from sidekiq_tui.paths import state_folder
from sidekiq_tui.servers.keeping import Keeping, folder_of, read_keeping
from sidekiq_tui.servers.profile_store import load_profiles
from sidekiq_tui.servers.settings import Settings


def test_nothing_said_is_the_default() -> None:
    assert read_keeping({}) == (Keeping(), [])
    assert kept_in(Settings(), Path("/etc/sqtui.toml")) == state_folder()


def test_every_key() -> None:
    document = {
        "journal": {"payloads": "server-only", "max_size": 2, "folder": "kept"},
        "audit": {"command": "logger -t 'my tool'", "syslog": True, "key": "keyring", "max_size": 1},
    }
    keeping, wrong = read_keeping(document)
    assert wrong == []
    assert keeping == Keeping(
        payloads="server-only",
        journal_size=2 << 20,
        folder="kept",
        audit_command=("logger", "-t", "my tool"),
        audit_syslog=True,
        audit_keyring=True,
        audit_size=1 << 20,
    )
    assert folder_of(keeping, Path("/etc/sqtui.toml")) == Path("/etc/kept")


@pytest.mark.parametrize(
    ("table", "key", "value", "words"),
    [
        ("journal", "payloads", "all", "must be one of keep, server-only, none"),
        ("journal", "max_size", 0, "megabytes"),
        ("journal", "max_size", True, "megabytes"),
        ("journal", "folder", " ", "must be a folder"),
        ("journal", "foldr", "x", "no such key"),
        ("audit", "command", [], "a program"),
        ("audit", "command", "'x", "quotes"),
        ("audit", "command", ["x", 1], "a program"),
        ("audit", "syslog", "yes", "true or false"),
        ("audit", "key", "s3cret", "a key never stands in the file"),
    ],
)
def test_what_is_wrong_has_its_default_and_is_named(table: str, key: str, value: object, words: str) -> None:
    keeping, wrong = read_keeping({table: {key: value}})
    assert keeping == Keeping()
    assert [(one[0], one[1]) for one in wrong] == [(table, key)]
    assert words in wrong[0][2]
    assert "s3cret" not in wrong[0][2]
    assert read_keeping({table: 5})[1][0][2] == f"must be a table: [{table}]"


async def test_settings_of_operations(tmp_path: Path) -> None:
    file = tmp_path / "sqtui.toml"
    file.write_text('[journal]\npayloads = "none"\nmax_size = 1\n[audit]\nsyslog = true\ncommand = ["cat"]\n')
    file.chmod(0o600)
    stored = load_profiles(file)
    settings = await operation_settings(stored.settings)
    assert (settings.payloads, settings.journal_size, settings.audit_syslog) == ("none", 1 << 20, True)
    assert settings.audit_command == ("cat",)
    assert settings.audit_key is None
    assert settings.audit_size == 16 << 20


async def test_a_command_in_a_file_that_others_can_write_is_not_run(tmp_path: Path) -> None:
    file = tmp_path / "sqtui.toml"
    file.write_text('[audit]\ncommand = ["cat"]\n')
    file.chmod(0o666)
    stored = load_profiles(file)
    assert (await operation_settings(stored.settings)).audit_command == ()
    assert ["is not run" in problem.message for problem in stored.problems] == [True]
