"""Writing the settings file: comments survive, nothing unreadable is written, and never half a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sidekiq_tui.errors import ConfigError, UsageError
from sidekiq_tui.servers.profile_edit import add_profile, change_profile, remove_profile, replace_file
from sidekiq_tui.servers.profile_store import load_profiles

COMMENTED = """# mine
[servers.a]   # first
url = 'redis://h'   # kept as quoted

# second
[servers.b]
host = "h"
tls = { verify = "ca" }
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "settings" / "config.toml"
    file.parent.mkdir()
    file.write_text(COMMENTED)
    return file


def test_a_device_or_pipe_is_not_replaced(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        with pytest.raises(OSError, match="it is no regular file"):
            replace_file(path, b"x")
    assert pipe.is_fifo()


def test_a_new_file_is_ours_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "config.toml"
    add_profile(file, "prod eu", {"url": "redis://h", "poll_interval": 3.0, "favorite": True})
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    (profile,) = load_profiles(file).profiles
    assert (profile.name, profile.poll_interval, profile.favorite) == ("prod eu", 3.0, True)


def test_comments_quotes_mode_and_order_survive(config: Path) -> None:
    config.chmod(0o640)
    add_profile(config, "c", {"host": "h", "tls.verify": "none", "tls.ca_file": "x"})
    change_profile(config, "b", {"label": "staging", "tls.verify": "full"})
    text = config.read_text()
    assert text.startswith(
        "# mine\n[servers.a]   # first\nurl = 'redis://h'   # kept as quoted\n\n# second\n[servers.b]\n"
    )
    assert config.stat().st_mode & 0o777 == 0o640
    found = {profile.name: profile for profile in load_profiles(config).profiles}
    assert list(found) == ["a", "b", "c"]
    assert found["b"].label == "staging"
    assert found["b"].tls is not None
    assert found["b"].tls.verify == "full"
    assert found["c"].insecure
    change_profile(config, "b", {}, ["label", "tls"])
    remove_profile(config, "a")
    assert next((p.name, p.label, p.tls) for p in load_profiles(config).profiles) == ("b", None, None)
    assert "# mine" in config.read_text()


@pytest.mark.parametrize(
    ("name", "values", "removed"),
    [
        ("a", {"access": "all"}, ()),
        ("a", {"nonsense": 1}, ()),
        ("a", {"poll_interval": -1}, ()),
        ("a", {"url": "redis://:pw@h"}, ()),
        ("a", {}, ("url",)),
        ("a", {}, ("port",)),
        ("zz", {"label": "x"}, ()),
    ],
)
def test_nothing_wrong_is_written(
    config: Path, name: str, values: dict[str, str | int], removed: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError):
        change_profile(config, name, values, removed)
    assert config.read_text() == COMMENTED
    assert os.listdir(config.parent) == ["config.toml"]


def test_an_existing_name_is_not_added_and_an_unknown_one_not_removed(config: Path) -> None:
    with pytest.raises(UsageError, match="already"):
        add_profile(config, "a", {"host": "h"})
    with pytest.raises(UsageError, match="no server"):
        remove_profile(config, "c")
    assert config.read_text() == COMMENTED


def test_a_broken_file_is_not_touched(config: Path) -> None:
    config.write_text("[servers.a\n")
    with pytest.raises(ConfigError):
        add_profile(config, "x", {"host": "h"})
    assert config.read_text() == "[servers.a\n"


def test_another_servers_problem_does_not_stand_in_the_way(config: Path) -> None:
    config.write_text(COMMENTED + "[servers.broken]\nhots = 1\n")
    change_profile(config, "a", {"label": "x"})
    assert 'label = "x"' in config.read_text()


def test_a_link_is_followed_once_and_stays(config: Path, tmp_path: Path) -> None:
    link = tmp_path / "linked" / "config.toml"
    link.parent.mkdir()
    link.symlink_to(config)
    change_profile(link, "a", {"label": "x"})
    assert link.is_symlink()
    assert 'label = "x"' in config.read_text()
    assert os.listdir(link.parent) == ["config.toml"]


def test_a_failed_write_leaves_the_old_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(ConfigError, match="No space left"):
        change_profile(config, "a", {"label": "x"})
    assert config.read_text() == COMMENTED
    assert os.listdir(config.parent) == ["config.toml"]
