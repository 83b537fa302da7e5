"""Piecewise-linear embeddings: weighted sums of ramps, each after the one before.

Such a sum is linear between knots, the starts of the ramps.  So it takes a sample's two
knots, whatever the number of ramps: its value at a knot is the sum of the weights of
all ramps before, and the gradient of a weight is the sum of those of all values behind.
The intercepts are first among the rows of parameters, as the weights of a ramp before
the first one.
"""

from ._jit import inlined, piece
from ._llvm import at, load, pointer, prefer_wide_vectors, store
from .block_gradients import own_gradients, parameters
from .elementary import clamp
from .layers import PASS, row_of
from .products import add

# Rows of what is kept of a column for the way back: the knot before each sample, and
# which share of the way to the next one lies behind it.
KNOT, SHARE = 0, 1


@inlined
def n_functions_and_sums(layer):
    """How many ramps, or waves, a column has, and how many sums of them."""
    return int(layer.setting), layer.fan_out // layer.fan_in - 1


@inlined
def of_column(zero, plan, layer, block, j, n_sums, which, n):
    """A row of what is kept of a column."""
    kept = pointer(block.kept, zero)
    return row_of(kept, layer.kept, j * (1 + n_sums) + which, plan, n)


@inlined
def sum_of_column(vectors, layer, j, k, n_sums, plan, n):
    """The unit, or its deltas, of sum k of column j."""
    return row_of(vectors, layer.outputs, j * (1 + n_sums) + 1 + k, plan, n)


@inlined
def find_knots(x, knots, starts, distance, n_ramps):
    """The ramp that each number has reached last, or the first: how many are behind."""
    T = x.dtype.type
    knots[:] = 0
    for h in range(1, n_ramps):
        start = load(starts, h * distance)
        for i in range(x.size):
            knots[i] += T(1) if x[i] >= start else T(0)


@inlined
def find_places(zero, plan, layer, block, x, j, n):
    """Between which knots the numbers of a column are, and where."""
    n_ramps, n_sums = n_functions_and_sums(layer)
    knots = of_column(zero, plan, layer, block, j, n_sums, KNOT, n)
    shares = of_column(zero, plan, layer, block, j, n_sums, SHARE, n)
    starts = at(parameters(zero, plan, layer, (1 + n_ramps) * n_sums), j)
    slopes = at(starts, n_ramps * layer.stride)
    find_knots(x, knots, starts, layer.stride, n_ramps)
    T = type(zero)
    for i in range(n):
        place = int(knots[i]) * layer.stride
        way = (x[i] - load(starts, place)) * load(slopes, place)
        shares[i] = clamp(way, T(0), T(1))


@inlined
def values_at_knots(zero, plan, layer, block, j):
    """The values of all sums of a column at its knots, in scratch."""
    n_ramps, n_sums = n_functions_and_sums(layer)
    scratch = (layer.kept + layer.fan_out) * plan.stride
    values = at(pointer(block.kept, zero), scratch)
    weights = at(parameters(zero, plan, layer, 0), j)
    for k in range(n_sums):
        value = zero
        for h in range(1 + n_ramps):
            value += load(weights, (h * n_sums + k) * layer.stride)
            store(values, h * n_sums + k, value)
    return values


@piece(*PASS)
def interpolate(zero, plan, layer, block, first, n):
    """Each column, and its sums, on the way from one knot's value to the next's."""
    prefer_wide_vectors()
    units = pointer(block.units, zero)
    _, n_sums = n_functions_and_sums(layer)
    for j in range(layer.fan_in):
        x = row_of(units, layer.inputs, j, plan, n)
        row_of(units, layer.outputs, j * (1 + n_sums), plan, n)[:] = x
        find_places(zero, plan, layer, block, x, j, n)
        knots = of_column(zero, plan, layer, block, j, n_sums, KNOT, n)
        shares = of_column(zero, plan, layer, block, j, n_sums, SHARE, n)
        values = values_at_knots(zero, plan, layer, block, j)
        for k in range(n_sums):
            output = sum_of_column(units, layer, j, k, n_sums, plan, n)
            for i in range(n):
                place = int(knots[i]) * n_sums + k
                low, high = load(values, place), load(values, place + n_sums)
                output[i] = low + shares[i] * (high - low)


@piece(*PASS)
def interpolate_backward(zero, plan, layer, block, first, n):
    """Gradients of the values at the knots, and of the weights that these sum up."""
    prefer_wide_vectors()
    n_ramps, n_sums = n_functions_and_sums(layer)
    grads = own_gradients(zero, block, layer, 0)
    for i in range(layer.rows * layer.stride):
        store(grads, i, zero)
    for j in range(layer.fan_in):
        gradients_at_knots(zero, plan, layer, block, at(grads, j), j, n_sums, n)
    for row in range(n_ramps * n_sums - 1, -1, -1):
        behind = at(grads, (row + n_sums) * layer.stride)
        add(behind, at(grads, row * layer.stride), layer.stride)


@inlined
def gradients_at_knots(zero, plan, layer, block, grads, j, n_sums, n):
    """Each sample adds its deltas to the knots on both sides, by its share."""
    deltas, next_knot = pointer(block.deltas, zero), n_sums * layer.stride
    knots = of_column(zero, plan, layer, block, j, n_sums, KNOT, n)
    shares = of_column(zero, plan, layer, block, j, n_sums, SHARE, n)
    for k in range(n_sums):
        delta = sum_of_column(deltas, layer, j, k, n_sums, plan, n)
        for i in range(n):
            low = int(knots[i]) * next_knot + k * layer.stride
            part = shares[i] * delta[i]
            store(grads, low, load(grads, low) + (delta[i] - part))
            high = low + next_knot
            store(grads, high, load(grads, high) + part)
