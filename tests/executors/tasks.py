"""What the tests of executors let a task do."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def answer(*, value, context):
    """Give back what was given."""
    return value


def variable(*, name, context):
    """Return a variable of this process's environment."""
    return os.environ.get(name)


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


def hang(*, seconds, context):
    """Report, then do nothing for long."""
    context.report("hanging", 1)
    time.sleep(seconds)


def take_memory(*, mib, context):
    """Fill memory, a MiB at a time."""
    rows = []
    for _ in range(mib):
        rows.append(b"x" * (1 << 20))
        time.sleep(0.002)


def signal_an_ancestor(*, generations, name, mark, context):
    """Send a signal to the process so many generations up: 1 the fork server, 2 the Ray worker. Done once where mark is a new file."""
    Path(mark).touch()
    os.kill(ancestor(generations), getattr(signal, name))
    time.sleep(60)


def wait_on_a_node(*, mark, seconds, context):
    """Say which raylet this runs under, and wait; a second start ends at once."""
    if Path(mark).exists():
        return "again"
    Path(mark).write_text(str(ancestor(3)))
    time.sleep(seconds)
    return "first"


def ancestor(generations):
    """Return the process id so many generations up."""
    pid = os.getpid()
    for _ in range(generations):
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return pid
