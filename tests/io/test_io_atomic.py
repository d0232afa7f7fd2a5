"""A file is complete or not there; whatever hinders a write is one line, said before the work."""

import stat
from pathlib import Path

import pytest

from sdfshape.errors import OutputError
from sdfshape.io import atomic_write, check_writable


def test_a_write_that_ends_well_takes_the_name(tmp_path):
    target = tmp_path / "a.json"
    with atomic_write(target, overwrite=False) as temporary:
        assert temporary.parent == tmp_path and temporary.name.startswith(".") and temporary.suffix == ".json"
        assert not target.exists()
        temporary.write_text("new")
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_write_leaves_the_old_file(tmp_path, interruption):
    target = tmp_path / "a.ply"
    target.write_text("old")
    with pytest.raises(interruption), atomic_write(target, overwrite=True) as temporary:
        temporary.write_text("half of the n")
        raise interruption
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_overwriting_replaces_the_content_and_keeps_the_rights(tmp_path):
    target = tmp_path / "a.ply"
    target.write_text("old")
    target.chmod(0o640)
    with atomic_write(target, overwrite=True) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_file_that_appears_during_the_write_is_not_replaced(tmp_path):
    target = tmp_path / "a.ply"
    with (
        pytest.raises(OutputError, match=r"a.ply exists: pass --overwrite"),
        atomic_write(target, overwrite=False) as temporary,
    ):
        temporary.write_text("ours")
        target.write_text("theirs")
    assert target.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_is_followed_and_stays_a_link(tmp_path):
    (tmp_path / "real.ply").write_text("old")
    (tmp_path / "link.ply").symlink_to("real.ply")
    with atomic_write(tmp_path / "link.ply", overwrite=True) as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link.ply").is_symlink()
    assert (tmp_path / "real.ply").read_text() == "new"


def test_a_full_disk_is_one_line(tmp_path):
    with pytest.raises(OutputError, match=r"a.ply: cannot be written: No space left"), atomic_write(tmp_path / "a.ply"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_on_another_file_keeps_its_own_message(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "a.ply"):
        (tmp_path / "other").read_text()


def _refused(path, law, *, overwrite=False):
    for attempt in (check_writable, lambda p, overwrite: atomic_write(p, overwrite=overwrite).__enter__()):
        with pytest.raises(OutputError, match=law) as caught:
            attempt(path, overwrite=overwrite)
        assert "\n" not in str(caught.value)


def test_an_existing_file_is_refused_without_overwrite(tmp_path):
    (tmp_path / "a.ply").write_text("old")
    _refused(tmp_path / "a.ply", "a.ply exists: pass --overwrite to replace it")
    check_writable(tmp_path / "a.ply", overwrite=True)


def test_a_folder_is_refused(tmp_path):
    _refused(tmp_path, "this is a folder", overwrite=True)


def test_a_missing_folder_is_refused(tmp_path):
    _refused(tmp_path / "none" / "a.ply", "the folder none must exist")


def test_a_device_is_refused_even_with_overwrite():
    _refused("/dev/null", "device or a pipe", overwrite=True)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_folder_that_takes_no_files_is_refused():
    _refused("/proc/a.ply", "the folder proc is not writable")


def test_a_name_the_system_refuses_is_refused(tmp_path):
    _refused(tmp_path / "a\0.ply", "cannot be written")
    _refused(tmp_path / ("a" * 300 + ".ply"), "cannot be written: File name too long")
    (tmp_path / "file").write_text("x")
    _refused(tmp_path / "file" / "a.ply", "file is a file")
    _refused(tmp_path / "file" / "sub" / "a.ply", "file is a file")


def test_checking_leaves_nothing_behind(tmp_path):
    check_writable(tmp_path / "a.ply")
    assert list(tmp_path.iterdir()) == []
