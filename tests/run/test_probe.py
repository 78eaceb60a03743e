"""Time to quality: the first look that reaches the target, seconds of training alone."""

from dataclasses import dataclass

import pytest
import torch

from bench.leaderboard import table
from bench.run import training
from bench.run.quality import to_quality
from bench.run.training import Training, train
from tests.leaderboard.test_table import records_of
from tests.records.test_store import a_cell


def trained(*looks, steps=100, seconds=10.0):
    done = Training(steps=steps, seconds=seconds)
    for step, value, at in looks:
        done.probes.append((step, value))
        done.probe_seconds.append(at)
    return done


LOOKS = ((10, 9.0, 1.0), (20, 5.0, 2.0), (30, 6.0, 3.0))


@pytest.mark.parametrize(
    ("target", "final", "steps", "seconds"),
    [
        (5.0, 4.0, 20, 2.0),  # equal is enough
        (8.0, 9.9, 20, 2.0),  # the first one counts, whatever comes later
        (4.5, 4.0, 100, 10.0),  # the board's own score is the last look
        (3.0, 4.0, None, None),
        (3.0, float("nan"), None, None),
    ],
)
def test_the_first_look_at_the_target_counts(target, final, steps, seconds):
    found = to_quality(a_cell(target=target), trained(*LOOKS), final)
    assert found == {"target": target, "steps": steps, "seconds": seconds}


def test_higher_is_better_where_the_metric_says_so():
    cell = a_cell(target=0.9, dataset={"id": "iris", "sha256": "d", "primary": "accuracy", "kind": "table"})
    assert to_quality(cell, trained((10, 0.5, 1.0), (20, 0.95, 2.0)), 0.99)["steps"] == 20


def test_no_target_or_no_score_is_no_time():
    assert to_quality(a_cell(), trained(*LOOKS), 1.0) is None
    assert to_quality(a_cell(target=1.0), trained(), None) is None


def test_the_looks_own_time_never_counts(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(training.time, "monotonic", lambda: now[0])

    @dataclass
    class Model:
        steps: int = 10

        def fit_steps(self, x, y=None, *, seed):
            for _ in range(self.steps):
                now[0] += 1.0
                yield {"examples": 1}

    def probe(model):
        now[0] += 1000.0
        return 10.0 - now[0] // 1000

    done = train(Model(), torch.ones(3, 2), None, seed=0, steps=10, probe=probe, n_probes=5)
    assert done.probe_seconds == [2.0, 4.0, 6.0, 8.0] and done.seconds == 10.0
    assert to_quality(a_cell(target=7.0), done, 0.0) == {"target": 7.0, "steps": 6, "seconds": 6.0}


def test_the_board_shows_the_median_seed_and_a_seed_that_never_got_there_counts():
    records = records_of("a", [1.0, 1.1, 1.2])
    for record, steps in zip(records, (300, 100, None)):
        record["training"]["to_quality"] = {"target": 2.0, "steps": steps, "seconds": steps and steps / 10}
    frame = table.tidy(records)
    row = frame[frame.metric == "steps_to_quality"].iloc[0]
    assert (row.centre, row.n_seeds, row.better) == (300, 2, "none")
    assert frame[frame.metric == "seconds_to_quality"].iloc[0].centre == 30.0
    diverged = records[2] | {"seed": 3, "status": "diverged", "training": {"to_quality": None}}
    row = table.tidy([*records, diverged]).query("metric == 'steps_to_quality'")
    assert row.empty, "two of four got there: the later of the two middle seeds did not"
    records[0]["training"]["to_quality"]["steps"] = None
    assert "steps_to_quality" not in set(table.tidy(records).metric), "most seeds never got there"
