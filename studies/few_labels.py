"""`python -m studies.few_labels`: what a semi-supervised GAN gains over the same few labels alone, on digits.

For 20, 50, 100 and 200 labels of the 1,000 training rows, five subsets each (nested: a subset's 20 are among its 50): the accuracy on
the private board of improved_gan_semi, of its discriminator trained on the labelled rows alone (same build, noise, steps, schedule
and average), and of LDA on the same rows. At the default `--subsets` and `--steps` it writes docs/few-labels.md and, with the
subsets' rows, docs/few-labels.json.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing

from bench.leaderboard.welch import Difference
from studies._page import DOCS

LABELS = (20, 50, 100, 200)
SUBSETS = 5
STEPS = 1200


def supervised(model, x, y, generator):
    """Train model's discriminator on its labelled rows alone."""
    import torch

    from gan_models._blocks import draw_index, set_lr, update_average
    from gan_models.improved_gan_semi import supervised_loss

    labelled = model._labelled_rows(y)
    model._build(x[labelled], int(y.max()) + 1, model.label_seed, generator)
    moving = model._moving(model.discriminator_)
    adam = torch.optim.Adam(moving, lr=model.lr, betas=(model.beta1, 0.999), fused=True)
    for step in range(model.steps):
        set_lr(model.lr * min(1.0, 2 - 2 * step / model.steps), adam)
        rows = labelled[draw_index(len(labelled), model.batch, generator)]
        adam.zero_grad()
        supervised_loss(model.discriminator_(x[rows], generator)[0], y[rows]).backward()
        adam.step()
        update_average(model.average_, model.discriminator_, min(model.average_decay, (step + 1) / (step + 10)))
    return model


def accuracies(case: tuple[int, int, int]) -> dict[str, object]:
    """Measure the three accuracies for (number of labels, subset, steps), and name the rows of the subset."""
    import torch

    torch.set_num_threads(1)
    from bench.registry import load
    from gan_models.improved_gan_semi import label_subset

    n, subset, steps = case
    data, semi = load("dataset", "digits")(), load("model", "improved_gan_semi")
    x, y = data.train.x, data.train.y
    rows = label_subset(y, n, subset)
    fields = {"n_labels": n, "label_seed": subset, "steps": steps}
    models = {
        "improved_gan_semi": semi(**fields).fit(x, y, seed=subset),
        "supervised net": supervised(semi(**fields), x, y, torch.Generator().manual_seed(subset)),
        "lda": load("model", "lda")().fit(x[rows], y[rows], seed=subset),
    }
    accuracy = {
        name: float((model.predict_proba(data.test.x).argmax(dim=1) == data.test.y).double().mean())
        for name, model in models.items()
    }
    return {"labels": n, "subset": subset, "accuracy": accuracy, "rows": sorted(rows.tolist())}


def page(results: list[dict[str, object]]) -> str:
    """Write Markdown: means, standard errors, and the paired difference to the better of the other two."""
    lines = [
        "# Few labels",
        "",
        "Accuracy on the private board of `digits` (399 rows), mean ± standard error over five label subsets of the 1,000 training",
        f"rows, {STEPS} steps. The difference is paired over the subsets, to the better of the two supervised classifiers, with its",
        "one-sided t-test. Made by `python -m studies.few_labels`; every run and the rows of every subset are in",
        "[few-labels.json](few-labels.json).",
        "",
        "| labels | improved_gan_semi | supervised net | LDA | difference | p |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for n in LABELS:
        runs = [r["accuracy"] for r in results if r["labels"] == n]
        names = ("improved_gan_semi", "supervised net", "lda")
        columns = {name: [run[name] for run in runs] for name in names}
        best = max(names[1:], key=lambda name: sum(columns[name]))
        mean, error = _mean(  # paired: the same rows carry the labels
            [a - b for a, b in zip(columns["improved_gan_semi"], columns[best], strict=True)]
        )
        cells = [f"{m:.1%} ± {e:.1%}" for m, e in (_mean(columns[name]) for name in names)]
        p = Difference(mean, error, len(runs) - 1).p_above
        lines.append(f"| {n} | {' | '.join(cells)} | {mean:+.1%} ± {error:.1%} | {p:.1e} |")
    return "\n".join([*lines, ""])


def _mean(values: list[float]) -> tuple[float, float]:
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values))


def main(arguments: list[str] | None = None) -> None:
    """Run all of it, two processes at a time, print it, and write both files where nothing was shortened."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--subsets", type=int, default=SUBSETS, help="label subsets, 2 at least")
    parser.add_argument("--steps", type=int, default=STEPS, help="training steps")
    chosen = parser.parse_args(arguments)
    cases = [(n, subset, chosen.steps) for n in LABELS for subset in range(chosen.subsets)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = pool.map(accuracies, cases, chunksize=1)
    if (chosen.subsets, chosen.steps) == (SUBSETS, STEPS):
        (DOCS / "few-labels.json").write_text(json.dumps(results, sort_keys=True) + "\n", encoding="utf-8")
        (DOCS / "few-labels.md").write_text(page(results), encoding="utf-8")
    else:
        print(f"Shortened: {chosen.subsets} subsets, {chosen.steps} steps, whatever the words below say.\n")
    print(page(results))


if __name__ == "__main__":
    main()
