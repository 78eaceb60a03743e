"""Tables that people have: near numbers, headers, row numbers, labels, missing values. What is assumed is said in notes."""

import csv

import numpy as np
import pytest

from bench.datasets.own import own_dataset
from bench.datasets.own.read import read_arrays
from bench.errors import UsageError

RANDOM = np.random.default_rng(3)
A, B = RANDOM.normal(size=(2, 300)).round(4)
COIN = RANDOM.choice(["u", "v"], 300)
SCORES = RANDOM.integers(1, 11, 300)


@pytest.fixture
def table(tmp_path):
    def write(header, rows, name="t.csv"):
        with (tmp_path / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
        return tmp_path / name

    return write


@pytest.fixture
def text(tmp_path):
    def write(content):
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refused(path, message, **choices):
    with pytest.raises(UsageError, match=message):
        read_arrays(path, **choices)


def column_of(cells):
    return zip(A, cells)


# near numbers


@pytest.mark.parametrize(
    ("odd", "shown"),
    [
        ("1,500", "'1,500'"), ("1.500,25", "'1.500,25'"), ("3,5", "'3,5'"), ("12 %", "'12 %'"), ("$3", r"'\$3'"), ("1 500", "'1 500'"),
        ("<0.5", "'<0.5'"), ("(12)", r"'\(12\)'"), ("1_000", "'1_000'"), ("\u0663", "'\u0663'"), ("tall", "'tall'"), ("2e", "'2e'"),
    ],
)  # fmt: skip
def test_a_value_that_is_nearly_a_number_stops_with_its_line_and_the_remedy(table, odd, shown):
    """It made the whole column text: eleven columns of 0 and 1, without a word."""
    cells = [odd if i == 7 else score for i, score in enumerate(SCORES)]
    refused(
        table(["p", "score"], column_of(cells)),
        rf"column 'score' holds numbers, but 1 of 300 values are written otherwise \(line 9: {shown}\); .*--text 'score'",
    )


@pytest.mark.parametrize("cell", ["{},500", "{} %", "€{}", "{},5"])
def test_a_column_of_near_numbers_alone_is_no_column_of_categories(table, cell):
    refused(table(["p", "money"], column_of(cell.format(s) for s in SCORES)), "300 of 300 values are written otherwise")


def test_text_makes_categories_of_any_column(table):
    path = table(["p", "code"], column_of(f"0{s}" for s in SCORES))
    assert read_arrays(path).columns == ("p", "code")
    assert "code has zeros before its numbers, which are lost" in read_arrays(path).notes["numbers"]
    spread = read_arrays(path, text=["code"])
    assert spread.x.shape == (300, 11) and spread.columns[1] == "code=01"
    refused(path, "--text 'Code': .*no column 'Code'; did you mean 'code'?", text=["Code"])


@pytest.mark.parametrize("kinds", ["2020-01-01 2020-02-01", "a b", "3rd 4th", "10-20 20-30", "v1.2.3 v1.2.4"])
def test_text_stays_text(table, kinds):
    found = read_arrays(table(["p", "t"], column_of(RANDOM.choice(kinds.split(), 300))))
    assert found.x.shape == (300, 3)
    assert found.notes["categories"] == "one column of 0 and 1 each: t (2)"


def test_blanks_make_no_category_and_capital_letters_are_said(table):
    cells = ["Pos" if i % 5 == 0 else "pos " if i % 3 else " pos" if i % 2 else "neg" for i in range(300)]
    found = read_arrays(table(["a", "label"], column_of(cells)))
    assert found.class_names == ("Pos", "neg", "pos")
    assert "label holds 'Pos' and 'pos' as different categories" in found.notes["labels"]


def test_true_and_false_are_one_column_and_said(table):
    found = read_arrays(table(["p", "old"], column_of("True" if c == "u" else "FALSE" for c in COIN)))
    assert np.array_equal(found.x[:, 1], COIN == "u")
    assert found.notes["flags"] == "true is 1, false is 0: old"


def test_integers_beyond_2_to_the_53_keep_their_differences(table):
    """float64 makes one value of 2^60 + 0 .. 49: accepted, with a deviation of 0."""
    steps = RANDOM.integers(0, 50, 300)
    found = read_arrays(table(["p", "big"], column_of(2**60 + s for s in steps.tolist())))
    assert np.array_equal(found.x[:, 1], steps - steps.min())
    assert (
        found.notes["numbers"]
        == f"big is counted from {2**60 + int(steps.min())}, its least value: integers beyond 2^53"
    )


# missing values


@pytest.mark.parametrize("mark", ["?", "NA", "n/a", "-", "", "NaN", ".", "NULL"])
def test_a_missing_number_is_refused_as_it_is_spelled_or_its_row_left_out(table, mark):
    cells = [mark if i in (7, 9) else score for i, score in enumerate(SCORES)]
    path = table(["p", "score"], column_of(cells))
    shown = f": {mark!r}" if mark else ""
    refused(path, rf"2 missing values \(line 9, column 'score'{shown.replace('?', '[?]')}; .*--missing drop")
    found = read_arrays(path, missing="drop")
    kept = [i for i in range(300) if i not in (7, 9)]
    assert np.array_equal(found.x, np.c_[A, SCORES][kept])
    spelled = f", spelled {mark!r}" if mark else ""
    assert found.notes["missing"] == f"2 of 300 rows are left out for a missing value in score{spelled}"
    refused(path, "2 missing values", missing="keep" if not mark else "")


def test_a_category_called_na_can_be_kept(table):
    path = table(["p", "country"], column_of(["NA", "DE", "FR"] * 100))
    refused(path, "100 missing values .*line 2, column 'country': 'NA'.*a category of 'country' by --missing keep")
    found = read_arrays(path, missing="keep")
    assert found.columns[1:] == ("country=DE", "country=FR", "country=NA")
    assert found.notes["missing"] == "kept as categories of country: 'NA' (100 times)"
    refused(path, "--missing must be drop or keep, got 'fill'", missing="fill")


def test_a_mark_among_categories_is_said(table):
    found = read_arrays(table(["p", "work"], column_of(RANDOM.choice(["office", "farm", "?"], 300))))
    assert found.notes["missing"].startswith("kept as categories of work: '?' (")


# the header and the lines


def test_row_numbers_without_a_name_are_left_out(table):
    """Noise sorted by class: with the row numbers as a feature, LDA's accuracy was 0.98."""
    labels = ["k0"] * 150 + ["k1"] * 150
    for name in ("", "Unnamed: 0", "id", "Index"):
        found = read_arrays(table([name, "p", "label"], zip(range(300), A, labels)))
        assert found.columns == ("p",) and "numbers the rows (give it another name" in found.notes["left out"]
    shuffled = read_arrays(table(["", "p", "label"], zip(RANDOM.permutation(300), A, labels)))
    assert shuffled.columns == ("p",)
    assert read_arrays(table(["day", "p", "label"], zip(range(300), A, labels))).columns == ("day", "p")
    refused(table(["", "p"], zip(COIN, A)), "column 1 has no name, and does not number the rows; name or remove it")
    assert (
        read_arrays(table(["p", ""], zip(A, [""] * 300))).notes["left out"]
        == "column 2, which has no name and no values"
    )
    refused(table(["id"], [[i] for i in range(300)]), "no column beside its row numbers")


@pytest.mark.parametrize(
    "rows",
    [zip(A, B, COIN), zip(SCORES, COIN), zip(A), zip(COIN, A), zip(COIN)],
)
def test_a_first_row_of_data_is_no_header(table, rows):
    first, *others = rows
    refused(table(first, others), "seems to have no header: its first row, .* Write names above it, for one c0")


@pytest.mark.parametrize(
    "names", [["0", "1"], ["country", "2019", "2020"], ["a", "b"], ["", "0", "1"], ["17", "18", "19"]]
)
def test_names_that_count_are_a_header(table, names):
    rows = zip(*[range(300) if not name else A if name != "country" else COIN for name in names])
    found = read_arrays(table(names, rows))
    assert len(found.x) == 300
    assert ("header" in found.notes) == names[-1].isdigit() * ("country" not in names)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n" + "1,2\n" * 27 + "\n\n1.5,\n" + "1,2\n" * 40, "line 31, column 'b'"),
        ('a,b\n"1\n",2\n"x\ny",\n' + "1,2\n" * 60, "line 4, column 'b'"),
        ("a,b\r\n" + "1,2\r\n" * 9 + "3\r\n" + "1,2\r\n" * 60, "line 11 has 1 values; expected 2"),
        ("a;b\n" + "1,5;2\n" * 60, "stand between semicolons; expected commas. .*sep=';'.*decimal"),
        ("a\tb\n" + "1\t2\n" * 60, "stand between tabs"),
        ("a,b\n" + "r1,1,2\n" * 60, "line 2 has 3 values; expected 2, as in the header; a column of row names needs a name too"),
        ("", "is empty; expected a .csv with a header"),
        ("\n\n  \n", "is empty"),
        ("a,b\n1,\"2\n" * 60, "the row that begins in line"),
        ("a,b\n1,2\n\xe9,1\n".encode("latin-1"), "line 3 is no UTF-8 text"),
        ("a,b\n1,2\n".encode("utf-16-le"), "line 1 holds a zero byte; save it as UTF-8"),
        ("a, a \n" + "1,2\n" * 60, "more than one column is called 'a'"),
    ],
)  # fmt: skip
def test_lines_are_counted_as_an_editor_counts_them(text, content, message):
    refused(text(content), message)


