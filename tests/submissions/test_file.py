"""Files of samples from strangers: refused with every problem named, nothing executed, nothing large ever unpacked."""

import io
import json
import os
import resource
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bench.errors import InvalidSubmission
from bench.registry import load
from bench.submissions.file import check_archive, read_samples
from bench.submissions.values import Form, form_of

FORM = Form("things", (2, 3), least=4, most=100, low=0.0, high=1.0)
GOOD = np.linspace(0, 1, 4 * 6).reshape(4, 2, 3).astype(np.float32)


def written(path, name="samples", array=GOOD):
    np.savez_compressed(path, **{name: array})
    return path


def npy(header: str, data: bytes = b"", version: int = 1) -> bytes:
    text = header.encode("latin1")
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H", len(text)) + text + data


def archive(path, *members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in members:
            out.writestr(name, data)
    return path


@pytest.mark.parametrize("array", [GOOD, GOOD.astype(">f4"), GOOD.astype("f8"), np.asfortranarray(GOOD)])
def test_valid_files_are_read_right(tmp_path, array):
    found = read_samples(written(tmp_path / "x.npz", array=array), FORM)
    assert np.array_equal(found.x, GOOD) and found.x.dtype == np.float32 and found.x.flags.c_contiguous
    assert len(found.sha256) == 64


@pytest.mark.parametrize(
    ("array", "messages"),
    [
        (GOOD[:3], ["3 samples; expected 4 to 100"]),
        (GOOD[:3, :, :2], ["one sample has shape (2, 2); expected (2, 3)", "3 samples"]),
        (GOOD[:3] * 255, ["3 samples; expected 4 to 100", "values outside [0, 1]"]),
        (GOOD * 255, ["values outside [0, 1]", "bytes are divided by their largest code"]),
        (np.where(GOOD > 0.5, np.nan, GOOD), ["12 values are not finite: nan at [2, 0, 0]"]),
        (np.where(GOOD > 0.9, np.inf, GOOD - 1), ["not finite: inf", "values outside [0, 1]: -1 at [0, 0, 0]"]),
        (GOOD.astype(int), ["dtype '<i8'; expected float32"]),
        (GOOD.astype(complex), ["dtype '<c16'"]),
        (np.array([{}] * 4, dtype=object), ["dtype '|O'"]),
    ],
)
def test_every_problem_is_listed(tmp_path, array, messages):
    with pytest.raises(InvalidSubmission) as error:
        read_samples(written(tmp_path / "x.npz", array=array), FORM)
    for message in messages:
        assert message in str(error.value)


HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2, 3), }\n"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([], "it holds nothing; expected exactly one member 'samples.npy'"),
        ([("x.npy", b"")], "it holds 'x.npy'"),
        ([("samples.npy", b""), ("y.npy", b"")], "it holds 'samples.npy', 'y.npy'"),
        ([("../samples.npy", b"")], "it holds '../samples.npy'"),
        ([("samples.npy", b"no array")], "samples is no .npy: it starts with 6e 6f"),
        ([("samples.npy", npy(HEADER, bytes(95)))], "its header asks for 96 bytes of data, the archive holds 95"),
        ([("samples.npy", npy(HEADER, bytes(97)))], "the archive holds 97"),
        ([("samples.npy", npy(HEADER.replace("(4, 2, 3)", "(1099511627776, 2, 3)")))], "expected at most 1,000,000 rows"),
        ([("samples.npy", npy(HEADER.replace("(4, 2, 3)", "(-4, 2, 3)")))], "is not that of an .npy"),
        ([("samples.npy", npy(HEADER.replace("4, 2", "True, 2")))], "is not that of an .npy"),
        ([("samples.npy", npy("__import__('os').mkdir('executed')"))], "is not that of an .npy"),
        ([("samples.npy", npy("[" * 5000))], "is not that of an .npy"),
        ([("samples.npy", b"\x93NUMPY\2\0" + struct.pack("<I", 2**31))], "the header of samples has 2,147,483,648 bytes"),
        ([("samples.npy", npy(HEADER.replace("<f4", "<U9")))], "dtype '<U9'"),
        ([("samples.npy", npy(HEADER.replace("<f4", "(9,9)<f4")))], "expected float32"),
        ([("samples.npy", npy(HEADER.replace("'<f4'", "[('a', '<f4')]")))], "expected float32"),
        ([("samples.npy", b"\x93NUMPY\3\0" + struct.pack("<I", 64) + HEADER.encode())], "is no .npy: it starts with 93"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_hostile_archives_are_refused(tmp_path, monkeypatch, members, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidSubmission) as error:
        check_archive(archive(tmp_path / "x.npz", *members))
    assert message in str(error.value)
    assert not (tmp_path / "executed").exists()


def test_duplicates_links_and_encryption_are_refused(tmp_path):
    good = npy(HEADER, GOOD.tobytes())
    with pytest.warns(UserWarning, match="Duplicate"):
        archive(tmp_path / "x.npz", ("samples.npy", good), ("samples.npy", good))
    with pytest.raises(InvalidSubmission, match="exactly one member"):
        check_archive(tmp_path / "x.npz")
    link = zipfile.ZipInfo("samples.npy")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "y.npz", "w") as out:
        out.writestr(link, "/etc/passwd")
    with pytest.raises(InvalidSubmission, match="is a link"):
        check_archive(tmp_path / "y.npz")


