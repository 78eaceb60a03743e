"""The words that page, Markdown and terminal share: families, kinds, metrics, cautions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from bench.leaderboard.kinds import LIKELIHOOD
from bench.leaderboard.row import SUBMISSION, Row
from bench.registry import KINDS_OF_DATA, ROOT, entries, read_entry

if TYPE_CHECKING:
    from bench.leaderboard.ranks import Separation

KINDS = {kind: KINDS_OF_DATA[kind] for kind in ("large_image", "image", "2d", "table")} | {
    LIKELIHOOD: "Exact likelihood"
}  # in order
FAMILY_WORDS = {
    "statistical": ("Statistical", "closed forms and EM: exact p(x)"),
    "tractable": ("Tractable", "chain rule, one value after the other: exact p(x)"),
    "approximate": ("Approximate", "compress and restore: a bound on p(x)"),
    "implicit": ("Adversarial", "samples only: a generator against a discriminator"),
    "extension": ("Beyond", "repairs of GANs, and flow matching"),
    SUBMISSION: ("Submission", "a file of samples: training unknown"),
    "reference": ("Reference", "real data, copies of the training set, simple controls: no rank"),
}
BETTER = {"lower": ("↓", "lower is better"), "higher": ("↑", "higher is better"), "none": ("", "never ranked")}
REAL = "real data"  # what the oracle is called where there is no room for two words
INTERVALS = (
    "Intervals are 95 % ones, over training seeds and held-out rows. A rank “4 (2–6)” is fourth: one model is surely better, "
    "those from seventh on are surely worse; a range alone holds more than half of the models."
)
LACKS = {  # what a metric needs -> why a row has no value
    "log_prob": "no exact probability",
    "elbo": "no bound on the probability",
    "proba": "no class probabilities",
    "given": "no samples of a given class",
}
RESOURCES = {  # heading, and the line that explains it
    "train_examples_per_s": ("train/s", "Training examples a second, one cell at a time."),
    "sample_examples_per_s": ("samples/s", "Samples drawn a second, one cell at a time."),
    "train_seconds": ("train s", "Seconds of training, the median over seeds; other cells may have run beside."),
    "steps_to_quality": ("steps to target", "Training steps until the suite's target score."),
    "seconds_to_quality": ("s to target", "Seconds until the suite's target score."),
    "parameters": ("parameters", "Trained numbers."),
    "peak_rss_bytes": ("peak MiB", "Peak memory above that of an empty process, MiB."),
}


def family_title(family: str) -> str:
    """Return a family's word; a family that is not known is its own."""
    return FAMILY_WORDS.get(family, (family, ""))[0]


def arrow(column: Iterable[Row]) -> str:
    """Return the arrow of a column's good direction, empty where it has none."""
    better = {row.better for row in column}
    return BETTER.get(better.pop(), ("",))[0] if len(better) == 1 else ""


def metric_title(metric: str) -> str:
    """Return the line that explains a metric or resource, its feature space named."""
    if metric in RESOURCES:
        return RESOURCES[metric][1]
    known = entries("metric")
    title = known[metric].title if metric in known else ""
    return title.replace("features in the named space", "the named space").replace("the named space", _features(metric))


def is_other_fid(metric: str) -> bool:
    """Say whether a metric is a Frechet distance and not that of the papers, which a caution says in full."""
    return metric.startswith("fid_") and space_of(metric) not in ("", "inception")


def primary_title(primary: str) -> str:
    """Return the line that explains a board's metric; empty where a caution does."""
    return "" if is_other_fid(primary) else metric_title(primary)


def _features(metric: str) -> str:
    return f"the features of {space_words(metric)}" if space_of(metric) else "the named space"


def space_of(metric: str) -> str:
    """Return the feature space that a metric's name ends in; empty where it has none."""
    known = entries("metric")
    spaces = known[metric].constants.get("spaces", ()) if metric in known else ()
    return next((space for space in spaces if metric.endswith(f"_{space}")), "")


@cache
def space_words(metric: str) -> str:
    """Name the feature space of a metric: "random, a convolutional network with fixed random weights"."""
    space = space_of(metric)
    path = ROOT / "bench" / "features" / f"{space}.py"
    title = read_entry("space", path, "").title if path.is_file() else ""
    name, colon, rest = title.partition(": ")
    about = rest.partition(", a feature space")[0].partition(" (")[0].partition(";")[0].rstrip(".")
    return f"{space}, {about}" if colon and name == space else space


def cautions(primary: str, main: Sequence[Row]) -> list[str]:
    """Say what must be known to read a board: whose FID, why a distance is below 0, how sure an order."""
    from bench.leaderboard.ranks import SEEDS_FOR_AN_ORDER

    lines = []
    if is_other_fid(primary):
        lines.append(f"Frechet distance in {_features(primary)}; not comparable with the papers' FID (Inception).")
    known = entries("metric")
    unbiased = primary in known and known[primary].title.startswith("Unbiased")
    if unbiased and any((row.centre or 0) < 0 or (row.ci_low or 0) < 0 for row in main):
        lines.append("An unbiased estimate: 0 is perfect, and a little below 0 is noise.")
    seeds = [row.n_seeds for row in main if row.n_seeds]
    if not seeds or min(seeds) < SEEDS_FOR_AN_ORDER:
        lines.append("Order not established: rows of fewer than five seeds have no rank range.")
    if sentence := separated(main):
        lines.append(sentence)
    return lines


def separated(main: Sequence[Row]) -> str:
    """Say how many rows may be first and how many pairs differ, and where that is hardly any."""
    found = separation_of(main)
    if found.rows < 2:
        return ""
    samples = sorted({row.n_samples for row in main if row.n_samples})
    rows = f"{samples[0]:,} held-out rows" if len(samples) == 1 else "The held-out rows"
    if not found.pairs:
        return f"{rows} cannot separate these {found.rows} models: no two are surely different, and their order may be chance."
    counts = f"{found.may_be_first} of {found.rows} models may be first, {found.pairs} of {found.of} pairs are surely different."
    return f"{rows} hardly separate these models: {counts}" if 2 * found.may_be_first > found.rows else counts


def separation_of(main: Iterable[Row]) -> Separation:
    """Read from the rank ranges of a board's whole rows how far they can be told apart."""
    from bench.leaderboard.ranks import separation

    whole = [row for row in main if row.family != SUBMISSION and not row.n_failed and not row.reference]
    return separation([(r.rank_low, r.rank_high) for r in whole if r.rank_low is not None and r.rank_high is not None])


def lack_of(primary: str) -> str:
    """Say why rows of a board have no value of its primary metric: "no exact probability"."""
    known = entries("metric")
    needs = known[primary].constants.get("needs", ()) if primary in known else ()
    return next((LACKS[need] for need in needs if need in LACKS), "no value")


def one_sided(public: dict[str, Row], private: dict[str, Row]) -> bool:
    """Say whether the private board repeats the public one, since the metric never sees held-out rows."""
    pairs = [(row.centre, private[m].centre) for m, row in public.items() if m in private and not row.reference]
    same = sum(a == b for a, b in pairs if a is not None)
    return len(pairs) > 1 and same >= len(pairs) - 1
