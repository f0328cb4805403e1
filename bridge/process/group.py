"""Programs by identity and process group: whether one still runs, and ending all that it started."""

from __future__ import annotations

import os
import signal
import time

# Times of creation are counted from the wall clock at boot, which time servers correct by fractions of a second.
_CLOCK_SLACK = 2.0
# Seconds a killed program gets to vanish; one that hangs in a driver never does.
_AFTER_KILL = 5.0


def alive(pid: int, created: float) -> bool:
    """Whether the program of this identity still runs; another one that got its number later does not count."""
    import psutil

    try:
        found = psutil.Process(pid)
        same = abs(found.create_time() - created) < _CLOCK_SLACK
        return bool(same and found.status() != psutil.STATUS_ZOMBIE)
    except (psutil.Error, ValueError):
        return False


def end_group(pid: int, created: float, grace: float = 5.0) -> bool:
    """End a program that a dead parent left behind, with all that it started; whether nothing of it is left.

    Also ends a group whose first program is gone; does nothing when the number belongs to a stranger by now.
    """
    if pid <= 1 or pid == os.getpgrp() or _stranger(pid, created):
        return True
    return end_members(pid, created, grace)


def created_at(pid: int) -> float:
    """When a running program was made, in seconds since 1970."""
    import psutil

    return float(psutil.Process(pid).create_time())


def _stranger(pid: int, created: float) -> bool:
    import psutil

    try:
        return abs(created_at(pid) - created) >= _CLOCK_SLACK
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def end_members(group: int, created: float, grace: float) -> bool:
    """SIGTERM to the whole group, after grace seconds SIGKILL; whether nothing of it is left."""
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, _AFTER_KILL)):
        signal_group(group, number)
        deadline = time.monotonic() + seconds
        while _has_members(group, created):
            if time.monotonic() >= deadline:
                break
            time.sleep(0.02)
        else:
            return True
    return False


def _has_members(group: int, created: float) -> bool:
    """Whether a running program is in the group; dead ones that nobody fetched (zombies) do not count."""
    import psutil

    try:
        os.killpg(group, 0)  # Cheap, and mostly the answer.
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    for found in psutil.process_iter():
        try:
            mine = os.getpgid(found.pid) == group and found.create_time() > created - _CLOCK_SLACK
            if mine and found.status() != psutil.STATUS_ZOMBIE:
                return True
        except (psutil.Error, OSError):
            continue
    return False


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to all of a group that is left."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return  # Gone, or only dead ones that nobody fetched (macOS).
