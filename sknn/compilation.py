"""Compiling ahead: pay for the compiler before the first fit, in an image or a test."""

import time
import warnings

import numpy as np

from .estimators import MLPRegressor


def compile_kernels(dtype="float64"):
    """Compile every kernel for one dtype, or load it from the disk cache.

    Parameters
    ----------
    dtype : {"float64", "float32"}, default="float64"
        The dtype of the X that will be fitted.

    Returns
    -------
    seconds : float
        How long it took; next to nothing where the kernels are loaded already.

    Raises
    ------
    ValueError
        If networks are not computed in this dtype.

    Examples
    --------
    >>> from sknn import compile_kernels
    >>> seconds = compile_kernels("float64")
    """
    if dtype not in ("float64", "float32"):
        raise ValueError(f"dtype must be 'float64' or 'float32', got {dtype!r}.")
    start = time.perf_counter()
    X, y = np.eye(2, dtype=dtype), np.arange(2.0)
    net = MLPRegressor(hidden_layer_sizes=1, max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.fit(X, y).predict(X)
    return time.perf_counter() - start
