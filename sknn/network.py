"""The network at work: forward, backward and update over minibatches, in one call.

A minibatch goes through in blocks of samples.  A block of `units`, or of `deltas`, is
a matrix with a row for each unit and a column for each sample, so that every loop runs
along samples, however few units there are.  What is done to a block is up to the
layers, whose pieces are called in their order, and then in reverse.  The members of a
team share the samples on the way there and back, and the rows of the parameters for
gradients and steps; no sum depends on how many they are.

The kernels read a `PLAN`: addresses and sizes, written by plans.py.  ``zero`` is a zero
of the dtype that is computed in, and `pointer` makes a pointer of an address.
"""

import numpy as np

from ._jit import as_array, inlined, kernel, subroutine
from ._llvm import at, call, load, pointer, store
from .architecture import STRIP
from .products import squared_norm, sum_of_absolutes, sum_of_squares, total
from .records import FLOAT64, INT64
from .regularization import penalize
from .team import share, wait_for_all


@kernel
def run_epoch(zero, plans, layers, blocks, number):
    """Pass once over the samples in order, one step per minibatch.

    Every member of a team calls it, with its number.  Returns the mean loss of the
    samples, each taken before the step it leads to, and the mean of the L2 penalty; to
    the first member, that is.
    """
    plan = plans[0]
    total_loss, total_penalty, n_barriers = 0.0, 0.0, 0
    arrivals = pointer(plan.arrivals, INT64)
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
                scale, plan.first_step + step,
            )  # fmt: skip
            n_barriers = wait_for_all(arrivals, plan.n_members, n_barriers)
            if plan.max_norm != 0 and scale != 0:
                scale *= clipping(plan, scale)
                steps(zero, plan, layers, number, scale, plan.first_step + step)
                n_barriers = wait_for_all(arrivals, plan.n_members, n_barriers)
        if number == 0 and weight != 0:
            penalty = total(pointer(plan.penalties, FLOAT64), plan.n_strips)
            total_penalty += penalty / weight * (stop - start)
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
        z = at(pointer(block.units, zero), plan.last * plan.stride)
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
    """Send a block of samples forward and back."""
    start, stop = rows_of_block(plan, first, last, i)
    n = stop - start
    if n > 0:
        forward(zero, plan, layers, block, start, n)
        output_layer(zero, plan, block, start, n, start - batch)
        backward(zero, plan, layers, block, start, n)


@inlined
def forward(zero, plan, layers, block, first, n):
    """Send a block of samples through all layers; the last ones stay sums."""
    for depth in range(layers.size):
        layer = layers[depth]
        if layer.forward != 0:
            call(layer.forward, (zero, plan, layer, block, first, n))


@inlined
def backward(zero, plan, layers, block, first, n):
    """Deltas of every layer, from those of the last one."""
    for depth in range(layers.size - 1, -1, -1):
        layer = layers[depth]
        if layer.backward != 0:
            call(layer.backward, (zero, plan, layer, block, first, n))


@subroutine
def output_layer(zero, plan, block, first, n, place):
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
    outputs = plan.last * plan.stride
    z, deltas = (
        at(pointer(block.units, zero), outputs),
        at(pointer(block.deltas, zero), outputs),
    )
    losses = at(pointer(plan.losses, zero), place)
    sizes = plan.n_outputs, plan.stride, n
    settings = pointer(plan.loss_settings, FLOAT64)
    call(plan.loss, (z, targets, weights, deltas, losses, settings, *sizes))


@subroutine
def gradients_and_steps(
    zero, plan, layers, blocks, number, first, last, accumulate, scale, step
):
    """A member's share of the parameters: gradients, then steps if scaled.

    Where gradients are clipped, all of them come before any step; else those of some
    rows are done with before the next, and all can lie in the same place.
    """
    for depth in range(layers.size):
        layer = layers[depth]
        start, stop = share(layer.rows, STRIP, number, plan.n_members)
        for row in range(start, stop, layer.panel):
            n_rows = min(layer.panel, stop - row)
            grads = gradients_of(zero, plan, layer, row, number)
            numbers = first, last, accumulate, row, n_rows
            call(layer.gradients, (zero, plan, layer, blocks[0], *numbers, grads))
            if scale != 0:
                note_penalties(zero, plan, layer, row, n_rows, grads)
                if plan.max_norm == 0:
                    step_rows(zero, plan, layer, row, n_rows, grads, scale, step)


