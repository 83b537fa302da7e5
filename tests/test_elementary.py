"""The polynomials against NumPy in a wider type: the errors that the module states."""

import numpy as np
import pytest

from sknn import elementary
from sknn._jit import kernel


@kernel
def _exp(x, y):
    for i in range(x.size):
        y[i] = elementary.exp(x[i])


@kernel
def _log(x, y):
    for i in range(x.size):
        y[i] = elementary.log(x[i])


@kernel
def _tanh(x, y):
    for i in range(x.size):
        y[i] = elementary.tanh(x[i])


@kernel
def _logistic(x, y):
    for i in range(x.size):
        y[i] = elementary.logistic(x[i])


ORACLE = {
    _exp: np.exp,
    _log: lambda x: np.log(np.where(x > 0, x, 1)),
    _tanh: np.tanh,
    _logistic: lambda x: np.where(x >= 0, 1, np.exp(x)) / (1 + np.exp(-np.abs(x))),
}
# the largest error in units of the last place
LIMIT = {_exp: 2, _log: 2, _tanh: 5, _logistic: 4}
WIDER = {np.float32: np.float64, np.float64: np.longdouble}


def _apply(function, x):
    y = np.empty_like(x)
    function(x, y)
    return y


def _points(dtype, bound):
    rng = np.random.default_rng(0)
    near_zero = 10.0 ** rng.uniform(-30, 0, 20_000)
    wide = rng.uniform(-bound, bound, 200_000)
    return np.concatenate([near_zero, -near_zero, wide, [0.0]]).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", ORACLE, ids=["exp", "log", "tanh", "logistic"])
def test_error_in_units_of_the_last_place(function, dtype):
    x = _points(dtype, 87 if dtype == np.float32 else 708)
    x = np.where(x > 0, x, 1).astype(dtype) if function is _log else x
    exact = ORACLE[function](x.astype(WIDER[dtype]))
    error = np.abs(_apply(function, x) - exact) / np.spacing(exact.astype(dtype))
    assert error.max() <= LIMIT[function]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ends_of_the_range(dtype):
    x = np.array([-np.inf, -1e30, 1e30, np.inf, np.nan], dtype)
    assert np.array_equal(_apply(_exp, x), [0, 0, np.inf, np.inf, np.nan], True)
    assert np.array_equal(
        _apply(_log, x), [np.nan, np.nan, np.log(x[2]), np.inf, np.nan], True
    )
    assert np.array_equal(_apply(_tanh, x), [-1, -1, 1, 1, np.nan], True)
    assert np.array_equal(_apply(_logistic, x), [0, 0, 1, 1, np.nan], True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_of_subnormal_numbers_and_zero(dtype):
    tiny = np.finfo(dtype).tiny
    x = np.array([tiny, tiny / 2, tiny / 1000, 0], dtype)
    exact = np.log(x[:3].astype(np.longdouble))
    np.testing.assert_allclose(_apply(_log, x)[:3], exact, rtol=1e-6)
    assert _apply(_log, x)[3] == -np.inf


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exp_underflows_gradually(dtype):
    x = np.array([np.log(np.finfo(dtype).tiny) - 3], dtype)
    assert _apply(_exp, x) == pytest.approx(np.exp(x.astype(np.float64)), rel=1e-3)
