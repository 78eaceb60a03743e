"""The cells of a search: the same but for the settings, scored by one metric on one board."""

import pytest

from bench.errors import UsageError
from bench.plan.request import Request
from bench.plan.trials import make_trials
from tests.models.toys import edit, toy


def trials(path, *settings, count=4, seed=0, dataset="iris", suite="core"):
    request = Request(suite=str(suite), models=(str(path),), datasets=(dataset,), seeds=1, settings=settings)
    return make_trials(request, count=count, seed=seed).cells


def test_trials_are_cells_of_one_seed_that_differ_in_their_settings_alone(tmp_path):
    cells = trials(toy(tmp_path), seed=7)
    assert [cell.row for cell in cells] == ["toy+trial-0", "toy+trial-1", "toy+trial-2", "toy+trial-3"]
    assert {cell.seed for cell in cells} == {7} and len({cell.key for cell in cells}) == 4
    first = cells[0].model["hparams"]
    assert first == {"width": 1.0, "copies": 3, "mode": "plain", "centre": 0.0}, "the model's defaults"
    assert len({cell.model["hparams"]["width"] for cell in cells}) == 4
    assert {cell.model["hparams"]["centre"] for cell in cells} == {0.0}, "it is not searched"


def test_trials_are_scored_by_the_primary_metric_of_the_public_board(tmp_path):
    cell = trials(toy(tmp_path))[0]
    assert cell.boards == ("public",) and cell.metrics.keys() == {"energy_distance"}


def test_what_is_set_by_hand_holds_for_every_trial_and_is_not_searched(tmp_path):
    cells = trials(toy(tmp_path), "width=0.5", "centre=2.0")
    assert {cell.model["hparams"]["width"] for cell in cells} == {0.5}
    assert {cell.model["hparams"]["centre"] for cell in cells} == {2.0}
    assert cells[0].model["search"].keys() == {"copies", "mode"}
    assert cells[0].model["fixed"] == {"width": 0.5, "centre": 2.0}


def test_the_first_trial_is_the_models_defaults_and_not_the_suites(tmp_path):
    suite = tmp_path / "mine.toml"
    suite.write_text("[set.kde.iris]\nwidth = 9.0\ncentre = 3.0\n")
    first = trials(toy(tmp_path, name="kde"), suite=suite)[0].model["hparams"]
    assert (first["width"], first["centre"]) == (1.0, 3.0), "a field that is not searched is the suite's"


def test_there_must_be_something_to_search(tmp_path):
    with pytest.raises(UsageError, match=r"toy declares nothing to tune; give its class .*search: ClassVar"):
        trials(toy(tmp_path, search="{}"))
    path = toy(tmp_path, search='{"width": (0.1, 1.0)}')
    with pytest.raises(UsageError, match="--set fixes all that toy declares to tune: width; leave one out"):
        trials(path, "width=0.5")


def test_a_model_that_the_board_cannot_score_is_refused(tmp_path):
    path = toy(tmp_path)
    edit(path, "def log_prob", "def other")
    message = r"toy cannot be tuned on digits_binary: .* ranked by nll, and the model has no log_prob\(\)"
    with pytest.raises(UsageError, match=message):
        trials(path, dataset="digits_binary")
    edit(path, "    def fit(", '    def supports(self, dataset):\n        return "no tables"\n\n    def fit(')
    with pytest.raises(UsageError, match="toy does not run on iris: no tables"):
        trials(path)