def test_a_long_field_and_a_byte_order_mark_are_read(table, text):
    assert csv.field_size_limit() == 131072
    path = table(["p", "t"], column_of("q" * 200_000 if i == 5 else "q" for i in range(300)))
    found = read_arrays(path)
    assert found.x.shape == (300, 3) and max(map(len, found.columns)) < 50
    assert csv.field_size_limit() == 131072
    assert read_arrays(text(b"\xef\xbb\xbfa,b\n" + b"1,2\n3,4\n" * 30)).columns == ("a", "b")


# labels


def test_measured_or_counted_numbers_called_y_are_a_feature_and_say_so(table):
    coordinates = read_arrays(table(["x", "y"], zip(A, B)))
    assert coordinates.y is None and coordinates.columns == ("x", "y")
    assert coordinates.notes["labels"] == "column 'y' is a feature: its numbers are not whole (--label 'y')"
    prices = read_arrays(table(["x", "Target"], zip(A, range(300))))
    assert "'Target' is a feature: it holds 300 different numbers in 300 rows" in prices.notes["labels"]
    counts = read_arrays(table(["x", "y"], zip(A, [9, 9, *SCORES[2:] % 3])))
    assert "'y' is a feature: 9 occurs 2 times only" in counts.notes["labels"]
    refused(table(["x", "y"], zip(A, B)), "is no class; expected whole numbers or names, or --label none", label="y")


