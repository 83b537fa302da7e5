"""Samples are what the kernels read: a frozen X, and its targets and weights.

X is frozen at the door into one layout and one dtype, read-only, because each other
kind of array would compile every kernel again.  A dense X leaves the CSR arrays
empty; a sparse one leaves ``dense`` empty, and is never made dense as a whole.
"""

from typing import NamedTuple

import numpy as np


class Samples(NamedTuple):
    """Frozen X, targets and sample weights; no weights is an empty array."""

    dense: np.ndarray
    values: np.ndarray
    columns: np.ndarray
    row_starts: np.ndarray
    targets: np.ndarray
    weights: np.ndarray


def freeze(X, dtype, targets=None, weights=None):
    """Samples of X, an array or a sparse matrix of shape (n_samples, n_features)."""
    dense, values = np.empty((0, 0)), np.empty(0)
    columns = row_starts = np.empty(0)
    if is_sparse(X):
        X = X.tocsr()
        values, columns, row_starts = X.data, X.indices, X.indptr
    else:
        dense = X
    return Samples(
        _frozen(dense, dtype),
        _frozen(values, dtype),
        _frozen(columns, np.int32),
        _frozen(row_starts, np.int64),
        _frozen(np.empty((0, 0)) if targets is None else targets, dtype),
        _frozen(np.empty(0) if weights is None else weights, dtype),
    )


def is_sparse(X):
    """Whether X is one of SciPy's sparse matrices or arrays."""
    return hasattr(X, "tocsr")


def _frozen(array, dtype):
    view = np.require(array, dtype, ["C", "A"]).view(np.ndarray)
    view = view[:]  # a view of its own, so that the caller's array stays writable
    view.flags.writeable = False
    return view
