"""The parameters are one flat vector; the layers are a table of where things lie in it.

``params = [W0 | b0 | W1 | b1 | ...]``.  Each W is row-major of shape (fan_in, fan_out)
and b is its last row, so that an input of ones turns ``X @ W + b`` into one product.
Every row is padded with zeros to whole 64-byte vectors and starts on such a boundary,
but those of dense layers of one to four outputs after the first layer: they lie side by
side (`Layers`).

What is padded, and with what: a row of parameters has ``width`` numbers, ``columns``
with the rest of its last vector, and ``stride`` up to the next row.  All padding stays
0, for its gradient is 0.  In a block of samples a level of n units has
``padded(n + 1)`` rows: the units, a row of ones, and rows that stay 0.  In a block of
deltas the row in place of the ones stays 0, too: transposing makes of these rows the
padding of ``turned``.  The columns of a block behind its last sample hold what was
there before: tiles compute with it, but no sum over samples gets that far.  Behind a
vector is room for one more, which copies of A's columns and whole vectors of rows side
by side may read.
"""

from functools import cache

import numpy as np

from ._tile import VECTOR_BYTES


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


def starts(sizes):
    """Where each of several stretches of these sizes starts."""
    return np.concatenate([[0], np.cumsum(sizes[:-1])]).astype(np.int64)


def views(params, layers):
    """The parts of the parameters: lists of views, one for each layer that has it."""
    lists = {}
    for part, view in parts(params, layers):
        lists.setdefault(part.name, []).append(view)
    return lists


def parts(params, layers):
    """Each part of the parameters and a view of it, in the order of the flat vector."""
    for i, layer in enumerate(layers.table):
        row, stride = layer["params"], layer["stride"]
        for part, n_rows in layers.parts(i):
            block = params[row : row + n_rows * stride].reshape(n_rows, stride)
            block = block[:, : layer["width"]]
            is_row = part.rows == 1 and not layers.kinds[i].has_inputs_width
            yield part, block[0] if is_row else block
            row += n_rows * stride


def pack(lists, layers):
    """The flat vector with these parts."""
    params = zeros(layers.n_params, layers.dtype)
    for name, views_of_part in views(params, layers).items():
        if len(lists[name]) != len(views_of_part):
            raise ValueError(
                f"{name} must have {len(views_of_part)} arrays, got {len(lists[name])}."
            )
        for view, values in zip(views_of_part, lists[name], strict=True):
            view[:] = values
    return params


def layer_units(coefs):
    """Units of each layer, the input's first, from a list of weight matrices."""
    return [coefs[0].shape[0]] + [coef.shape[1] for coef in coefs]
