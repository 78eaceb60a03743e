"""Pages of hand-made records, and what a reader sees of them."""

from bench.records.store import Store
from bench.render import files
from tests.leaderboard.test_table import records_of


def a_page(folder, records):
    """Write the page of some records beside the pictures of a folder; return its address."""
    path = folder / "leaderboard.html"
    path.write_text(files.page(Store(folder), records), encoding="utf-8")
    return path.as_uri()


def few():
    """Three models of three families and the oracle: made before dcgan before kde."""
    families = {"kde": "statistical", "made": "tractable", "dcgan": "implicit"}
    records = records_of("oracle", [0.5] * 5, reference=True)
    for (name, family), value in zip(families.items(), (3.0, 1.0, 2.0)):
        those = records_of(name, [value, value + 0.1, value + 0.2, value, value], spread=0.1)
        for record in those:
            record["model"] |= {"family": family}
            record["curve"] = [{"step": s, "seconds": 0.1, "loss": 1.0 / s} for s in (1, 2, 3)]
        records += those
    return records


def ranked(page):
    """Return the names of a page's ranked rows that are seen, in their order."""
    return page.locator(".ranked tbody:not(.refs) tr:visible th bdi").all_text_contents()


def other_board(records, factor):
    """Multiply the private scores, so that the two boards differ."""
    for record in records:
        entry = record["metrics"]["private"]["fid_lenet"]
        blocks = [factor * block for block in entry["blocks"]]
        record["metrics"]["private"] = {"fid_lenet": entry | {"value": factor * entry["value"], "blocks": blocks}}
    return records
