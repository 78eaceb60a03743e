"""What the tests of executors let a task do."""

import os
import signal
import subprocess
import sys
import time


def answer(*, value, context):
    """Give back what was given."""
    return value


def turn_round(*, context):
    """Hand over each input reversed, and a file that nobody asked for."""
    for name, raw in context.inputs.items():
        context.keep(name, raw[::-1])
    context.keep("unasked", b"x")
    return sorted(context.outputs)


def keep_and_die(*, how, context):
    """Hand over a file, then end without a word."""
    context.report("late", 1)
    context.keep("first", b"kept")
    if how == "exit":
        os._exit(3)
    os.kill(os.getpid(), getattr(signal, how))


def interval(*, seconds, context):
    """Return when this process worked."""
    start = time.monotonic()
    time.sleep(seconds)
    return [start, time.monotonic()]


def start_a_sleeper(*, context):
    """Leave a process of one's own behind, which holds the pipe open; returns its id."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False).pid