def test_why_a_column_holds_the_labels_is_said_and_none_takes_it_back(table):
    path = table(["x", "class", "target"], zip(A, COIN, SCORES))
    found = read_arrays(path)
    assert found.class_names == ("u", "v") and found.columns == ("x", "target")
    assert found.notes["labels"].startswith(
        "column 'class', for its name (--label none makes it a feature); column 'target' is a feature"
    )
    without = read_arrays(path, label="none")
    assert without.y is None and without.columns == ("x", "class=u", "class=v", "target")
    assert without.notes["labels"] == "none, by --label none"
    refused(path, "no column 'Class'; did you mean 'class'[?]; columns: x, class, target", label="Class")
    refused(path, "no column 'clas'; did you mean 'class'[?]", label="clas")


def test_labels_with_leading_zeros_stay_apart_and_numbers_are_in_order(table):
    zeros = read_arrays(table(["x", "label"], zip(A, ["1", "01"] * 150)))
    assert zeros.class_names == ("01", "1")
    numbers = read_arrays(table(["x", "label"], zip(A, SCORES)))
    assert numbers.class_names == tuple(str(k) for k in range(1, 11))


def test_every_note_is_printed_by_show(table, capsys):
    from pathlib import Path

    from bench.cli.show import print_one

    path = table(["id", "p", "c", "kind", "label"], zip(range(300), A, [5] * 300, COIN, np.roll(COIN, 1)))
    print_one(str(path), Path("nowhere"))
    shown = capsys.readouterr().out
    notes = own_dataset(path).notes
    assert {"labels", "left out", "categories", "rows", "densities"} <= notes.keys()
    assert all(f"{key}: {value}" in shown for key, value in notes.items())


def test_a_cell_repeats_how_its_table_was_read(table):
    """The plan and the cell read the file in two processes; the cell's facts alone must give the same rows."""
    import json

    from bench.plan.facts import facts_of
    from bench.plan.request import Request
    from bench.run.prepare import READING

    path = table(["p", "code", "label"], zip(A, ["?", *SCORES[1:]], COIN))
    reading = Request(data=str(path), label="none", missing="drop", text=("label",)).reading
    facts = json.loads(json.dumps(facts_of(own_dataset(path, **reading), reading)["dataset"]))
    assert set(READING) == reading.keys()
    again = own_dataset(facts["path"], **{key: facts[key] for key in READING})
    assert again.sha256 == facts["sha256"] and again.shape == (4,)
    assert sum(map(len, (again.train, again.valid, again.test))) == 299
