"""Compiling ahead: pay for the compiler before the first fit, in an image or a test."""

import time
import warnings

import numpy as np

from .activations import ACTIVATIONS, kind_of
from .dense import DENSE, INPUT, PROJECTION
from .dropout import DROPOUT, NOISE
from .estimators import MLPRegressor
from .loss_pieces import LINKS
from .losses import LOSSES
from .monotonic import REFLECTION
from .normalization import NORMALIZATIONS
from .optimizers import OPTIMIZERS
from .products import product, transpose
from .regularization import finish, prepare
from .skips import SKIP
from .sparse import SPARSE


def compile_kernels(dtype="float64"):
    """Compile every kernel for one dtype, or load it from the disk cache.

    A fit compiles only what it uses: its activation, its loss, its solver.  This
    compiles them all.

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
    for piece in _pieces():
        piece.address(np.dtype(dtype))
    X, y = np.eye(2, dtype=dtype), np.arange(2.0)
    net = MLPRegressor(hidden_layer_sizes=1, max_iter=1, random_state=0)
    first_use(net, X, y)
    return time.perf_counter() - start


def first_use(net, X, y):
    """Seconds of a fit and a prediction, with whatever they compile or load."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.fit(X, y).predict(X)
    return time.perf_counter() - start


def _pieces():
    """Everything that is compiled when it is first used."""
    yield from (product, transpose)
    kinds = [INPUT, DENSE, SPARSE, PROJECTION, SKIP, DROPOUT, NOISE, REFLECTION]
    kinds += NORMALIZATIONS.values()
    formulas = filter(None, ACTIVATIONS.values())
    kinds += [kind_of(formula, changed) for formula in formulas for changed in (0, 1)]
    for kind in kinds:
        yield from filter(
            None, (kind.forward, kind.backward, kind.gradients, kind.predict)
        )
    yield from LINKS.values()
    yield from (loss.train for loss in LOSSES.values())
    for optimizer in OPTIMIZERS.values():
        if optimizer.update:
            yield optimizer.update
    yield from (prepare, finish)
