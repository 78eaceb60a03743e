"""Files that this program writes and reads: never half there, strict JSON, a cache that no disk can break."""

import pytest

from bench.files import cached, encode_json, read_json


@pytest.mark.parametrize("raw", [b"NaN", b'{"a": [Infinity]}', b"-Infinity", b"[" * 100_000, b"1" * 9_000, b"\x00\xff"])
def test_what_is_no_strict_json_is_a_value_error(raw):
    with pytest.raises(ValueError):
        read_json(raw)


def test_a_text_of_too_many_bytes_is_not_parsed():
    assert read_json(b"[1]", most_bytes=3) == [1]
    with pytest.raises(ValueError, match="4 bytes, expected at most 3"):
        read_json(b"[12]", most_bytes=3)


def test_what_json_cannot_hold_is_null_and_the_same_value_has_the_same_bytes():
    value = {"b": (float("nan"), 1), "a": {"x": float("-inf"), "y": True}}
    assert read_json(encode_json(value)) == {"a": {"x": None, "y": True}, "b": [None, 1]}
    assert encode_json({"b": 1, "a": [1.5]}, indent=None) == b'{"a":[1.5],"b":1}\n'
    assert encode_json({"b": 1, "a": []}) == b'{\n "a": [],\n "b": 1\n}\n'


def test_a_cached_value_is_made_once_and_anew_where_it_is_damaged(tmp_path):
    made = []

    def make():
        made.append(1)
        return b"value"

    for _ in range(2):
        assert cached(tmp_path / "new", "name", make) == b"value"
    assert len(made) == 1
    (tmp_path / "new" / "name").write_bytes(b"val")
    assert cached(tmp_path / "new", "name", make, whole=lambda raw: len(raw) == 5) == b"value"
    assert (tmp_path / "new" / "name").read_bytes() == b"value"
    assert cached(tmp_path, "quick", make, worth_seconds=60) == b"value"
    assert not (tmp_path / "quick").exists()


def test_a_folder_that_cannot_be_written_costs_no_result(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert cached(tmp_path / "file", "name", lambda: b"value") == b"value"
