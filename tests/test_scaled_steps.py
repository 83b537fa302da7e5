"""Steps over roots of squares, as NumPy takes them, for all numbers that there are."""

import numpy as np
import pytest

from sknn._jit import INTEGER, REAL, VECTOR, piece
from sknn._llvm import load
from sknn._scaled_steps import take_adam_steps, take_scaled_steps
from sknn.params import padded, zeros


@piece(VECTOR, VECTOR, VECTOR, REAL, REAL, INTEGER)
def _take(p, x, squares, rate, epsilon, n):
    T = type(load(p, 0))
    take_scaled_steps((p, x, squares), (T(rate), T(epsilon)), n)


@piece(VECTOR, VECTOR, VECTOR, VECTOR, REAL, REAL, REAL, REAL, REAL, REAL, INTEGER)
def _take_adams(p, g, m, v, rate, epsilon, beta_1, beta_2, scale, decay, n):
    T = type(load(p, 0))
    of_m = T(beta_1), T((1 - beta_1) * scale)
    of_v = T(beta_2), T(np.sqrt(1 - beta_2) * scale)
    take_adam_steps((p, g, m, v), (T(rate), T(epsilon), *of_m, *of_v, T(decay)), n)


def _steps(x, squares, rate, epsilon, dtype):
    """Steps from zero, and what lies behind the last of them."""
    n = padded(len(x), dtype)
    p, numerators, flat = zeros(2 * n, dtype), zeros(n, dtype), zeros(n, dtype)
    numerators[: len(x)], flat[: len(x)] = x, squares
    _take(p, numerators, flat, rate, epsilon, n)
    assert not p[n:].any()
    return -p[: len(x)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 8, 17, 40, 64, 200, 1000])
@pytest.mark.parametrize("epsilon", [1e-30, 1e-8, 0.1])
def test_steps(n, epsilon, dtype):
    rng, limit = np.random.default_rng(n), 30 if dtype == np.float32 else 300
    x = rng.normal(size=n).astype(dtype)
    squares = (10.0 ** rng.uniform(-limit, limit, n)).astype(dtype)
    epsilon = dtype(epsilon)
    expected = dtype(0.01) * x.astype(float) / (np.sqrt(squares, dtype=float) + epsilon)
    np.testing.assert_allclose(
        _steps(x, squares, 0.01, epsilon, dtype), expected, rtol=5 * np.finfo(dtype).eps
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_gradient_is_no_step(dtype):
    smallest = np.finfo(dtype).smallest_subnormal
    squares = np.array([0, smallest, np.finfo(dtype).tiny, 1], dtype)
    assert not _steps(np.zeros(4), squares, 0.01, 1e-8, dtype).any()
    few = _steps(np.full(4, 1e-6), squares, 0.01, 1e-8, dtype)
    np.testing.assert_allclose(few[:3], 1, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 100])
def test_nan_stays_visible(n, dtype):
    ones, gap = np.ones(n), np.arange(n) == n // 2
    with_gap, infinite = np.where(gap, np.nan, 1), np.where(gap, np.inf, 1)
    for x, squares in [(with_gap, ones), (ones, with_gap), (infinite, infinite)]:
        steps = _steps(x, squares, 0.01, 1e-8, dtype)
        assert np.array_equal(np.isnan(steps), gap)
    # as in NumPy: the square of what is finite may be too large
    np.testing.assert_array_equal(_steps(ones, infinite, 0.01, 1e-8, dtype) == 0, gap)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 5, 16, 48, 64, 77, 80, 1008])
def test_adam(n, dtype):
    rng = np.random.default_rng(n)
    arrays = rng.normal(size=(4, n + 16)).astype(dtype)
    arrays[3] **= 2
    (p, g, m, v), before = arrays, arrays.copy()
    numbers = 0.01, 1e-3, 0.9, 0.99, 0.3, 0.7
    _take_adams(p, g, m, v, *numbers, n)
    rate, epsilon, beta_1, beta_2, scale, decay = numbers
    p_before, g_before, m_before, v_before = before.astype(float)
    gradient = (g_before + decay * p_before) * scale
    mean = beta_1 * m_before + (1 - beta_1) * gradient
    square = beta_2 * v_before + (1 - beta_2) * gradient**2
    step = rate * mean / (np.sqrt(square) + epsilon)
    for array, expected in [(p, p_before - step), (m, mean), (v, square)]:
        tolerance = 20 * np.finfo(dtype).eps
        np.testing.assert_allclose(array[:n], expected[:n], tolerance, tolerance)
    assert np.array_equal(g, before[1])
    assert np.array_equal(arrays[:, n:], before[:, n:])  # nothing behind the last one


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_at_once", [1, 5, 31, 64, 129])
def test_adam_in_pieces_is_the_same_bit_for_bit(n_at_once, dtype):
    rng = np.random.default_rng(0)
    arrays = (rng.normal(size=(4, 500)) * 10.0 ** rng.uniform(-12, 12, 500)).astype(
        dtype
    )
    arrays[3] **= 2
    arrays[:, :3] = 0, np.nan, np.inf
    whole, in_pieces = arrays.copy(), arrays.copy()
    numbers = 0.01, 1e-8, 0.9, 0.999, 0.3, 0.7
    _take_adams(*whole, *numbers, 500)
    for i in range(0, 500, n_at_once):
        pieces = [np.ascontiguousarray(row[i : i + n_at_once]) for row in in_pieces]
        _take_adams(*pieces, *numbers, len(pieces[0]))
        in_pieces[:, i : i + n_at_once] = pieces
    np.testing.assert_array_equal(in_pieces, whole)
