"""Detectors on disk, tables, and the command line: what comes back, and what is refused in one line."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sdfshape.cli.program import app
from sdfshape.errors import FieldFileError, InputError, SdfShapeError
from sdfshape.field.files import read_tensors, write_tensors
from sdfshape.io import read_table
from sdfshape.oneclass import OneClassSDF, load_detector, save_detector

pytestmark = pytest.mark.usefixtures("one_thread")


@cache
def rows(columns: int = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(200, columns))


@cache
def fitted(columns: int = 3) -> OneClassSDF:
    return OneClassSDF(random_state=0, steps=30, contamination=0.1).fit(rows(columns))


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(w) for w in words], catch_exceptions=True)
    if isinstance(result.exception, SdfShapeError):
        return 1, str(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


# --- files


@pytest.mark.parametrize("columns", [3, 150])
def test_a_detector_comes_back_bit_for_bit(tmp_path, columns):
    path = tmp_path / "d.ocsdf"
    save_detector(fitted(columns), path)
    again = load_detector(path)
    assert np.array_equal(again.score_samples(rows(columns)), fitted(columns).score_samples(rows(columns)))
    assert np.array_equal(again.certified_radius(rows(columns)), fitted(columns).certified_radius(rows(columns)))
    assert again.get_params() == fitted(columns).get_params()
    save_detector(again, tmp_path / "e.ocsdf", names=[f"c{j}" for j in range(columns)])
    named = load_detector(tmp_path / "e.ocsdf")
    assert named.feature_names_in_[0] == "c0"
    save_detector(named, path, overwrite=True)
    assert path.read_bytes() == (tmp_path / "e.ocsdf").read_bytes()


def test_weights_that_break_the_certificate_are_refused(tmp_path):
    path = tmp_path / "d.ocsdf"
    save_detector(fitted(), path)
    tensors, header = read_tensors(path, "sdfshape detector", 1)
    tensors["matrix_0"] = tensors["matrix_0"] * 1.01
    write_tensors(path, tensors, header, overwrite=True)
    with pytest.raises(FieldFileError, match=r"d\.ocsdf: weights must be 1-Lipschitz"):
        load_detector(path)


@pytest.mark.parametrize("key", ["scale", "centre", "matrix_1"])
def test_a_damaged_detector_is_refused(tmp_path, key):
    path = tmp_path / "d.ocsdf"
    save_detector(fitted(), path)
    tensors, header = read_tensors(path, "sdfshape detector", 1)
    for wrong in (tensors[key][..., :1], tensors[key] * np.nan, None):
        changed = {name: value for name, value in tensors.items() if name != key} | ({} if wrong is None else {key: wrong})
        write_tensors(path, changed, header, overwrite=True)
        with pytest.raises(FieldFileError, match=r"d\.ocsdf: a detector must"):
            load_detector(path)


def test_a_field_is_no_detector(tmp_path):
    path = tmp_path / "f.sdf"
    path.write_bytes(b"nonsense")
    with pytest.raises(FieldFileError, match=r"a detector must be an \.ocsdf that `oneclass fit` wrote"):
        load_detector(path)
    with pytest.raises(FieldFileError, match="there is none of this name"):
        load_detector(tmp_path / "none.ocsdf")


# --- tables


def text(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_a_text_table_with_names_and_a_label(tmp_path, between):
    file = text(tmp_path / "t.csv", "a,b,bad\n1,2.5,0\n3,-4e2,1\n".replace(",", between))
    table = read_table(file, label="bad")
    assert table.names == ("a", "b") and table.values.tolist() == [[1, 2.5], [3, -400]] and table.anomalous.tolist() == [False, True]
    assert read_table(file, ignore=("a",)).names == ("b", "bad")


def test_a_table_without_names(tmp_path):
    table = read_table(text(tmp_path / "t.csv", "1,2\n3,4\n"))
    assert table.names == ("x1", "x2") and table.values.tolist() == [[1, 2], [3, 4]]


def test_columns_that_pandas_numbered_are_a_header(tmp_path):
    assert read_table(text(tmp_path / "t.csv", "0,1,2\n5,6,7\n")).values.tolist() == [[5, 6, 7]]
    assert len(read_table(text(tmp_path / "t.csv", "0,1,3\n5,6,7\n"))) == 2


def test_npz_and_parquet_are_the_same_table(tmp_path):
    import pandas as pd

    x, y = rows(), (np.arange(200) < 7).astype(int)
    np.savez(tmp_path / "t.npz", X=x, y=y)
    pd.DataFrame(x, columns=["x1", "x2", "x3"]).assign(y=y).to_parquet(tmp_path / "t.parquet")
    one, two = read_table(tmp_path / "t.npz", label="y"), read_table(tmp_path / "t.parquet", label="y")
    assert one.names == two.names and np.array_equal(one.values, two.values) and np.array_equal(one.anomalous, two.anomalous)


@pytest.mark.parametrize(
    ("name", "content", "options", "law"),
    [
        ("t.csv", "a,b\n1,2\n3,\n", {}, "every cell must be a finite number, 1 are not, first row 2 of 'b': fill or drop them"),
        ("t.csv", "a,b\n1,x\n3,y\n", {}, "columns must be numbers, 'b' holds 'x': leave it out with --ignore 'b'"),
        ("t.csv", "a,b\n1,2\n", {"label": "c"}, "the column must be one of a, b, got 'c'"),
        ("t.csv", "a,b\n1,2\n", {"label": "b"}, "the label 'b' must be 0 for normal and 1 for anomalous rows, got '2': change it"),
        ("t.csv", "a,b\n", {}, "a table must have rows and columns, got 0 and 2"),
        ("t.csv", ",a\n1,2\n", {}, "every column must have a name, 'Unnamed: 0' has none: leave it out with --ignore 'Unnamed: 0'"),
        ("t.csv", "1.0,,3.0\n4,5,6\n", {}, "every cell must be a finite number, 1 are not, first row 1 of 'x2'"),
        ("t.csv", "a,b\n1,2,9\n", {}, "a table must be rows of one length"),
        ("t.csv", "", {}, "a table must be rows of one length"),
        ("t.csv", "a,b\n1,2\n3,4,5\n", {}, "a table must be rows of one length"),
        ("t.xlsx", "a", {}, "a table must end in one of .csv, .tsv, .npz, .parquet"),
        ("t.npz", "nonsense", {}, "an .npz must be a sound zip archive"),
        ("t.parquet", "nonsense", {}, "a table must be rows of one length"),
    ],
)
def test_a_table_that_is_none_is_refused_by_name(tmp_path, name, content, options, law):
    import re

    with pytest.raises(InputError, match=re.escape(law)) as caught:
        read_table(text(tmp_path / name, content), **options)
    assert str(caught.value).startswith(name) and "\n" not in str(caught.value)


# --- the command line


@pytest.fixture
def table(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    data = np.concatenate([rng.normal(size=(180, 2)), rng.normal(size=(20, 2)) + 6])
    lines = [f"{a},{b},{int(j >= 180)}" for j, (a, b) in enumerate(data)]
    return text(tmp_path / "t.csv", "\n".join(["width,height,bad", *lines]) + "\n")


def test_fit_then_score(tmp_path, table):
    detector, scores, report = tmp_path / "d.ocsdf", tmp_path / "s.csv", tmp_path / "r.json"
    code, output = run("oneclass", "fit", table, "-o", detector, "--label", "bad", "--normal-only", "--report", report)
    facts = json.loads(output[output.index("{") :])
    assert code == 0 and facts["trained_on"] == 180 and facts["auroc"] > 0.98 and facts["lipschitz_bound"] <= 1
    assert json.loads(report.read_text()) == facts and facts["columns"] == ["width", "height"]
    code, output = run("oneclass", "score", detector, table, "-o", scores, "--label", "bad", "--radius", "0.5", "--radius", "100")
    facts = json.loads(output)
    assert code == 0 and 0.3 < facts["certified_auroc"]["0.5"] <= facts["auroc"] and facts["certified_auroc"]["100"] == 0
    found = np.genfromtxt(scores, delimiter=",", names=True)
    assert len(found) == 200 and found["inlier"][180:].mean() < 0.2 and (found["certified_radius"] <= np.abs(found["score"]) + 1e-9).all()


def test_columns_are_found_by_name_in_any_order(tmp_path, table):
    detector, turned = tmp_path / "d.ocsdf", tmp_path / "turned.csv"
    assert run("oneclass", "fit", table, "-o", detector, "--ignore", "bad", "-q") == (0, "")
    lines = [line.split(",") for line in table.read_text().splitlines()]
    text(turned, "\n".join(",".join([c, b, a]) for a, b, c in lines) + "\n")
    for name, file in (("a", table), ("b", turned)):
        assert run("oneclass", "score", detector, file, "-o", tmp_path / f"{name}.csv", "-q")[0] == 0
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()


@pytest.mark.parametrize(
    ("words", "law"),
    [
        (("fit", "TABLE", "-o", "d.sdf"), "d.sdf: a detector must end in .ocsdf"),
        (("fit", "TABLE", "-o", "DIR/d.ocsdf", "--normal-only"), "--normal-only must know which rows are normal"),
        (("fit", "TABLE", "-o", "DIR/d.ocsdf", "--margin", "wide"), "--margin must be a number of deviations or `search`, got 'wide'"),
        (("fit", "TABLE", "-o", "DIR/d.ocsdf", "--contamination", "0.7"), "--contamination must be above 0 and at most .5, got 0.7"),
        (("fit", "TABLE", "-o", "DIR/d.ocsdf", "--report", "DIR/d.ocsdf"), "d.ocsdf: a report must end in .json"),
        (("fit", "TABLE", "-o", "DIR/d.ocsdf", "--margin", "inf"), "margin and weight must be above 0 and finite"),
        (("score", "nothing.ocsdf", "TABLE", "-o", "TABLE", "--overwrite"), "an output must not be an input"),
        (("score", "nothing.ocsdf", "TABLE", "-o", "DIR/s.csv", "--label", "bad", "--radius", "-1"), "--radius must be lengths above 0"),
        (("fit", "nothing.csv", "-o", "DIR/d.ocsdf"), "nothing.csv: a table must be a file, there is none of this name"),
        (("score", "nothing.ocsdf", "TABLE", "-o", "DIR/s.csv"), "nothing.ocsdf: a detector must be a file"),
        (("score", "nothing.ocsdf", "TABLE", "-o", "DIR/s.txt"), "s.txt: a table must end in .csv"),
        (("score", "nothing.ocsdf", "TABLE", "-o", "DIR/s.csv", "--radius", "1"), "--radius must know which rows are anomalous"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(tmp_path, table, words, law):
    before = sorted(p.name for p in tmp_path.iterdir())
    code, message = run("oneclass", *[w.replace("TABLE", str(table)).replace("DIR", str(tmp_path)) for w in words])
    assert code == 1 and law in message and sorted(p.name for p in tmp_path.iterdir()) == before


def test_a_table_of_another_width_or_of_names_that_look_alike_is_refused(tmp_path):
    for name, x in (("six", rows(6)), ("nine", rows(9))):
        np.savez(tmp_path / f"{name}.npz", X=x)
    run("oneclass", "fit", tmp_path / "six.npz", "-o", tmp_path / "d.ocsdf", "-q")
    code, message = run("oneclass", "score", tmp_path / "d.ocsdf", tmp_path / "nine.npz", "-o", tmp_path / "s.csv")
    assert code == 1 and "must have 6 columns" in message
    named = text(tmp_path / "n.csv", "xa,xb,xc\n1,2,3\n4,5,6\n7,8,1\n")
    alike = text(tmp_path / "a.csv", "xq,xr,xs\n1,2,3\n4,5,6\n")
    run("oneclass", "fit", named, "-o", tmp_path / "e.ocsdf", "-q")
    assert run("oneclass", "score", tmp_path / "e.ocsdf", alike, "-o", tmp_path / "s.csv")[0] == 1


def test_a_table_of_other_columns_is_refused(tmp_path, table):
    detector = tmp_path / "d.ocsdf"
    run("oneclass", "fit", table, "-o", detector, "-q", "--ignore", "bad")
    other = text(tmp_path / "o.csv", "a,b,c\n1,2,3\n4,5,6\n")
    code, message = run("oneclass", "score", detector, other, "-o", tmp_path / "s.csv")
    assert code == 1 and "o.csv: the table must have the columns width, height of the detector, it has a, b, c" in message
