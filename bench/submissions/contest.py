"""Two sides ready for a comparison.

The space they are compared in, what it is fitted on, whether it may judge, and REAL in parts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch

from bench.datasets import Dataset, Split
from bench.datasets.own import own_name
from bench.datasets.own.folder import classes_of
from bench.errors import UsageError, unknown
from bench.features import Classifying, load_space, space_names
from bench.submissions.pair import Pair, Rows
from bench.submissions.sides import Side

FIT_ROWS = 2500  # that a space is fitted on, at most
MOST_EQUAL = 2000  # rows of each yardstick, at most
Part = tuple[Rows, slice]

CANNOT_SEE = {
    "pca": "pca is a linear view: it sees brightness, blur and lost variety, but no objects; numbers are not the papers' FID",
    "random": "random features see texture and its place, but no meaning; their numbers are not the papers' FID",
    "lenet": "lenet sees what tells the classes apart and nothing else: noise and blur within a class may go unseen",
    "inception": "inception sees what photographs of ImageNet's classes differ in; on grey or tiny images it is blind to much",
    "identity": "rows are compared number by number, standardised by REAL",
}


@dataclass(frozen=True)
class Contest:
    """The two sides, the space they are compared in, and REAL in three parts of one size."""

    dataset: Dataset
    space: str
    samples: Rows
    real: Rows

    @property
    def part(self) -> int:
        """Return the rows of each third of REAL that the yardsticks use."""
        return min(len(self.real) // 3, MOST_EQUAL)

    @property
    def equal(self) -> int:
        """Return how many rows of samples, real and copycat are compared alike."""
        return min(self.part, len(self.samples))

    def third(self, which: int, rows: int | None = None) -> Part:
        """Return the first rows of a third of REAL: 0 trains, 1 is fresh, 2 is held out."""
        start = which * self.part
        return self.real, slice(start, start + (rows or self.part))

    def whole(self, samples: slice = slice(None), real: slice = slice(None)) -> Pair:
        """Return samples against REAL as one side."""
        return Pair(self.dataset, (self.real, real), (self.samples, samples))

    def against_held_out(self, rows: Part) -> Pair:
        """Return rows against the held-out third, where copies of the training third can be told."""
        return Pair(self.dataset, self.third(2), rows, train=self.third(0))

    def for_copies(self, samples: slice) -> Pair:
        """Return samples against the held-out third, where copies of all other rows can be told."""
        return Pair(self.dataset, self.third(2), (self.samples, samples), train=(self.real, slice(2 * self.part)))

    def share_of_exact_rows(self) -> float:
        """Return the share of samples that equal a real row bit for bit, in [0, 1]."""
        known = {row.tobytes() for row in np.ascontiguousarray(self.real.side.codes)}
        return float(np.mean([row.tobytes() in known for row in np.ascontiguousarray(self.samples.side.codes)]))


def contest_of(samples: Side, real: Side, space: str | None) -> Contest:
    """Choose and fit the space; UsageError where it does not suit the data.

    Or its classifier is no judge of them.
    """
    ours, theirs = Rows(samples), Rows(real)
    if samples.is_table:
        if space not in (None, "identity"):
            raise UsageError(f"--space {space} is for images; these are rows of numbers, compared as they are")
        space = "identity"
    space = space or ("random" if "random" in space_names() else "pca")
    if space not in space_names():
        raise unknown("feature space", space, space_names())
    contest = Contest(_dataset(theirs, space), space, ours, theirs)
    if space == "lenet":
        _check_judge(contest)
    return contest


def _dataset(real: Rows, space: str) -> Dataset:
    """Return REAL as a dataset that a space can be fitted on.

    Its name holds the rows' hash, by which spaces are kept.
    """
    fit = real.x[: FIT_ROWS if space != "lenet" else len(real)]
    digest = hashlib.sha256(np.ascontiguousarray(real.side.codes).tobytes()).hexdigest()[:12]
    labels = _labels(real) if space == "lenet" else None
    held_out = len(real) // 5 if labels is not None else 0
    names = sorted(set(classes_of(real.side.listing))) if labels is not None and real.side.listing else []
    parts = [
        Split(fit[rows], None if labels is None else labels[rows])
        for rows in (slice(held_out, None), slice(held_out or len(fit)))
    ]
    return Dataset(
        name=f"{own_name(real.side.path)}-{digest}",
        kind="table" if real.side.is_table else "large_image",
        train=parts[0],
        valid=parts[1],
        test=parts[1],
        primary=f"fid_{space}",
        spaces=(space,),
        levels=None if real.side.is_table else 256,
        n_classes=len(names),
        class_names=tuple(names),
        own_path=str(real.side.path),
    )


def _labels(real: Rows) -> torch.Tensor:
    """Return the classes of a folder's images, (N,); UsageError where there are none."""
    side = real.side
    classes = classes_of(side.listing) if side.listing is not None else []
    names = sorted(set(classes))
    if len(names) < 2 or side.decoded is None:
        raise UsageError(f"--space lenet needs classes: {side.name} has no subfolders for them; take --space pca")
    kept = [names.index(name) for i, name in enumerate(classes) if i not in side.decoded.unfit]
    return torch.tensor(kept)[torch.from_numpy(real.order)]


def _check_judge(contest: Contest) -> None:
    """Raise UsageError where the space's classifier is no judge of REAL's own held-out images."""
    accuracy, bar = judge(contest)
    if accuracy < bar:
        raise UsageError(
            f"--space lenet: its classifier is right on {accuracy:.0%} of {len(contest.dataset.test)} held-out images of"
            f" {contest.real.side.name}; it judges from {bar:.0%} on, halfway from the largest class's share to all; take --space pca"
        )


def judge(contest: Contest) -> tuple[float, float]:
    """Return the share of REAL's held-out images whose class the lenet sees, and the bar."""
    space, held_out = load_space("lenet", contest.dataset), contest.dataset.test
    assert isinstance(space, Classifying), "lenet is a classifier"
    with torch.no_grad():
        predicted = space.logits_of(space(held_out.x))[:, 0].argmax(dim=1)
    largest = float(torch.bincount(held_out.labels).max()) / len(held_out)
    return float((predicted == held_out.labels).double().mean()), largest + (1 - largest) / 2


def notes_of(contest: Contest) -> dict[str, str]:
    """Say what was read, how it is compared, and what the space cannot see."""
    sides = {"samples": contest.samples.side, "real": contest.real.side}
    notes = {f"{who}, {what}": words for who, side in sides.items() for what, words in side.notes.items()}
    if not contest.real.side.is_table:
        x = contest.real.x
        notes["compared as"] = f"{'grey' if x.shape[1] == 1 else 'colour'} {x.shape[3]}x{x.shape[2]}"
    if contest.space == "lenet":
        accuracy, bar = judge(contest)
        notes["judge"] = (
            f"its classifier is right on {accuracy:.0%} of {len(contest.dataset.test)} held-out images (bar {bar:.0%})"
        )
    if contest.space == "inception":
        notes["features"] = "of images in the size they are stored in, resized to 299x299 by pytorch-fid's rule"
    else:
        notes["fitted on"] = f"{len(contest.dataset.train):,} of {len(contest.real):,} rows of real"
    if not contest.real.side.is_table:
        notes["c2st_auc"] = f"on features of {contest.space}, not on pixels"
    return notes | {"this space": CANNOT_SEE.get(contest.space, "a third party's space")}
