"""Files that a person asks for: where they go, what they are called, and that no other file is lost for them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sidekiq_tui.tui import saving
from tests.support.hostile import HOSTILE_TEXTS


@pytest.mark.parametrize("text", [*HOSTILE_TEXTS, "../../etc/passwd", "-rf", ".hidden", "a/b", "", "x" * 5_000])
def test_any_value_makes_a_plain_name(text: str) -> None:
    name = saving.file_name(text, "jid", suffix=".json.gz")
    assert name.isascii()
    assert "/" not in name
    assert name[0] not in ".-"
    assert name.endswith(".json.gz")
    assert len(name) < 100


def test_no_value_makes_a_name_too() -> None:
    assert saving.file_name(None, "\x00", suffix=".json") == "profile.json"


def test_a_folder_means_a_file_in_it(tmp_path: Path, own_machine: Path) -> None:
    assert saving.target(str(tmp_path), "a.gz") == tmp_path / "a.gz"
    assert saving.target(f"{tmp_path}/new/", "a.gz") == tmp_path / "new" / "a.gz"
    assert saving.target("~/b.gz", "a.gz") == own_machine / "b.gz"
    assert saving.target("b.gz", "a.gz") == Path("b.gz")


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    saving.save(path, b"data")
    assert path.read_bytes() == b"data"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        saving.save(path, b"data")
    assert path.read_bytes() == b"precious"
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        saving.save(link, b"data")
    saving.save(path, b"data", overwrite=True)
    assert path.read_bytes() == b"data"
    assert sorted(one.name for one in tmp_path.iterdir() if one.is_file()) == ["a.gz"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_half_a_file_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool) -> None:
    path = tmp_path / "a.gz"
    if overwrite:
        path.write_bytes(b"precious")

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as caught:
        saving.save(path, b"data", overwrite=overwrite)
    assert saving.why(caught.value) == "No space left on device"
    assert [one.read_bytes() for one in tmp_path.iterdir() if one.is_file()] == ([b"precious"] if overwrite else [])
