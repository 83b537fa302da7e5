"""Functions of users' own: compiled, and checked before any training with them."""

import warnings
from functools import cache
from types import FunctionType

import numba
import numpy as np
from numba import types
from numba.core.compiler import Compiler
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError

from ._jit import subroutine

REAL_NUMBERS = types.Float, types.Integer, types.Boolean


@cache
def compiled(function, n_arguments):
    """A user's function of so many numbers, for kernels to call.

    Whether it was Numba's already does not matter: it gets the flags of this package.
    """
    function = getattr(function, "py_func", function)
    wanted = f"{n_arguments} number{'s' * (n_arguments > 1)}"
    is_function = isinstance(function, FunctionType)
    if not is_function or function.__code__.co_argcount != n_arguments:
        raise ValueError(
            f"{_name(function)} must be a Python function of {wanted}, written with "
            "def or lambda."
        )
    result = subroutine(function, pipeline_class=Compiler)  # for any Python
    try:
        result.compile((numba.float64,) * n_arguments)
    except NumbaError as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        reason = next((line for line in lines if "Failed in" not in line), lines[0])
        raise ValueError(
            f"{_name(function)} cannot be compiled by Numba: {reason}. Write it with "
            "arithmetic, comparisons, functions of math or numpy, and functions of "
            "yours that numba.njit decorates."
        ) from error
    if not isinstance(result.nopython_signatures[0].return_type, REAL_NUMBERS):
        raise ValueError(f"{_name(function)} must return a number.")
    return result


def warn_of_wrong_slope(function, derivative, points):
    """Compare a derivative with differences at some points: the likeliest mistake.

    ``points`` are arguments of both functions; the derivative is that with respect to
    the first.
    """
    function, derivative = _uncompiled(function), _uncompiled(derivative)
    for x, *rest in points:
        with np.errstate(all="ignore"):
            try:
                claimed = derivative(x, *rest)
                step = 1e-5 * max(1.0, abs(x))
                change = function(x + step, *rest) - function(x - step, *rest)
                slope = change / (2 * step)
            except (ArithmeticError, TypeError, ValueError):
                continue  # not defined there, or not at all: compiling will tell
        if np.isfinite(slope) and abs(claimed - slope) > 1e-3 * max(1.0, abs(slope)):
            arguments = ", ".join(str(argument) for argument in (x, *rest))
            warnings.warn(
                f"{_name(derivative)}({arguments}) is {claimed:.4g}, but "
                f"{_name(function)} has a slope of {slope:.4g} there. Networks are "
                "trained with what the derivative says.",
                stacklevel=2,
            )
            return


def _uncompiled(function):
    """The Python function of one of Numba's; others may need what compiling gives."""
    return function.py_func if isinstance(function, Dispatcher) else function


def _name(function):
    return getattr(function, "__qualname__", repr(function))
