"""Threads spin on a quiet machine, and sleep soon on a busy one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sdfshape import waiting
from sdfshape.cli import program


@pytest.mark.parametrize(("text", "busy"), [("0.1 0.1 0.1 1/99 7", False), ("0.1 0.1 0.1 2/99 7", True), ("nothing", False), ("", False)])
def test_others_are_seen_in_the_count_of_running_threads(tmp_path, text, busy):
    (tmp_path / "loadavg").write_text(text)
    assert waiting.others_compute(tmp_path / "loadavg") is busy
    assert waiting.others_compute(tmp_path / "none") is False


@pytest.mark.parametrize(("busy", "given", "expected"), [(True, None, "1000"), (False, None, None), (True, "7", "7")])
def test_waits_are_short_only_beside_others_and_never_against_the_user(busy, given, expected):
    code = (
        "import os, sys\nfrom sdfshape import waiting\n"
        f"waiting.others_compute = lambda: {busy}\nwaiting.wait_briefly_if_busy()\n"
        "assert 'torch' not in sys.modules\nprint(os.environ.get('GOMP_SPINCOUNT'))"
    )
    env = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    env |= {} if given is None else {"GOMP_SPINCOUNT": given}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.stdout.strip() == str(expected), done.stderr


def test_every_command_looks_before_it_computes(monkeypatch):
    seen = []
    monkeypatch.setattr(program, "wait_briefly_if_busy", lambda: seen.append(1))
    monkeypatch.setattr(sys, "argv", ["sdfshape", "certify", "no-such.sdf"])
    with pytest.raises(SystemExit):
        program.main()
    assert seen == [1]
