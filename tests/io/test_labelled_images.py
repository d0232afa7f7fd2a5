"""idx and CIFAR-10 files, on small stand-ins made here: what comes back, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from sdfshape.errors import InputError
from sdfshape.io import read_cifar10, read_idx, read_mnist


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.astype(np.uint8).tobytes()


@pytest.fixture
def mnist(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    for name, count in (("train", 12), ("t10k", 5)):
        (tmp_path / f"{name}-images-idx3-ubyte").write_bytes(idx(rng.integers(0, 256, (count, 4, 3))))
        (tmp_path / f"{name}-labels-idx1-ubyte").write_bytes(idx(rng.integers(0, 10, count)))
    return tmp_path


def test_an_idx_file_comes_back_plain_or_packed(tmp_path):
    array = np.arange(2 * 3 * 5).reshape(2, 3, 5)
    (tmp_path / "a").write_bytes(idx(array))
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx(array)))
    assert np.array_equal(read_idx(tmp_path / "a"), array) and np.array_equal(read_idx(tmp_path / "a.gz"), array)


def test_mnist_is_images_with_labels(mnist):
    train, test = read_mnist(mnist, "train"), read_mnist(mnist, "test")
    assert len(train) == 12 and len(test) == 5 and train.shape == (4, 3, 1) and train.labels.dtype == np.int64
    rows = train.rows(np.array([3, 1]))
    assert rows.shape == (2, 12) and np.allclose(rows[0] * 255, train.pixels[3].ravel()) and rows.max() <= 1
    (mnist / "train-images-idx3-ubyte").rename(mnist / "train-images.idx3-ubyte")  # the other spelling
    assert len(read_mnist(mnist, "train")) == 12


def test_cifar_is_turned_to_pixels_with_channels_last(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (2, 3, 32, 32), dtype=np.uint8)
    for j in range(1, 6):
        (tmp_path / f"data_batch_{j}.bin").write_bytes(b"".join(bytes([j]) + p.tobytes() for p in pixels))
    (tmp_path / "test_batch.bin").write_bytes(bytes([9]) + pixels[1].tobytes())
    train, test = read_cifar10(tmp_path, "train"), read_cifar10(tmp_path, "test")
    assert len(train) == 10 and train.labels.tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5] and test.labels.tolist() == [9]
    assert train.shape == (32, 32, 3) and np.array_equal(train.pixels[1, 5, 7], pixels[1, :, 5, 7])


@pytest.mark.parametrize(
    ("content", "law"),
    [
        (b"", "must begin with 0, 0, 8"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "must begin with 0, 0, 8"),
        (idx(np.zeros((2, 2)))[:-1], r"an idx file of \(2, 2\) must have 16 bytes, it has 15"),
        (idx(np.zeros((2, 2))) + b"x", "it has 17"),
        (b"\0\0\x08\x04" + b"\xff" * 16, "copy it again"),
    ],
)
def test_an_idx_file_that_is_none_is_refused(tmp_path, content, law):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match=law):
        read_idx(tmp_path / "a")


def test_what_is_missing_is_named(mnist):
    (mnist / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(InputError, match="t10k-labels-idx1-ubyte: an idx file must be there"):
        read_mnist(mnist, "test")
    with pytest.raises(InputError, match="part must be train or test, got 'all'"):
        read_mnist(mnist, "all")
    with pytest.raises(InputError, match="CIFAR-10 must have this file"):
        read_cifar10(mnist, "train")
    (mnist / "test_batch.bin").write_bytes(b"\x0b" * 3073)
    with pytest.raises(InputError, match="labels must be below 10, got 11"):
        read_cifar10(mnist, "test")
    (mnist / "test_batch.bin").write_bytes(b"\x01" * 3072)
    with pytest.raises(InputError, match="records must be 3073 bytes each"):
        read_cifar10(mnist, "test")
    (mnist / "bad.gz").write_bytes(b"nonsense")
    with pytest.raises(InputError, match=r"bad\.gz: a \.gz must be sound"):
        read_idx(mnist / "bad.gz")
