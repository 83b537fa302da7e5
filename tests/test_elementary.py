"""The polynomials against NumPy in a wider type: the errors that the module states."""

import math

import numpy as np
import pytest
from elementwise import evaluate

from sknn import elementary

INF, NAN = np.inf, np.nan
WIDER = {np.float32: np.float64, np.float64: np.longdouble}
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def _from_integer(x):
    return x - np.rint(x)


def _sine_of_turns(s):
    """sin(2 pi s) for |s| <= 1/4, where a rounded pi does no harm."""
    return np.sin(4 * np.arccos(s.dtype.type(0)) * s)


def _sin_turns(x):
    r = _from_integer(x)
    return _sine_of_turns(np.where(np.abs(r) > 0.25, np.copysign(0.5, r) - r, r))


def _normal_cdf(x):
    """By the power series of Phi(z) - 1/2, for z < 2; by Laplace's fraction beyond."""
    z, fraction, term, series = np.abs(x), np.maximum(np.abs(x), 2), x, 0 * x
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.arccos(x.dtype.type(-1)))
    for k in range(300, 0, -1):
        fraction = np.maximum(z, 2) + k / fraction
    for k in range(3, 100, 2):
        series, term = series + term, np.where(z < 2, term * x * x / k, 0)
    tail = density / fraction
    beyond = np.where(x > 0, 1 - tail, tail)
    return np.where(z < 2, 0.5 + density * series, beyond)


ORACLE = {
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "tanh": np.tanh,
    "logistic": lambda x: np.where(x >= 0, 1, np.exp(x)) / (1 + np.exp(-np.abs(x))),
    "normal_cdf": _normal_cdf,
    "cos_turns": lambda x: _sine_of_turns(0.25 - np.abs(_from_integer(x))),
    "sin_turns": _sin_turns,
}
# the largest error in units of the last place
LIMIT = {"exp": 2, "expm1": 3, "log": 2, "softplus": 3, "tanh": 7, "logistic": 3}
LIMIT |= {"normal_cdf": 11, "cos_turns": 4, "sin_turns": 4}


def _points(name, dtype):
    """Arguments at which the result is a normal number."""
    rng = np.random.default_rng(0)
    wide = 87 if dtype == np.float32 else 708
    if name == "normal_cdf":
        wide = 13 if dtype == np.float32 else 37.5
    near_zero = 10.0 ** rng.uniform(-30, 0, 10_000)
    x = [near_zero, -near_zero, rng.uniform(-wide, wide, 40_000)]
    x = np.concatenate([*x, rng.uniform(-8, 8, 40_000), [0.0]]).astype(dtype)
    return np.abs(x[x != 0]) if name == "log" else x


@dtypes
@pytest.mark.parametrize("name", ORACLE)
def test_error_in_units_of_the_last_place(name, dtype):
    if np.finfo(WIDER[dtype]).eps == np.finfo(dtype).eps:
        pytest.skip("no type here is wider than float64")
    x = _points(name, dtype)
    exact = ORACLE[name](x.astype(WIDER[dtype]))
    y = evaluate(getattr(elementary, name), x)
    error = np.abs(y - exact) / np.spacing(np.abs(exact).astype(dtype))
    assert error.max() <= LIMIT[name]


@dtypes
@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("exp", [0, 0, INF, INF]),
        ("expm1", [-1, -1, INF, INF]),
        ("log", [NAN, NAN, math.log(1e30), INF]),
        ("softplus", [0, 0, 1e30, INF]),
        ("tanh", [-1, -1, 1, 1]),
        ("logistic", [0, 0, 1, 1]),
        ("normal_cdf", [0, 0, 1, 1]),
        ("cos_turns", [NAN, 1, 1, NAN]),
        ("sin_turns", [NAN, 0, 0, NAN]),
    ],
)
def test_ends_of_the_range(name, ends, dtype):
    x = np.array([-INF, -1e30, 1e30, INF, NAN], dtype)
    y = evaluate(getattr(elementary, name), x)
    np.testing.assert_allclose(y, [*ends, NAN], rtol=2 * np.finfo(dtype).eps)


@dtypes
def test_log_of_subnormal_numbers_and_zero(dtype):
    tiny = np.finfo(dtype).tiny
    x = np.array([tiny, tiny / 2, tiny / 1000, 0], dtype)
    y = evaluate(elementary.log, x)
    np.testing.assert_allclose(y[:3], np.log(x[:3].astype(np.longdouble)), rtol=1e-6)
    assert y[3] == -np.inf


@dtypes
@pytest.mark.parametrize("name", ["exp", "softplus", "logistic"])
def test_underflow_is_gradual(name, dtype):
    x = np.array([np.log(np.finfo(dtype).tiny) - 3], dtype)
    y = evaluate(getattr(elementary, name), x)
    assert y == pytest.approx(np.exp(x.astype(np.float64)), rel=1e-3)


@dtypes
def test_moderate_exp_is_exp(dtype):
    lowest = -110 if dtype == np.float32 else -760
    x = np.concatenate([np.linspace(lowest, 40, 50_000), [-INF, NAN]]).astype(dtype)
    expected = evaluate(elementary.exp, x)
    np.testing.assert_array_equal(evaluate(elementary.moderate_exp, x), expected)


@dtypes
def test_tanh_is_odd(dtype):
    x = np.geomspace(1e-6, 30, 50_000, dtype=dtype)
    y = evaluate(elementary.tanh, x)
    np.testing.assert_array_equal(evaluate(elementary.tanh, -x), -y)
    assert np.all(y <= 1)


@dtypes
@pytest.mark.parametrize("name", ["exp", "expm1"])
def test_overflow_is_not_early(name, dtype):
    x = np.array([np.log(np.finfo(dtype).max)]).astype(dtype)
    x = np.nextafter(x, dtype(0))
    expected = np.exp(x.astype(np.longdouble))
    np.testing.assert_allclose(
        evaluate(getattr(elementary, name), x), expected, rtol=4 * np.finfo(dtype).eps
    )