@pytest.mark.parametrize("protocol", range(5))
@pytest.mark.parametrize("call", ["mkdir", "system", "remove", "exec"])
def test_pickle_payloads_are_never_executed(tmp_path, protocol, call):
    import pickle

    class Payload:
        def __reduce__(self):
            touch = f"open({str(tmp_path / 'executed')!r}, 'w')"
            return {
                "mkdir": (os.mkdir, (str(tmp_path / "executed"),)),
                "system": (os.system, (f"touch {tmp_path / 'executed'}",)),
                "remove": (os.remove, (str(tmp_path / "precious"),)),
                "exec": (exec, (touch,)),
            }[call]

    (tmp_path / "precious").write_text("kept")
    raw = pickle.dumps([Payload()], protocol=protocol)
    header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
    archive(tmp_path / "x.npz", ("samples.npy", npy(header, raw)))
    (tmp_path / "y.npz").write_bytes(raw)
    for name in ("x.npz", "y.npz"):
        with pytest.raises(InvalidSubmission):
            read_samples(tmp_path / name, FORM)
    assert (tmp_path / "precious").exists() and not (tmp_path / "executed").exists()


def test_a_bomb_costs_neither_time_nor_memory(tmp_path):
    """10 GB of zeros, packed into 10 MB: refused by its stated size; the check imports no torch."""
    path = tmp_path / "bomb.npz"
    block = bytes(1 << 24)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        with out.open(zipfile.ZipInfo("samples.npy"), "w", force_zip64=True) as member:
            member._compressor = zipfile.zlib.compressobj(1, zipfile.zlib.DEFLATED, -15)
            member._zinfo.compress_type = zipfile.ZIP_DEFLATED
            for _ in range(10 * 2**30 // len(block)):
                member.write(block)
    assert path.stat().st_size < 100 * 2**20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidSubmission, match="more than 2,147,483,648"):
        check_archive(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024
    code = "import sys, bench.submissions.file; assert not {'torch', 'pandas', 'sklearn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, 400), flips=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4))
def test_damaged_files_are_refused_or_read_and_never_crash(tmp_path, cut, flips):
    stream = io.BytesIO()
    np.savez(stream, samples=GOOD)
    raw = bytearray(stream.getvalue())
    for at, value in flips:
        raw[at % len(raw)] = value
    path = tmp_path / "x.npz"
    path.write_bytes(bytes(raw[: max(0, len(raw) - cut)] if cut else raw))
    try:
        assert read_samples(path, FORM).x.shape[1:] == (2, 3)
    except InvalidSubmission as error:
        assert "is not a valid submission" in str(error)


SHAPES = st.lists(st.integers(-1, 6) | st.sampled_from([2**40, 2**63]), max_size=4).map(tuple)
DESCRIPTIONS = st.sampled_from(
    ["<f4", ">f4", "<f8", "=f2", "|O", "<i8", "<M8[s]", "|V4", "", "f4", None, ("<f4", 2), [("a", "<f4")]]
)


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    descr=DESCRIPTIONS,
    shape=SHAPES | st.just((4, 2, 3)),
    fortran=st.booleans() | st.just(2),
    extra=st.integers(-3, 3),
    name=st.sampled_from(["samples.npy", "samples", "../samples.npy", "/samples.npy", "samples.npy\0", "x" * 300]),
    values=st.lists(st.floats(width=32) | st.sampled_from([0.0, 0.5, 1.0]), min_size=24, max_size=24),
)
@example("<f4", (4, 2, 3), False, 0, "samples.npy", [i / 24 for i in range(24)])
@example("<f4", (4, 2, 3), True, 0, "samples.npy", [i / 24 for i in range(24)])
def test_generated_archives_are_refused_or_read_right(tmp_path, descr, shape, fortran, extra, name, values):
    """Every header with every kind of data: what is read equals what numpy makes of it; the rest is refused in words."""
    data = np.array(values, "<f4").tobytes()
    data = data + bytes(extra) if extra >= 0 else data[:extra]
    header = repr({"descr": descr, "fortran_order": fortran, "shape": shape}) + "\n"
    path = archive(tmp_path / "x.npz", (name, npy(header, data)))
    try:
        found = read_samples(path, FORM).x
    except InvalidSubmission as error:
        assert "is not a valid submission" in str(error)
    else:
        assert name.partition("\0")[0] == "samples.npy" and shape == (4, 2, 3) and extra == 0
        expected = np.frombuffer(data, descr).reshape(shape, order="F" if fortran else "C")
        assert np.array_equal(found, expected.astype("f4"))


def test_the_command_scores_held_out_digits_and_names_a_copy(tmp_path):
    data = load("dataset", "digits")()
    form = form_of(data)
    assert form.shape == (1, 8, 8) and form.least == 399

    def run(array, *options, check=0):
        path = written(tmp_path / "x.npz", array=array)
        command = [sys.executable, "-m", "bench.cli", "score", str(path), "-d", "digits", *options]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == check, done.stdout + done.stderr
        return done

    held_out = json.loads(run(data.oracle(1200, board="public", seed=0).numpy(), "--json").stdout)
    copied = json.loads(run(data.train.x.numpy(), "--json").stdout)
    assert {"dataset", "metrics", "flags"} <= set(held_out)
    assert [flag.partition(":")[0] for flag in held_out["flags"]] == ["held-out rows"]
    assert any(flag.startswith("exact copies") for flag in copied["flags"])
    assert held_out["metrics"]["public"]["fid_lenet"]["value"] < 2
    assert "expected for digits: an .npz with one member" in run(data.train.x[:5].numpy(), check=6).stderr
