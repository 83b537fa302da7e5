"""Samples are what the kernels read: a frozen X, and its targets and weights.

X is frozen at the door into one layout and one dtype, read-only, because the kernels
get its address and nothing else.  A dense X leaves the CSR arrays empty; a sparse one
leaves ``dense`` empty, and is never made dense as a whole.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

NEEDS_DENSE = (
    "numerical_embedding, categorical_features and input_scaling need a dense X, got a "
    "sparse one. Use X.toarray(), or leave them out."
)


class Samples(NamedTuple):
    """Frozen X, targets and sample weights; no weights is an empty array."""

    dense: np.ndarray
    values: np.ndarray
    columns: np.ndarray
    row_starts: np.ndarray
    targets: np.ndarray
    weights: np.ndarray

    def part(self, rows):
        """Samples of which a range of rows is left of X, as views."""
        start, stop = rows.start, rows.stop
        row_starts = self.row_starts[start : stop + 1]
        return self._replace(dense=self.dense[start:stop], row_starts=row_starts)


def freeze(X, dtype, targets=None, weights=None):
    """Samples of X, an array or a sparse matrix of shape (n_samples, n_features)."""
    dtype = np.dtype(dtype)
    if is_sparse(X):
        X = X.tocsr()
        dense = _nothing(2, dtype)
        values, columns = _frozen(X.data, dtype), _frozen(X.indices, np.int32)
        row_starts = _frozen(X.indptr, np.int64)
        if columns.size and not 0 <= columns.min() <= columns.max() < X.shape[1]:
            raise ValueError(
                f"X has {X.shape[1]} columns, but indices from {columns.min()} to "
                f"{columns.max()}: make it again, or see X.check_format()."
            )
    else:
        dense = _frozen(X, dtype)
        values, columns = _nothing(1, dtype), _nothing(1, np.int32)
        row_starts = _nothing(1, np.int64)
    targets = _nothing(2, dtype) if targets is None else _frozen(targets, dtype)
    weights = _nothing(1, dtype) if weights is None else _frozen(weights, dtype)
    return Samples(dense, values, columns, row_starts, targets, weights)


def spread(rows, most):
    """At most so many of some rows, evenly spread over them."""
    return rows[:: -(-rows.size // most)].copy()


def is_sparse(X):
    """Whether X is one of SciPy's sparse matrices or arrays."""
    return hasattr(X, "tocsr")


@cache
def _nothing(ndim, dtype):
    return _frozen(np.empty((0,) * ndim), dtype)


def _frozen(array, dtype):
    # a view, so that the caller's array stays writable
    view = np.require(array, dtype, ["C", "A"]).view(np.ndarray)
    view.flags.writeable = False
    return view
