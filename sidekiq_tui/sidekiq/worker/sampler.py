"""Looks at what a running job is doing, many times a second, and writes it as the Firefox Profiler reads it.

It sees one task and the thread that works for it, also while the task waits: a profile of wall time, like those that
Vernier makes of Ruby's jobs.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

from sidekiq_tui.sidekiq.client_payload import dumps

INTERVAL: Final = 0.001
"""Seconds between two looks at first."""
MOST_SAMPLES: Final = 40_000
"""So many are kept; before there are more, every other one is left out and looks become half as frequent."""
FORMAT: Final = 47
"""The version of the processed profile format that is written; the viewer reads older ones than its own."""
_MACHINERY: Final = f"{Path(__file__).parent}{os.sep}"
"""What stands below a job in every stack, and says nothing about it."""

Stack = tuple[tuple[CodeType, int], ...]
"""Code and line of each frame, outermost first."""


class Sampler:
    """Samples the job that runs in a coroutine, in a thread of its own, from `start` to `stop`."""

    def __init__(self, coroutine: Any) -> None:
        """`coroutine`: what the job's task runs."""
        self.samples: list[tuple[float, Stack]] = []
        """Seconds since the start, and the stack."""
        self.interval = INTERVAL
        self.started_at = 0.0
        """Unix seconds."""
        self.elapsed = 0.0
        self._coroutine = coroutine
        self._loop_thread = threading.get_ident()
        self._thread: int | None = None
        self._began = 0.0
        self._over = threading.Event()
        self._looking = threading.Thread(target=self._look_on, name="sidekiq profiler", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self.started_at, self._began = time.time(), time.monotonic()
        self._looking.start()

    def stop(self) -> None:
        """Looks no more."""
        self.elapsed = time.monotonic() - self._began
        self._over.set()
        self._looking.join()

    def entered(self, ident: int) -> None:
        """The job goes on in this thread; its task waits."""
        self._thread = ident

    def left(self) -> None:
        """The job goes on in its task."""
        self._thread = None

    def _look_on(self) -> None:
        while not self._over.wait(self.interval):
            at = time.monotonic() - self._began
            frames = self._frames()
            if frames:
                self.samples.append((at, _own([(frame.f_code, frame.f_lineno) for frame in frames])))
            if len(self.samples) >= MOST_SAMPLES:
                del self.samples[::2]
                self.interval *= 2

    def _frames(self) -> list[FrameType]:
        """Of the job, outermost first; empty if it cannot be told."""
        running = sys._current_frames()
        if self._thread is not None:
            return _outwards(running.get(self._thread))[::-1]
        chain: list[FrameType] = []
        one = self._coroutine
        while one is not None:
            frame = getattr(one, "cr_frame", None) or getattr(one, "gi_frame", None) or getattr(one, "ag_frame", None)
            if frame is None:
                break
            chain.append(frame)
            one = getattr(one, "cr_await", None) or getattr(one, "gi_yieldfrom", None) or getattr(one, "ag_await", None)
        stack = _outwards(running.get(self._loop_thread))
        if chain and chain[0] in stack:  # it runs just now: there may be plain functions on top of its coroutines
            return stack[: stack.index(chain[0]) + 1][::-1]
        return chain

    def profile(self, name: str) -> bytes:
        """JSON in the processed profile format; `name` is what the one thread is called."""
        tables = _Tables()
        stacks = [tables.stack(stack) for _, stack in self.samples]
        samples = {
            "length": len(stacks),
            "stack": stacks,
            "time": [round(at * 1000, 3) for at, _ in self.samples],
            "weight": None,
            "weightType": "samples",
        }
        thread = {
            "name": name,
            "isMainThread": True,
            "processType": "default",
            "processName": "sidekiq",
            "processStartupTime": 0,
            "processShutdownTime": None,
            "registerTime": 0,
            "unregisterTime": round(self.elapsed * 1000, 3),
            "pausedRanges": [],
            "pid": str(os.getpid()),
            "tid": threading.get_native_id(),
            "samples": samples,
            "markers": {key: [] for key in ("data", "name", "startTime", "endTime", "phase", "category")}
            | {"length": 0},
            **tables.written(),
        }
        return dumps({"meta": self._meta(), "libs": [], "threads": [thread], "counters": [], "pages": []})

    def _meta(self) -> dict[str, object]:
        categories = [{"name": "Python", "color": "blue", "subcategories": ["Other"]}]
        return {
            "version": 28,
            "preprocessedProfileVersion": FORMAT,
            "interval": self.interval * 1000,
            "startTime": self.started_at * 1000,
            "processType": 0,
            "product": f"Sidekiq, Python {sys.version_info.major}.{sys.version_info.minor}",
            "stackwalk": 1,
            "symbolicated": True,
            "categories": categories,
            "markerSchema": [],
        }


class _Tables:
    """Strings, functions, frames and stacks, each once, in columns."""

    def __init__(self) -> None:
        self._strings: dict[str, int] = {}
        self._functions: dict[CodeType, int] = {}
        self._frames: dict[tuple[int, int], int] = {}
        self._stacks: dict[tuple[int | None, int], int] = {}

    def stack(self, stack: Stack) -> int | None:
        """The number of a stack."""
        prefix: int | None = None
        for code, line in stack:
            function = self._functions.setdefault(code, len(self._functions))
            frame = self._frames.setdefault((function, line), len(self._frames))
            prefix = self._stacks.setdefault((prefix, frame), len(self._stacks))
        return prefix

    def written(self) -> dict[str, object]:
        """All tables."""
        functions, frames, stacks = list(self._functions), list(self._frames), list(self._stacks)
        names = [self._string(code.co_qualname) for code in functions]
        files = [self._string(code.co_filename) for code in functions]
        return {
            "stackTable": {
                "length": len(stacks),
                "frame": [frame for _, frame in stacks],
                "prefix": [prefix for prefix, _ in stacks],
                "category": [0] * len(stacks),
                "subcategory": [0] * len(stacks),
            },
            "frameTable": {
                "length": len(frames),
                "address": [-1] * len(frames),
                "inlineDepth": [0] * len(frames),
                "category": [0] * len(frames),
                "subcategory": [0] * len(frames),
                "func": [function for function, _ in frames],
                "line": [line for _, line in frames],
                **{
                    name: [None] * len(frames)
                    for name in ("nativeSymbol", "innerWindowID", "implementation", "column", "optimizations")
                },
            },
            "funcTable": {
                "length": len(functions),
                "name": names,
                "fileName": files,
                "lineNumber": [code.co_firstlineno for code in functions],
                "columnNumber": [None] * len(functions),
                "isJS": [False] * len(functions),
                "relevantForJS": [False] * len(functions),
                "resource": [-1] * len(functions),
            },
            "nativeSymbols": {"length": 0, "libIndex": [], "address": [], "name": [], "functionSize": []},
            "resourceTable": {"length": 0, "lib": [], "name": [], "host": [], "type": []},
            "stringArray": list(self._strings),
        }

    def _string(self, text: str) -> int:
        clean = text.encode("utf-8", "replace").decode()
        return self._strings.setdefault(clean, len(self._strings))


def _outwards(frame: FrameType | None) -> list[FrameType]:
    """A frame and all that called it."""
    frames = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def _own(stack: Sequence[tuple[CodeType, int]]) -> Stack:
    """The stack without what runs the job; with its last frame at least."""
    below = max((at for at, (code, _) in enumerate(stack) if code.co_filename.startswith(_MACHINERY)), default=-1)
    return tuple(stack[min(below + 1, len(stack) - 1) :])
