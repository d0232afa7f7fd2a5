"""Downloading, from a server on this machine: whole, checked, or one line and nothing left."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sdfshape.batch import download
from sdfshape.batch.download import fetch_modelnet10, modelnet_root
from sdfshape.errors import InputError, OutputError
from sdfshape.io.modelnet import MODELNET10_CLASSES


def archive_bytes(path: Path, left_out: str = "") -> bytes:
    with zipfile.ZipFile(path, "w") as archive:
        for kind in MODELNET10_CLASSES:
            for split in ("train", "test"):
                if f"{kind}/{split}" != left_out:
                    archive.writestr(f"ModelNet10/{kind}/{split}/{kind}_0001.off", "OFF\n0 0 0\n")
                archive.writestr(f"ModelNet10/{kind}/{split}/{kind}_0002.off", "OFF\n0 0 0\n")
    return path.read_bytes()


@pytest.fixture
def served(tmp_path, monkeypatch) -> Iterator[tuple[str, dict[str, bytes]]]:
    pages: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = pages.get(self.path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content) + (99 if self.path == "/short" else 0)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setattr(download, "SHAPES", {"train": 20, "test": 20})
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}", pages
        server.shutdown()


def test_it_is_fetched_checked_and_unpacked(tmp_path, served):
    url, pages = served
    pages["/good"] = archive_bytes(tmp_path / "made.zip")
    seen: list[tuple[int, int]] = []
    digest = hashlib.sha256(pages["/good"]).hexdigest()
    got = fetch_modelnet10(tmp_path / "m", url=f"{url}/good", sha256=digest.upper(), progress=lambda *at: seen.append(at))
    assert got == digest and seen[-1] == (len(pages["/good"]),) * 2
    assert (modelnet_root(tmp_path / "m") / "chair/test/chair_0001.off").is_file() and not (tmp_path / "m.zip").exists()
    with pytest.raises(OutputError, match="must not exist yet"):
        fetch_modelnet10(tmp_path / "m", url=f"{url}/good")


def test_what_is_wrong_is_said_in_one_line(tmp_path, served):
    url, pages = served
    pages["/good"] = archive_bytes(tmp_path / "made.zip")
    pages["/less"] = archive_bytes(tmp_path / "less.zip", left_out="chair/test")
    pages["/short"], pages["/html"] = pages["/good"], b"<html>moved</html>"
    cases = [("/good", "f" * 64, "must have the SHA-256 ffff"), ("/less", None, "must have 20 shapes to test, the archive has 19")]
    cases += [
        ("/short", None, "bytes were promised"),
        ("/html", None, "must be a whole zip file"),
        ("/gone", None, "answers 404 Not Found"),
    ]
    for number, (page, digest, law) in enumerate(cases):
        with pytest.raises(InputError, match=law):
            fetch_modelnet10(tmp_path / f"m{number}", url=url + page, sha256=digest)
        assert not (tmp_path / f"m{number}").exists() and not list(tmp_path.glob(".sdfshape-*"))
    for address in ("http://127.0.0.1:9/none", "nonsense", "http://host/a b"):
        with pytest.raises(InputError, match="there must be a way to this address, there is none"):
            fetch_modelnet10(tmp_path / "m", url=address)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="cannot be written"):
        fetch_modelnet10(tmp_path / "file/m", url=f"{url}/good")


def test_an_archive_of_the_users_own_stays(tmp_path, served):
    url, pages = served
    pages["/good"] = archive_bytes(tmp_path / "made.zip")
    (tmp_path / "m.zip").write_text("fetched by hand")
    fetch_modelnet10(tmp_path / "m", url=f"{url}/good")
    assert (tmp_path / "m.zip").read_text() == "fetched by hand"
