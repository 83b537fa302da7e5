"""The network at work: forward, backward and update over minibatches, in one call.

A minibatch goes through in blocks.  In `units` and `deltas` a block is a matrix with a
row for each unit and a column for each sample, so that every loop runs along samples,
however few units there are; a row of ones stands in for the intercepts' inputs:

    forward     units[l + 1]  = activation(W.T @ units[l])
    backward    deltas[l]     = (W @ deltas[l + 1]) * slope(units[l])
    gradient    grads         = units[l] @ turned[l + 1]

where `turned` has the deltas with a row for each sample.  The members of a team share
the samples on the way forward and back, and the rows of each W for its gradient and
step; no sum depends on how many they are.

The kernels read a `PLAN`: addresses and sizes, written by plans.py.  ``zero`` is a zero
of the dtype that is computed in, and `pointer` makes a pointer of an address.
"""

from ._jit import inlined, kernel, subroutine
from ._llvm import at, call, load, pointer, store
from ._tile import lanes
from .products import (
    AS_IT_IS,
    OVERWRITE,
    TRANSPOSED,
    add,
    copy,
    sum_of_squares,
    total,
    whole_vectors,
)
from .records import FLOAT64, INT64
from .team import share, wait_for_all

STRIP = 8  # rows of W that a member takes at a time
PANEL = 128  # rows of W that are stepped as soon as their gradient is there


@kernel
def run_epoch(zero, plans, layers, blocks, number):
    """Pass once over the samples in order, one step per minibatch.

    Every member of a team calls it, with its number.  Returns the mean loss of the
    samples, each taken before the step it leads to, and the mean of the L2 penalty; to
    the first member, that is.
    """
    plan = plans[0]
    total_loss, total_penalty, n_barriers = 0.0, 0.0, 0
    arrivals, rates = pointer(plan.arrivals, INT64), pointer(plan.rates, FLOAT64)
    for step in range(plan.n_steps):
        start = step * plan.batch_size
        stop = min(start + plan.batch_size, plan.n_samples)
        weight = batch_weight(zero, plan, start, stop)
        for first in range(start, stop, plan.block_rows * plan.n_blocks):
            last = min(first + plan.block_rows * plan.n_blocks, stop)
            mine, end = share(plan.n_blocks, 1, number, plan.n_members)
            for i in range(mine, end):
                train_block(zero, plan, layers, blocks[i], start, first, last, i)
            n_barriers = wait_for_all(arrivals, plan.n_members, n_barriers)
            if number == 0 and last == stop and weight != 0:
                losses = total(pointer(plan.losses, zero), stop - start)
                total_loss += losses / weight * (stop - start)
            # weights that cancel have no mean: nothing is learned
            scale = 1 / weight if last == stop and weight != 0 else 0.0
            gradients_and_steps(
                zero, plan, layers, blocks, number, first, last, int(first > start),
                scale, load(rates, step),
            )  # fmt: skip
            n_barriers = wait_for_all(arrivals, plan.n_members, n_barriers)
        if number == 0 and weight != 0:
            squares = total(pointer(plan.penalties, FLOAT64), plan.n_strips)
            total_penalty += 0.5 * plan.alpha * squares / weight * (stop - start)
    return total_loss / plan.n_samples, total_penalty / plan.n_samples


@kernel
def predict(zero, plans, layers, blocks, number):
    """Write the network's outputs for a member's share of the samples in order."""
    plan, block = plans[0], blocks[number]
    outputs = pointer(plan.outputs, zero)
    start, stop = share(plan.n_samples, plan.block_rows, number, plan.n_members)
    for first in range(start, stop, plan.block_rows):
        n = min(plan.block_rows, stop - first)
        forward(zero, plan, layers, block, first, n)
        z = at(pointer(block.units, zero), layers[-1].outputs * plan.stride)
        scratch = pointer(block.weights, zero)
        settings = pointer(plan.loss_settings, FLOAT64)
        call(plan.link, (z, scratch, settings, plan.n_outputs, plan.stride, n))
        for i in range(n):
            for j in range(plan.n_outputs):
                output = load(z, j * plan.stride + i)
                store(outputs, (first + i) * plan.n_outputs + j, output)


@inlined
def rows_of_block(plan, first, last, i):
    """First and last of the samples of block ``i`` of those from first up to last."""
    start = min(first + i * plan.block_rows, last)
    return start, min(start + plan.block_rows, last)


