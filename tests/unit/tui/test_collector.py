"""What the start has made is never looked at again; garbage made later is found when nobody waits."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc, weakref
from sidekiq_tui.tui import collector

class Ring:
    def __init__(self):
        self.own = self

collector.postpone()
assert not gc.isenabled()
collector.rest()
collector.settle()
assert gc.isenabled() and gc.get_freeze_count() > 1000 and gc.get_threshold()[0] == collector.BOUND

looks = []
gc.callbacks.append(lambda phase, info: looks.append(info["generation"]) if phase == "stop" else None)

def lose():
    rings = [Ring() for _ in range(10)]
    return [weakref.ref(one) for one in rings]

collector.between()
gone = lose()
kept = [[] for _ in range(collector.YOUNG)]
assert looks == [] and all(one() is not None for one in gone), looks
collector.between()
assert looks == [0] and all(one() is None for one in gone), looks

gone = lose()
kept = [[] for _ in range(collector.ENOUGH * collector.YOUNG)]
collector.rest()
assert looks[-1] == 2 and all(one() is None for one in gone), looks
"""


def test_garbage_is_looked_for_between_keys_and_when_nobody_types() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)
