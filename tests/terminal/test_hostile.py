"""Names, labels, groups and errors that try to break out of the frame; the bytes that reach the terminal."""

from __future__ import annotations

import re
import sys

from tests.support.hostile import CONTROL_PATTERN, HOSTILE_TEXTS
from tests.support.terminal import Terminal, assert_restored

OWN_SEQUENCES = re.compile(r"\x1b\[[0-9;?<>=]*\$?[a-zA-Z]|\x1b\]22;(default|text|pointer)\x07")
"""What Textual sends to draw: cursor, colours, modes, the mouse pointer's shape. Nothing else."""

PROGRAM = """
import sys
from dataclasses import replace
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.tui import run
from tests.support.hostile import HOSTILE_TEXTS
base = Profile.from_url(sys.argv[1])
names = dict.fromkeys(text[:200] for text in HOSTILE_TEXTS)
profiles = [
    replace(base, name=name, label=name, group=name, namespace=name if index % 2 else "")
    for index, name in enumerate(names)
]
profiles.append(replace(base, name="gone" + HOSTILE_TEXTS[1], socket="/nowhere/" + HOSTILE_TEXTS[0]))
sys.exit(run.run(profiles))
"""

KEYS = ("1", "2", "gd", "5", "@", "\x1b", "?", "\x1b", "gq", "gv", "G", "\t", "\x10", "\x1b", "@gone\r", "gd", "0")


def test_no_byte_of_a_name_is_obeyed(redis_url: str) -> None:
    with Terminal([sys.executable, "-c", PROGRAM, redis_url], columns=120, rows=40) as terminal:
        terminal.wait_for(" Servers ")
        for keys in (
            "1",
            "2",
            "gd",
            "5",
            "@",
            "\x1b",
            "?",
            "\x1b",
            "gq",
            "gv",
            "G",
            "\t",
            "\x10",
            "\x1b",
            "@gone\r",
            "gd",
            "0",
        ):
            terminal.send(keys)
            terminal.wait_quiet(0.15)
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
        assert_restored(terminal)
    written = terminal.output.decode("utf-8")
    left = OWN_SEQUENCES.sub("", written).replace("\r", "").replace("\n", "")
    found = CONTROL_PATTERN.search(left)
    assert found is None, left[max(0, found.start() - 60) : found.end() + 60]
    for text in HOSTILE_TEXTS:
        if CONTROL_PATTERN.search(text):
            assert text not in written