@inlined
def batch_weight(zero, plan, start, stop):
    """Sum of a minibatch's sample weights, or its size where there are none."""
    if not plan.has_weights:
        return float(stop - start)
    order, weights = pointer(plan.order, INT64), pointer(plan.weights, zero)
    result = 0.0
    for i in range(start, stop):
        result += load(weights, load(order, i))
    return result


@inlined
def train_block(zero, plan, layers, block, batch, first, last, i):
    """Send a block of samples forward and back; its own gradients, if it has any."""
    start, stop = rows_of_block(plan, first, last, i)
    n = stop - start
    if n > 0:
        forward(zero, plan, layers, block, start, n)
        output_layer(zero, plan, layers, block, start, n, start - batch)
        backward(zero, plan, layers, block, n)
        if plan.sums_chunks and plan.n_members > 1:
            for depth in range(layers.size):
                layer = layers[depth]
                grads, n_rows = pointer(block.grads, zero), layer.fan_in + 1
                grads = at(grads, layer.weights)
                weight_gradient(zero, plan, layer, block, 0, n, 0, n_rows, 0, grads)


@subroutine
def forward(zero, plan, layers, block, first, n):
    """Outputs of every layer for a block of samples; the last ones are sums still."""
    units, params = pointer(block.units, zero), pointer(plan.params, zero)
    if not plan.is_sparse:
        gather(zero, plan, block, first, n)
    for depth in range(layers.size):
        layer = layers[depth]
        outputs = at(units, layer.outputs * plan.stride)
        if depth == 0 and plan.is_sparse:
            call(plan.sparse_forward, (zero, plan, layer, block, first, n))
        else:
            call(
                plan.product,
                (
                    at(params, layer.weights), layer.stride, TRANSPOSED,
                    at(units, layer.inputs * plan.stride), plan.stride,
                    outputs, plan.stride,
                    layer.fan_out, whole_vectors(n, zero), layer.fan_in + 1, OVERWRITE,
                    pointer(block.packed, zero),
                ),
            )  # fmt: skip
        if layer.activation != 0:
            call(layer.activation, (outputs, layer.fan_out * plan.stride))


@inlined
def gather(zero, plan, block, first, n):
    """Turn some rows of X, a vector's worth at a time, into the columns of a block."""
    X, order = pointer(plan.dense, zero), pointer(plan.order, INT64)
    strip, units = pointer(block.strip, zero), pointer(block.units, zero)
    for i in range(0, n, lanes(X)):
        for k in range(min(lanes(X), n - i)):
            row = at(X, load(order, first + i + k) * plan.n_features)
            copy(row, at(strip, k * plan.strip_stride), plan.n_features)
        call(
            plan.transpose,
            (
                strip, plan.strip_stride, at(units, i), plan.stride,
                lanes(X), plan.n_features + 1,
            ),
        )  # fmt: skip


@subroutine
def output_layer(zero, plan, layers, block, first, n, place):
    """Outputs and deltas of a block, and its losses at their place in the minibatch."""
    order = pointer(plan.order, INT64)
    all_targets, targets = pointer(plan.targets, zero), pointer(block.targets, zero)
    for j in range(plan.n_targets):
        for i in range(n):
            target = load(all_targets, load(order, first + i) * plan.n_targets + j)
            store(targets, j * plan.stride + i, target)
    weights = pointer(block.weights, zero)
    if plan.has_weights:
        for i in range(n):
            weight = load(pointer(plan.weights, zero), load(order, first + i))
            store(weights, i, weight)
    outputs = layers[-1].outputs * plan.stride
    z, deltas = (
        at(pointer(block.units, zero), outputs),
        at(pointer(block.deltas, zero), outputs),
    )
    losses = at(pointer(plan.losses, zero), place)
    sizes = plan.n_outputs, plan.stride, n
    settings = pointer(plan.loss_settings, FLOAT64)
    call(plan.loss, (z, targets, weights, deltas, losses, settings, *sizes))


@subroutine
def backward(zero, plan, layers, block, n):
    """Deltas of every layer, from those of the last one."""
    units, deltas = pointer(block.units, zero), pointer(block.deltas, zero)
    turned = pointer(block.turned, zero)
    for depth in range(layers.size - 1, -1, -1):
        layer = layers[depth]
        above, below = layer.outputs * plan.stride, layer.inputs * plan.stride
        call(
            plan.transpose,
            (
                at(deltas, above), plan.stride,
                at(turned, layer.strides * plan.block_rows), layer.stride,
                layer.fan_out, n,
            ),
        )  # fmt: skip
        if depth == 0:
            break
        call(
            plan.product,
            (
                at(pointer(plan.params, zero), layer.weights), layer.stride, AS_IT_IS,
                at(deltas, above), plan.stride, at(deltas, below), plan.stride,
                layer.fan_in, whole_vectors(n, zero), layer.fan_out, OVERWRITE,
                pointer(block.packed, zero),
            ),
        )  # fmt: skip
        slope = layers[depth - 1].slope
        if slope != 0:
            size = layer.fan_in * plan.stride
            call(slope, (at(units, below), at(deltas, below), size))


