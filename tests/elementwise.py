"""Scalar functions of the package, as functions of arrays."""

import ctypes
from functools import cache

from sknn._jit import INTEGER, REAL, VECTOR, as_array, piece_of


@piece_of(VECTOR, INTEGER)
def _plain(function):
    def apply(x, n):
        x = as_array(x, n)
        for i in range(n):
            x[i] = function(x[i])

    return apply


@piece_of(VECTOR, INTEGER, REAL)
def _with_setting(function):
    def apply(x, n, setting):
        x = as_array(x, n)
        for i in range(n):
            x[i] = function(x[i], setting)

    return apply


_plain, _with_setting = cache(_plain), cache(_with_setting)


def evaluate(function, x, *settings):
    """``function`` of each x, and of one float64 besides if there is one."""
    loop = (_with_setting if settings else _plain)(function)
    kinds = ctypes.c_void_p, ctypes.c_ssize_t, *(ctypes.c_double for _ in settings)
    y = x.copy()
    run = ctypes.CFUNCTYPE(None, *kinds)(loop.address(x.dtype))
    run(y.ctypes.data, y.size, *settings)
    return y
