"""The parameters are one flat vector; the layers are a table of where things lie in it.

``params = [W0 | b0 | W1 | b1 | ...]``.  Each W is row-major of shape (fan_in, fan_out)
and b is its last row, so that an input of ones turns ``X @ W + b`` into one product.
Every row is padded with zeros to whole 64-byte vectors and starts on such a boundary.
"""

from functools import cache

import numpy as np

from .records import LAYER

VECTOR_BYTES = 64


def padded(n, dtype):
    """``n`` rounded up to whole vectors."""
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    return -(-n // lanes) * lanes


def row_stride(n, dtype):
    """Distance between rows of ``n`` numbers: an odd number of cache lines if large.

    Rows that lie a large power of two apart would all fall into the same few sets of
    the cache and evict each other.
    """
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    n_lines = padded(n, dtype) // lanes
    return (n_lines + (n_lines >= 8 and n_lines % 2 == 0)) * lanes


def zeros(size, dtype):
    """A vector of zeros on a 64-byte boundary, with room behind it for one vector."""
    dtype = np.dtype(dtype)
    if size == 0:
        return _empty(dtype)
    buffer = np.zeros(size * dtype.itemsize + 2 * VECTOR_BYTES, dtype=np.uint8)
    start = -buffer.ctypes.data % VECTOR_BYTES
    return buffer[start : start + size * dtype.itemsize].view(dtype)


@cache
def _empty(dtype):
    return np.zeros(0, dtype)


def layer_table(layer_units, dtype, sparse_input=False):
    """Lay out a network of ``layer_units``.

    A sparse input has no place among the units: its rows are read where they are.
    """
    layers = np.zeros(len(layer_units) - 1, dtype=LAYER)
    layers["fan_in"], layers["fan_out"] = layer_units[:-1], layer_units[1:]
    layers["columns"] = [padded(n, dtype) for n in layer_units[1:]]
    layers["stride"] = [row_stride(n, dtype) for n in layer_units[1:]]
    layers["weights"] = _starts((layers["fan_in"] + 1) * layers["stride"])
    layers["strides"] = _starts(layers["stride"])
    # one more row, of ones, for the intercepts of the next layer
    rows = np.array([padded(n + 1, dtype) for n in layer_units])
    rows[0] *= not sparse_input
    starts = _starts(rows)
    layers["inputs"], layers["outputs"] = starts[:-1], starts[1:]
    return layers


def _starts(sizes):
    return np.concatenate([[0], np.cumsum(sizes[:-1])])


def n_params(layers):
    """Length of the flat vector, padding included."""
    last = layers[-1]
    return int(last["weights"] + (last["fan_in"] + 1) * last["stride"])


def n_units(layers, dtype):
    """Rows that the inputs and outputs of all layers take in a block of units."""
    last = layers[-1]
    return int(last["outputs"]) + padded(last["fan_out"] + 1, dtype)


def views(params, layers):
    """The weights and intercepts of each layer, as views of ``params``."""
    coefs, intercepts = [], []
    for layer in layers:
        start, stride = layer["weights"], layer["stride"]
        stop = start + (layer["fan_in"] + 1) * stride
        block = params[start:stop].reshape(-1, stride)[:, : layer["fan_out"]]
        coefs.append(block[:-1])
        intercepts.append(block[-1])
    return coefs, intercepts


def pack(coefs, intercepts, layers, dtype):
    """The flat vector with these weights and intercepts."""
    params = zeros(n_params(layers), dtype)
    blocks = zip(*views(params, layers), coefs, intercepts, strict=True)
    for coef_view, intercept_view, coef, intercept in blocks:
        coef_view[:] = coef
        intercept_view[:] = intercept
    return params


def initialize(layers, random_state, factor, dtype):
    """Draw a flat vector by Glorot and Bengio (2010), uniform, in scikit-learn's order.

    The bound is ``sqrt(factor / (fan_in + fan_out))``, for intercepts too.
    """
    params = zeros(n_params(layers), dtype)
    for coef, intercept in zip(*views(params, layers), strict=True):
        bound = np.sqrt(factor / sum(coef.shape))
        coef[:] = random_state.uniform(-bound, bound, coef.shape)
        intercept[:] = random_state.uniform(-bound, bound, intercept.shape)
    return params


def layer_units(coefs):
    """Units of each layer, the input's first, from a list of weight matrices."""
    return [coefs[0].shape[0]] + [coef.shape[1] for coef in coefs]