@subroutine
def gradients_and_steps(
    zero, plan, layers, blocks, number, first, last, accumulate, scale, rate
):
    """A member's share of the rows of every W: gradients and, if scaled, steps."""
    strip = 0
    for depth in range(layers.size):
        layer = layers[depth]
        start, stop = share(layer.fan_in + 1, STRIP, number, plan.n_members)
        is_sparse = depth == 0 and plan.is_sparse != 0
        if is_sparse:
            call(
                plan.sparse_gradients,
                (zero, plan, layer, blocks[0], first, last, accumulate, start, stop),
            )
        for row in range(start, stop, PANEL):
            n_rows = min(PANEL, stop - row)
            if not is_sparse:
                gradients(
                    zero, plan, layer, blocks, first, last, accumulate, row, n_rows
                )
            if scale != 0:
                step_rows(
                    zero, plan, layer, row, n_rows, strip + row // STRIP, scale, rate
                )
        strip += (layer.fan_in + STRIP) // STRIP


@inlined
def gradients(zero, plan, layer, blocks, first, last, accumulate, row, n_rows):
    """Some rows of a weight gradient, in one sum over all samples or one per chunk."""
    place = layer.weights + row * layer.stride
    grads = at(pointer(plan.grads, zero), place)
    for start in range(0, last - first, plan.chunk_rows):
        n = min(plan.chunk_rows, last - first - start)
        block, offset = divmod(start, plan.block_rows)
        if not plan.sums_chunks:
            weight_gradient(
                zero, plan, layer, blocks[block], offset, n, row, n_rows, accumulate,
                grads,
            )  # fmt: skip
        else:
            own = at(pointer(blocks[block].grads, zero), place)
            if plan.n_members == 1:  # others have done it in `train_block`
                weight_gradient(
                    zero, plan, layer, blocks[block], offset, n, row, n_rows, 0, own
                )
            if accumulate:
                add(own, grads, n_rows * layer.stride)
            else:
                copy(own, grads, n_rows * layer.stride)
        accumulate = 1


@inlined
def weight_gradient(
    zero, plan, layer, block, offset, n, row, n_rows, accumulate, grads
):
    """Some rows of a weight gradient over samples of a block: units times deltas."""
    units = at(pointer(block.units, zero), (layer.inputs + row) * plan.stride + offset)
    turned = layer.strides * plan.block_rows + offset * layer.stride
    call(
        plan.product,
        (
            units, plan.stride, AS_IT_IS,
            at(pointer(block.turned, zero), turned), layer.stride,
            grads, layer.stride, n_rows, layer.columns, n, accumulate, grads,
        ),
    )  # fmt: skip


@inlined
def step_rows(zero, plan, layer, row, n_rows, strip, scale, rate):
    """Note the squares of some rows of a W, strip by strip, then step them."""
    n_weights = min(n_rows, layer.fan_in - row)
    place = layer.weights + row * layer.stride
    penalties, params = pointer(plan.penalties, FLOAT64), pointer(plan.params, zero)
    for i in range(0, n_weights, STRIP):
        size = min(STRIP, n_weights - i) * layer.stride
        squares = sum_of_squares(at(params, place + i * layer.stride), size)
        store(penalties, strip + i // STRIP, squares)
    if plan.update != 0:
        size = n_weights * layer.stride
        step_stretch(zero, plan, place, size, scale, rate, plan.alpha)
        if n_rows > n_weights:  # the last row, of intercepts, is not penalised
            step_stretch(zero, plan, place + size, layer.stride, scale, rate, 0.0)


@inlined
def step_stretch(zero, plan, place, n, scale, rate, decay):
    """Step some neighbouring parameters."""
    params = at(pointer(plan.params, zero), place)
    grads = at(pointer(plan.grads, zero), place)
    moments = at(pointer(plan.moments, zero), place)
    settings = pointer(plan.settings, FLOAT64)
    numbers = plan.n_params, n, settings, rate, scale, decay
    call(plan.update, (params, grads, moments, *numbers))
