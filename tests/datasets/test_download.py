"""Downloads from a server that truncates, stalls, corrupts, redirects and fails: no bad file is ever accepted."""

import gzip
import hashlib
import http.server
import threading
import time

import pytest

from bench import files
from bench.datasets import _download
from bench.errors import DataUnavailable

CONTENT = bytes(range(256)) * 400
PACKED = gzip.compress(CONTENT, mtime=0)


class Handler(http.server.BaseHTTPRequestHandler):
    counts: dict[str, int] = {}

    def do_GET(self):
        kind = self.path.split("/")[1]
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if kind == "redirect":
            self.send_response(302)
            self.send_header("Location", "/good/file.gz")
            return self.end_headers()
        if kind in ("404", "500"):
            return self.send_error(int(kind))
        if kind == "flaky" and self.counts[kind] < 3:
            return self.send_error(503)
        body = {
            "corrupt": PACKED[:-20] + bytes(20),
            "other": gzip.compress(b"x" * len(CONTENT)),
            "page": b"<html>",
        }.get(kind, PACKED)
        if kind == "oversized":
            body = gzip.compress(CONTENT * 2, mtime=0)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if kind == "truncated":
            return self.wfile.write(body[: len(body) // 2])
        if kind == "stalled":
            self.wfile.write(body[:10])
            self.wfile.flush()
            time.sleep(1.5)
            return None
        return self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("GENBENCH_DATA", raising=False)
    monkeypatch.setattr(_download, "TIMEOUT_S", 0.5)
    monkeypatch.setattr(_download.time, "sleep", lambda _: None)
    Handler.counts.clear()
    return tmp_path / "genbench" / "things"


def remote(server, *kinds):
    urls = tuple(f"{server}/{kind}/file.gz" for kind in kinds)
    return _download.RemoteFile("file.gz", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), urls)


def leftovers(cache):
    return sorted(p.name for p in cache.iterdir() if not p.name.endswith(".lock"))


@pytest.mark.parametrize(
    "kinds", [("good",), ("redirect",), ("404", "good"), ("truncated", "corrupt", "good"), ("flaky",)]
)
def test_the_right_content_arrives_in_the_end(server, cache, kinds):
    assert _download.read("things", remote(server, *kinds)) == CONTENT
    assert leftovers(cache) == ["file.gz"]


@pytest.mark.parametrize("kind", ["404", "500", "truncated", "corrupt", "other", "page", "oversized", "stalled"])
def test_nothing_wrong_is_ever_accepted_or_left(server, cache, kind):
    with pytest.raises(DataUnavailable, match=r"things is not here and could not be downloaded .*put file.gz into"):
        _download.read("things", remote(server, kind))
    assert leftovers(cache) == []
    assert Handler.counts[kind] == _download.RETRIES


def test_two_runs_fetch_once(server, cache):
    file, found = remote(server, "good"), []
    threads = [threading.Thread(target=lambda: found.append(_download.fetch("things", file))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert Handler.counts["good"] == 1


def test_files_are_looked_for_in_order(server, cache, tmp_path, monkeypatch):
    file = remote(server, "good")
    _download.fetch("things", file)
    assert _download.find("things", file) == cache / "file.gz"
    given = tmp_path / "given"
    given.mkdir()
    (given / "file").write_bytes(CONTENT)
    monkeypatch.setenv("GENBENCH_DATA", str(given))
    assert _download.find("things", file) == given / "file", "unpacked files will do"
    assert _download.read("things", file) == CONTENT


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (PACKED[:100], "is damaged"),
        (gzip.compress(CONTENT[:-1]), f"holds {len(CONTENT) - 1} bytes, expected {len(CONTENT)}"),
        (gzip.compress(CONTENT + b"x"), f"holds more than {len(CONTENT)} bytes"),
        (gzip.compress(b"x" * len(CONTENT)), "has SHA-256 .*expected"),
        (b"not gzip", "is damaged"),
    ],
)
def test_a_bad_file_on_disk_is_named(tmp_path, raw, message):
    path = tmp_path / "file.gz"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=message) as error:
        _download.content(path, remote("http://nowhere"))
    assert str(path) in str(error.value)


def test_to_look_at_what_is_here_downloads_nothing(server, cache):
    with files.without_downloads(), pytest.raises(DataUnavailable, match="run: bench data fetch things"):
        _download.read("things", remote(server, "good"))
    assert Handler.counts == {}
    assert _download.read("things", remote(server, "good")) == CONTENT


def test_an_archive_is_checked_as_it_is_published(server, cache):
    """Of a .tar.gz the size and the SHA-256 are the archive's own, and it is not unpacked on the way."""
    sha256 = hashlib.sha256(PACKED).hexdigest()
    file = _download.RemoteFile("things.tar.gz", len(PACKED), sha256, (f"{server}/good/things.tar.gz",))
    assert _download.read("things", file) == PACKED
    assert leftovers(cache) == ["things.tar.gz"]


def command(*arguments, home, check=0):
    import os
    import subprocess
    import sys

    environment = os.environ | {"XDG_CACHE_HOME": str(home), "GENBENCH_DATA": str(home / "given")}
    done = subprocess.run(
        [sys.executable, "-m", "bench.cli", "data", *arguments], capture_output=True, text=True, env=environment
    )
    assert done.returncode == check, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_the_command_lists_verifies_and_says_what_is_missing(tmp_path):
    (tmp_path / "given").mkdir()
    assert "missing; bench data fetch mnist" in command("list", "mnist", home=tmp_path)
    assert "run: bench data fetch mnist" in command("path", "mnist", home=tmp_path, check=7)
    (tmp_path / "given" / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"short"))
    said = command("verify", "mnist", home=tmp_path, check=7)
    assert "t10k-labels-idx1-ubyte.gz holds 5 bytes, expected 10008" in said
    said = command("list", "fashion", home=tmp_path, check=2)
    assert "did you mean 'fashion_mnist'" in said
