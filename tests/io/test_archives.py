"""Archives of others: tricks are refused before a byte is written, and a folder appears whole or not at all."""

from __future__ import annotations

import stat
import warnings
import zipfile
from pathlib import Path

import pytest

from sdfshape.errors import InputError, OutputError
from sdfshape.io import archives
from sdfshape.io.archives import unpack_zip


def packed(path: Path, entries: dict[str, bytes], mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that come twice
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
    return path


def test_an_archive_is_unpacked_without_clutter(tmp_path):
    path = packed(tmp_path / "a.zip", {"m/": b"", "m/a.off": b"OFF", "m/sub/b.off": b"OFF2", "__MACOSX/m/._a": b"x", "m/.DS_Store": b"x"})
    found = unpack_zip(path, tmp_path / "out")
    assert [str(p.relative_to(tmp_path / "out")) for p in found] == ["m/a.off", "m/sub/b.off"]
    assert (tmp_path / "out/m/sub/b.off").read_bytes() == b"OFF2"
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o755


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "a\\..\\evil", "C:evil"])
def test_no_entry_leads_out_of_the_folder(tmp_path, name):
    path = packed(tmp_path / "a.zip", {"good": b"1", name: b"evil"})
    with pytest.raises(InputError, match=r"a\.zip: an archive must hold plain files below one folder"):
        unpack_zip(path, tmp_path / "sub/out")
    assert not list(tmp_path.rglob("*evil*")) and not (tmp_path / "sub").exists()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_are_refused(tmp_path, kind):
    with pytest.raises(InputError, match="must hold plain files"):
        unpack_zip(packed(tmp_path / "a.zip", {"link": b"/etc/passwd"}, kind | 0o777), tmp_path / "out")


def test_what_promises_too_much_is_refused(tmp_path, monkeypatch):
    path = packed(tmp_path / "a.zip", {"big": bytes(5000)})
    monkeypatch.setattr(archives, "LARGEST", 4000)
    with pytest.raises(InputError, match="at most"):
        unpack_zip(path, tmp_path / "out")
    monkeypatch.setattr(archives, "LARGEST", 8000)
    monkeypatch.setattr(archives, "MOST_FILES", 0)
    with pytest.raises(InputError, match="at most"):
        unpack_zip(path, tmp_path / "out")


def test_what_is_damaged_leaves_nothing(tmp_path):
    path = packed(tmp_path / "a.zip", {"a": bytes(range(256)) * 50, "b": b"second" * 100})
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    for name, content in (("flipped.zip", bytes(data)), ("cut.zip", path.read_bytes()[:-30]), ("text.zip", b"no zip"), ("empty.zip", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"{name}: an archive must be a whole zip file"):
            unpack_zip(tmp_path / name, tmp_path / "out")
        assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".sdfshape-*"))
    with pytest.raises(InputError, match="there is no such file"):
        unpack_zip(tmp_path / "gone.zip", tmp_path / "out")


@pytest.mark.parametrize("names", [("a", "a"), ("a", "a/b"), ("a/./b", "a/b")])
def test_every_file_is_there_once(tmp_path, names):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            archive.writestr(name, b"1")
    with pytest.raises(InputError, match="must hold every file once, and none where a folder is"):
        unpack_zip(tmp_path / "a.zip", tmp_path / "out")


def test_a_folder_that_exists_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="must not exist yet"):
        unpack_zip(packed(tmp_path / "a.zip", {"a": b"1"}), tmp_path / "out")
