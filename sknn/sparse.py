"""The first layer on a sparse X, whose rows are read where they are.

X is never made dense, not even a row of it: a row's weighted sums are those of the
rows of W that it has numbers for, and so is what it adds to the gradient.
"""

from ._jit import inlined, piece
from ._llvm import at, call, load, pointer, record_at, store
from ._sparse_tile import sparse_tile, sparse_tile_width
from ._tile import add_multiple_of_vector, lanes
from .dense import DENSE, turn
from .layers import GRADIENTS, PASS, Kind
from .products import copy
from .records import INT32, INT64


@piece(*PASS)
def sparse_forward(zero, plan, layer, block, first, n):
    """Weighted sums of a block of samples."""
    values, columns = pointer(plan.values, zero), pointer(plan.columns, INT32)
    starts, order = pointer(plan.row_starts, INT64), pointer(plan.order, INT64)
    W = at(pointer(plan.params, zero), layer.params)
    units = pointer(block.units, zero)
    turned = at(pointer(block.turned, zero), layer.turned * plan.block_rows)
    for i in range(n):
        sample, z = load(order, first + i), at(turned, i * layer.stride)
        copy(at(W, layer.fan_in * layer.stride), z, layer.stride)
        start, stop = load(starts, sample), load(starts, sample + 1)
        factors, rows = at(values, start), at(columns, start)
        _add_rows(z, factors, rows, stop - start, W, layer.stride, layer.columns)
    outputs = at(units, layer.outputs * plan.stride)
    matrices = turned, layer.stride, outputs, plan.stride
    call(plan.transpose, (*matrices, n, layer.fan_out))
    ones = at(outputs, layer.fan_out * plan.stride)
    for i in range(plan.stride):
        store(ones, i, 1)


@piece(*GRADIENTS)
def sparse_gradients(
    zero, plan, layer, blocks, first, last, accumulate, row, n_rows, grads
):
    """Gradients of some rows of W, from the samples of all blocks."""
    end = row + n_rows
    values, columns = pointer(plan.values, zero), pointer(plan.columns, INT32)
    starts, order = pointer(plan.row_starts, INT64), pointer(plan.order, INT64)
    if not accumulate:
        for i in range(n_rows * layer.stride):
            store(grads, i, zero)
    for i in range(first, last):
        number, row_of_block = divmod(i - first, plan.block_rows)
        turned = pointer(record_at(blocks, number).turned, zero)
        delta = at(turned, layer.turned * plan.block_rows + row_of_block * layer.stride)
        sample = load(order, i)
        for k in range(load(starts, sample), load(starts, sample + 1)):
            column = load(columns, k)
            if row <= column < end:
                grad = at(grads, (column - row) * layer.stride)
                _add_multiple(grad, load(values, k), delta, layer.columns)
        if end > layer.fan_in:
            grad = at(grads, (layer.fan_in - row) * layer.stride)
            _add_multiple(grad, type(zero)(1), delta, layer.columns)


@inlined
def _add_rows(c, factors, rows, n, b, b_row, n_columns):
    """c[:n_columns] += factors @ b[rows], of whole vectors and n rows."""
    j = 0
    while j < n_columns:
        width = sparse_tile_width((n_columns - j) // lanes(c))
        sparse_tile(width, factors, rows, n, at(b, j), b_row, at(c, j))
        j += width * lanes(c)


@inlined
def _add_multiple(c, factor, b, n):
    """c[:n] += factor * b[:n], for whole vectors."""
    for j in range(0, n, lanes(c)):
        add_multiple_of_vector(at(c, j), factor, at(b, j))


SPARSE = Kind(
    forward=sparse_forward,
    turn=turn,
    gradients=sparse_gradients,
    predict=sparse_forward,
    parts=DENSE.parts,
)