@subroutine
def steps(zero, plan, layers, number, scale, step):
    """A member's share of the parameters: steps along gradients that are there."""
    for depth in range(layers.size):
        layer = layers[depth]
        start, stop = share(layer.rows, STRIP, number, plan.n_members)
        grads = gradients_of(zero, plan, layer, start, number)
        step_rows(zero, plan, layer, start, stop - start, grads, scale, step)


@inlined
def gradients_of(zero, plan, layer, row, number):
    """Where gradients of some rows go: among all others, or in place of the last."""
    panel = number * plan.panels_size + layer.panel_start
    place = layer.weights + row * layer.stride if plan.keeps_grads else panel
    return at(pointer(plan.grads, zero), place)


@inlined
def note_penalties(zero, plan, layer, row, n_rows, grads):
    """The penalties of some rows, strip by strip, and norms if they are needed."""
    params, penalties = pointer(plan.params, zero), pointer(plan.penalties, FLOAT64)
    n_weights = max(min(layer.penalized - row, n_rows), 0)
    for i in range(0, n_rows, STRIP):
        strip = layer.strips + (row + i) // STRIP
        place = layer.weights + (row + i) * layer.stride
        size = min(STRIP, n_weights - i) * layer.stride
        if size > 0:
            penalty = 0.5 * plan.alpha * sum_of_squares(at(params, place), size)
            if plan.l1 != 0:
                penalty += plan.l1 * sum_of_absolutes(at(params, place), size)
            store(penalties, strip, penalty)
        if plan.max_norm != 0:
            of_strip = at(grads, i * layer.stride)
            if size > 0:
                penalize(
                    as_array(at(params, place), size), as_array(of_strip, size),
                    plan.alpha, plan.l1,
                )  # fmt: skip
            size = min(STRIP, n_rows - i) * layer.stride
            norms = pointer(plan.norms, FLOAT64)
            store(norms, strip, squared_norm(of_strip, size))


@inlined
def clipping(plan, scale):
    """The factor that brings the norm of all gradients down to ``max_norm``."""
    norm = np.sqrt(total(pointer(plan.norms, FLOAT64), plan.n_strips)) * abs(scale)
    return plan.max_norm / norm if norm > plan.max_norm else 1.0


@subroutine
def step_rows(zero, plan, layer, row, n_rows, grads, scale, step):
    """Step some rows: the weights among them, which have penalties, and the rest."""
    n_weights = max(min(layer.penalized - row, n_rows), 0)
    place, size = layer.weights + row * layer.stride, n_weights * layer.stride
    if n_weights > 0:
        group = layer.weight_rates
        step_stretch(zero, plan, place, size, grads, scale, step, group, plan.alpha, 1)
    if n_rows > n_weights:
        rest, grads = (n_rows - n_weights) * layer.stride, at(grads, size)
        group = layer.rates
        step_stretch(zero, plan, place + size, rest, grads, scale, step, group, 0.0, 0)


@subroutine
def step_stretch(zero, plan, place, n, grads, scale, step, group, decay, penalized):
    """Step some neighbouring parameters."""
    if plan.update == 0:
        return
    if plan.prepare != 0:
        number = step * plan.n_groups + group
        call(plan.prepare, (zero, plan, place, n, number, penalized, grads))
        decay = 0.0
    params = at(pointer(plan.params, zero), place)
    moments = at(pointer(plan.moments, zero), place)
    settings, rates = pointer(plan.settings, FLOAT64), pointer(plan.rates, FLOAT64)
    rates = at(rates, (step * plan.n_groups + group) * plan.n_rates)
    numbers = plan.n_params, n, settings, rates, scale, decay
    call(plan.update, (params, grads, moments, *numbers))
    if plan.finish != 0:
        call(plan.finish, (zero, plan, place, n, step, penalized))
