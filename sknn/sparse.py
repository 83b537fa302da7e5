"""The first layer on a sparse X, whose rows are read where they are.

X is never made dense, not even a row of it: the weighted sums of a row are made of the
rows of W that it has numbers for.  A row of the gradient is made of the deltas of the
samples that have numbers in its column; so a block of X is sorted by columns before,
for then each row is written once.
"""

from ._jit import inlined, piece
from ._llvm import at, call, load, pointer, record_at, store
from ._sparse_tile import sparse_tile, sparse_tile_width
from ._tile import lanes
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
        n_numbers, stride = stop - start, layer.stride
        _sum_rows(z, factors, rows, n_numbers, W, stride, layer.columns, True)
    outputs = at(units, layer.outputs * plan.stride)
    matrices = turned, layer.stride, outputs, plan.stride
    call(plan.transpose, (*matrices, n, layer.fan_out))
    ones = at(outputs, layer.fan_out * plan.stride)
    for i in range(plan.stride):
        store(ones, i, 1)


@piece(*PASS)
def sort_by_columns(zero, plan, layer, block, first, n):
    """Lay a block's X out by columns, each in the order of the samples; then one of 1s.

    A counting sort: how many numbers each column has, where it starts, which they are.
    """
    values, columns = pointer(plan.values, zero), pointer(plan.columns, INT32)
    starts, order = pointer(plan.row_starts, INT64), pointer(plan.order, INT64)
    ends, rows = pointer(block.column_starts, INT64), pointer(block.column_rows, INT32)
    sorted_values = pointer(block.column_values, zero)
    for j in range(layer.fan_in + 2):
        store(ends, j, 0)
    for i in range(n):
        sample = load(order, first + i)
        for k in range(load(starts, sample), load(starts, sample + 1)):
            place = load(columns, k) + 2
            store(ends, place, load(ends, place) + 1)
    end = 0
    for j in range(layer.fan_in + 2):
        end += load(ends, j)
        store(ends, j, end)
    store(ends, layer.fan_in + 1, end + n)
    # until a column is filled, what is to be its end is where its next number goes
    for i in range(n):
        sample = load(order, first + i)
        for k in range(load(starts, sample), load(starts, sample + 1)):
            column = load(columns, k) + 1
            place = load(ends, column)
            store(ends, column, place + 1)
            store(rows, place, i)
            store(sorted_values, place, load(values, k))
        store(rows, end + i, i)
        store(sorted_values, end + i, 1)


@piece(*GRADIENTS)
def sparse_gradients(
    zero, plan, layer, blocks, first, last, accumulate, row, n_rows, grads
):
    """Gradients of some rows of W, each in one sum over the samples of all blocks."""
    n_blocks = (last - first + plan.block_rows - 1) // plan.block_rows
    for i in range(n_rows):
        grad = at(grads, i * layer.stride)
        for number in range(n_blocks):
            block = record_at(blocks, number)
            starts = pointer(block.column_starts, INT64)
            start, stop = load(starts, row + i), load(starts, row + i + 1)
            values = at(pointer(block.column_values, zero), start)
            rows = at(pointer(block.column_rows, INT32), start)
            deltas = at(pointer(block.turned, zero), layer.turned * plan.block_rows)
            _sum_rows(
                grad, values, rows, stop - start, deltas, layer.stride, layer.columns,
                accumulate != 0 or number > 0,
            )  # fmt: skip


@inlined
def _sum_rows(c, factors, rows, n, b, b_row, n_columns, accumulate):
    """c[:n_columns] (+)= factors @ b[rows], of whole vectors and n rows."""
    j = 0
    while j < n_columns:
        width = sparse_tile_width((n_columns - j) // lanes(c))
        sparse_tile(width, factors, rows, n, at(b, j), b_row, at(c, j), accumulate)
        j += width * lanes(c)


SPARSE = Kind(
    forward=sparse_forward,
    turn=turn,
    backward=sort_by_columns,
    gradients=sparse_gradients,
    predict=sparse_forward,
    parts=DENSE.parts,
)
