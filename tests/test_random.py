"""The counter-based generator: the same bits as its NumPy twin, and random ones."""

import numba
import numpy as np
import pytest
from scipy import stats

from sknn import random

N = 1 << 16
KEYS = np.array([0, 1, 2, 12345, 0x80000000, 0xFFFFFFFF], np.uint32)


@numba.njit
def _uniform(key, y):
    for i in range(y.size):
        y[i] = random.uniform(key, i, y[0])


@numba.njit
def _normal(key, y):
    for i in range(y.size):
        y[i] = random.normal(key, i, y[0])


@numba.njit
def _fold(key, y):
    for i in range(y.size):
        y[i] = random.fold(key, i)


def _draw(function, key, dtype=np.float32, n=N):
    y = np.zeros(n, dtype)
    function(key, y)
    return y


def _mix(x):
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    return x ^ (x >> np.uint32(16))


def _bits(key, i):
    """The twin, for arrays, whose uint32 wrap round without a warning."""
    return _mix(_mix(i ^ key) + key)


def _twin_uniform(key, i):
    return (_bits(key, i) >> np.uint32(8)) * 2.0**-24


COUNTERS = np.arange(N, dtype=np.uint32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("key", KEYS)
def test_same_numbers_as_the_twin(key, dtype):
    u = _twin_uniform(key, COUNTERS)
    assert np.array_equal(_draw(_uniform, key, dtype), u)
    turns = _twin_uniform(~key, COUNTERS)
    normal = np.sqrt(-2 * np.log1p(-u)) * np.cos(2 * np.pi * turns)
    tolerance = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(_draw(_normal, key, dtype), normal, atol=tolerance)


@pytest.mark.parametrize("key", KEYS)
def test_fold_has_the_same_keys_as_the_twin(key):
    shifted = np.array([key]) + np.uint32(0x9E3779B9)
    assert np.array_equal(_draw(_fold, key, np.uint32), _bits(shifted, COUNTERS))


@pytest.mark.parametrize("key", KEYS)
def test_distributions(key):
    u, z = _draw(_uniform, key), _draw(_normal, key)
    assert u.min() >= 0 and u.max() < 1
    counts = np.bincount((u * 256).astype(int), minlength=256)
    assert stats.chisquare(counts).pvalue > 1e-4
    assert stats.kstest(z, "norm").pvalue > 1e-4
    # four standard errors of each moment of a normal sample
    moments = [np.mean(z.astype(float) ** k) for k in (1, 2, 3, 4)]
    errors = 4 * np.sqrt(np.array([1, 2, 15, 96]) / N)
    np.testing.assert_array_less(np.abs(np.subtract(moments, [0, 1, 0, 3])), errors)


def _is_independent(a, b):
    """Whether pairs of numbers fill 16 x 16 boxes evenly."""
    boxes = (a * 16).astype(int) * 16 + (b * 16).astype(int)
    return stats.chisquare(np.bincount(boxes, minlength=256)).pvalue > 1e-4


@pytest.mark.parametrize("key", KEYS)
def test_neighbours_are_independent(key):
    u = _draw(_uniform, key)
    assert all(_is_independent(u[:-lag], u[lag:]) for lag in (1, 2, 8, 256))
    others = [np.array([key]) ^ np.uint32(1 << bit) for bit in range(0, 32, 5)]
    assert all(_is_independent(u, _draw(_uniform, other[0])) for other in others)
    folded = _draw(_fold, key, np.uint32)
    assert _is_independent(u, folded * 2.0**-32)
    assert _is_independent(*(_draw(_uniform, folded[i]) for i in (0, 1)))


def test_keys_do_not_share_numbers_in_another_order():
    first, second = (np.sort(_draw(_uniform, key)) for key in KEYS[:2])
    assert not np.array_equal(first, second)
