"""A short part of the hostile inputs, and that the judge of their answers sees each fault it is there for."""

import pytest

from studies.hostile import Answer, attack, fault_of
from studies.hostile_inputs import DOORS, Case

CASE = Case("door", "name", ["show"])


@pytest.mark.slow
def test_a_hundred_hostile_inputs_meet_no_traceback_and_change_no_meaning():
    faults, codes = attack(15 * len(DOORS), seed=3)
    assert not faults
    assert sum(codes.values()) == 105 and {key.split()[0] for key in codes} == set(DOORS)
    assert any(key.endswith(" 0") for key in codes), "some are accepted, and judged by what was read"


@pytest.mark.parametrize(
    "case, answer, words",
    [
        (CASE, Answer(2, "", "Traceback (most recent call last):\n  ..."), "traceback"),
        (CASE, Answer(1, "", "bench: internal error: KeyError: 'x'"), "internal error"),
        (CASE, Answer(9, "", "bench: what"), "exit code 9"),
        (CASE, Answer(2, "", " \n"), "a refusal without a word"),
        (CASE, Answer(2, "", "bench: a\nb\nc\nd\n"), "a refusal of many lines"),
        (Case("door", "name", [], refused=True), Answer(0, "{}", ""), "accepted, and has no right reading"),
        (Case("door", "name", [], rows=9), Answer(0, '{"rows": {"train": 8}, "notes": {}}', ""), "8 rows of 9"),
        (Case("door", "name", [], values={"seeds": 1}), Answer(0, '{"seeds": 2}', ""), "seeds is 2, meant 1"),
    ],
)
def test_the_judge_sees_a_fault(case, answer, words):
    assert words in fault_of(case, answer)


def test_the_judge_passes_a_refusal_and_a_right_reading():
    assert fault_of(CASE, Answer(2, "", "bench: unknown model 'x'")) == ""
    right = Answer(0, '{"rows": {"train": 6, "valid": 2}, "notes": {"left out": "1 unreadable"}}', "")
    assert fault_of(Case("door", "name", [], rows=9), right) == "", "what is left out is said"
