"""The folders of ModelNet10."""

import pytest

from sdfshape.errors import InputError
from sdfshape.io import MODELNET10_CLASSES, iter_modelnet10, modelnet10_file


@pytest.fixture
def root(tmp_path):
    for name in MODELNET10_CLASSES:
        for split, numbers in (("train", (2, 1, 10)), ("test", (107,))):
            (tmp_path / name / split).mkdir(parents=True)
            (tmp_path / name / split / ".DS_Store").write_text("x")
            for number in numbers:
                (tmp_path / name / split / f"{name}_{number:04d}.off").write_text("OFF\n")
    return tmp_path


def test_every_shape_comes_once_by_class_and_number(root):
    shapes = list(iter_modelnet10(root, "train"))
    assert [(s.class_name, s.number) for s in shapes] == [(c, n) for c in MODELNET10_CLASSES for n in (1, 2, 10)]
    assert all(s.path.is_file() and s.path == modelnet10_file(root, s.class_name, s.number, "train") for s in shapes)
    assert len(MODELNET10_CLASSES) == 10 and [s.number for s in iter_modelnet10(root, "test")] == [107] * 10


def test_a_folder_of_another_kind_is_refused(root, tmp_path):
    with pytest.raises(InputError, match=r"must hold <class>/<train\|test>/<class>_0001.off, bathtub/train is missing"):
        iter_modelnet10(tmp_path / "bed", "train")
    with pytest.raises(InputError, match=r"a class of ModelNet10 must be one of bathtub .*, got 'cat'"):
        modelnet10_file(root, "cat", 1, "train")
    with pytest.raises(InputError, match="must be train or test, got 'val'"):
        iter_modelnet10(root, "val")
    with pytest.raises(InputError, match=r"chair_0107.off: there is no such file in .*try the other split"):
        modelnet10_file(root, "chair", 107, "train")
    (root / "sofa" / "test" / "sofa_0107.off").unlink()
    with pytest.raises(InputError, match=r"a split must hold files sofa_0001.off"):
        iter_modelnet10(root, "test")
