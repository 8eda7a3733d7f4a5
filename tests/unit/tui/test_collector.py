"""What the start has made is never looked at again; garbage made later is found when nobody types."""

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
assert gc.isenabled() and gc.get_freeze_count() > 1000 and gc.get_threshold()[0] == collector.YOUNG
for _ in range(collector.ENOUGH):
    kept = [[] for _ in range(2 * collector.YOUNG)]
rings = [Ring() for _ in range(10)]
gone = [weakref.ref(one) for one in rings]
del rings
assert all(one() is not None for one in gone)
collector.rest()
assert all(one() is None for one in gone)
"""


def test_garbage_is_looked_for_when_nobody_types() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)
