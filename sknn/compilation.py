"""Compiling ahead: pay for the compiler before the first fit, in an image or a test."""

import time
import warnings

import numpy as np

from ._jit import Piece
from .activations import ACTIVATIONS, kind_of
from .dense import DENSE, INPUT, PROJECTION
from .dropout import DROPOUT, NOISE
from .embedding_layers import EMBEDDINGS, kind_of_embedding
from .embeddings import Embedding
from .estimators import MLPRegressor
from .loss_pieces import LINKS
from .losses import LOSSES, BinaryCrossEntropy, CrossEntropy, Quantile, Tweedie
from .monotonic import REFLECTION
from .network import clip_and_step
from .normalization import NORMALIZATIONS
from .optimizers import OPTIMIZERS
from .parametric import parametric
from .products import product, transpose
from .regularization import finish, note_penalties_and_norms, prepare
from .scaling import SCALING
from .skips import SKIP
from .sparse import SPARSE


def compile_kernels(dtype="float64"):
    """Compile every kernel for one dtype, or load it from the disk cache.

    A fit compiles only what it uses: its activation, its loss, its solver.  This
    compiles them all.

    Parameters
    ----------
    dtype : {"float64", "float32"}, default="float64"
        The dtype of the X that will be fitted; with L-BFGS always float64.

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
    """Everything that is compiled when it is first used, but for what each fit uses."""
    yield from (product, transpose)
    for kind in _kinds():
        yield from (piece for piece in kind if isinstance(piece, Piece))
    yield from LINKS.values()
    others = BinaryCrossEntropy(0.1), CrossEntropy(0.1), Quantile([0.5]), Tweedie(0)
    yield from (loss.train for loss in (*LOSSES.values(), *others))
    for optimizer in OPTIMIZERS.values():
        if optimizer.update:
            yield optimizer.update
    yield from (note_penalties_and_norms, clip_and_step, prepare, finish)


def _kinds():
    """The kinds of layers."""
    yield from (INPUT, DENSE, SPARSE, PROJECTION, SKIP, DROPOUT, NOISE, REFLECTION)
    yield from (SCALING, *NORMALIZATIONS.values())
    for formula in filter(None, ACTIVATIONS.values()):
        yield from (kind_of(formula, is_changed) for is_changed in (False, True))
        yield parametric(formula)
    for name in EMBEDDINGS:
        yield kind_of_embedding(Embedding(name, n_columns=1, n_units=2, size=1))
