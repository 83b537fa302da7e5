"""The network at work: forward, backward and update over minibatches, in one call.

A minibatch goes through in blocks of samples.  A block of `units`, or of `deltas`, is
a matrix with a row for each unit and a column for each sample, so that every loop runs
along samples, however few units there are.  What is done to a block is up to the
layers, whose pieces are called in the order of two ways (`ways`).  The members of a
team share the samples on the way there and back, and the rows of the parameters for
gradients and steps; no sum depends on how many they are.

    block    samples that go through the layers together
    chunk    samples of one sum, where a minibatch's gradient is made of several
    strip    eight rows of parameters: the grain in which members share them
    panel    rows whose gradients are made, and stepped, before the next ones
    stretch  neighbouring parameters that are stepped at once
    band     units of a level that all is done to before the next ones (`ways`)

The kernels read a `PLAN`: addresses and sizes, written by plans.py.  ``zero`` is a zero
of the dtype that is computed in, and `pointer` makes a pointer of an address.
"""

import numpy as np

from ._jit import INTEGER, REAL, ZERO, as_array, inlined, piece
from ._llvm import (
    add_one,
    at,
    call,
    least,
    load,
    pointer,
    prefer_wide_vectors,
    record_at,
    store,
)
from .layers import ROWS
from .products import total, total_of_zeros
from .records import BLOCK, FLOAT64, INT64, LAYER, PLAN
from .team import STRIP, finish_share, share, take, wait_for_shares

# Parameters that are stepped at once: what is done to them finds them in the cache.
STRETCH = 1024
# Blocks that are predicted by the one who takes the first: each asks for the next one's
# X, which another member would read in vain.
BLOCKS_TAKEN = 8

# The plan, the tables of layers and blocks, and the number of a member or of a share.
KERNEL = ZERO, PLAN, LAYER, BLOCK, INTEGER


@piece(*KERNEL)
def run_epochs(zero, plan, layers, blocks, number):
    """Pass over the samples time after time, until a loss is no number."""
    tables, results = (zero, plan, layers, blocks), pointer(plan.results, FLOAT64)
    phase = 0
    for epoch in range(plan.n_epochs):
        phase = run_epoch(plan, tables, number, phase, epoch)
        if np.isnan(load(results, 1 + 2 * epoch)):
            break


@inlined
def run_epoch(plan, tables, number, phase, epoch):
    """Pass once over the samples in order, one step per minibatch.

    It goes in phases, which a member that comes late to may find done by others: so
    all that is written is written in shares.  Returns the number of the next phase.
    """
    first_step = plan.first_step + epoch * plan.n_steps
    begin = epoch * plan.order_stride
    n_at_once = plan.block_rows * plan.n_blocks
    for step in range(plan.n_steps):
        start = begin + step * plan.batch_size
        stop = least(start + plan.batch_size, begin + plan.n_samples)
        weight = batch_weight(tables[0], plan, start, stop)
        for first in range(start, stop, n_at_once):
            samples = start, first, least(first + n_at_once, stop)
            phase = share_out(plan, plan.train_blocks, tables, number, phase, samples)
            # weights that cancel have no mean: nothing is learned
            is_whole = first + n_at_once >= stop and weight != 0
            numbers = weight if is_whole else 0.0, first_step + step
            piece, all_numbers = plan.gradients_and_steps, samples + numbers
            phase = share_out(plan, piece, tables, number, phase, all_numbers)
            if plan.clip != 0 and is_whole and not np.isinf(weight):
                phase = share_out(plan, plan.clip, tables, number, phase, numbers)
    return share_out(plan, plan.end_epoch, tables, number, phase, ())


@inlined
def share_out(plan, piece, tables, number, phase, numbers):
    """Call a piece for each share of a phase, beginning with the member's own.

    But only for those that nobody else has taken: a member that is not running holds
    up no more than the share that it is at.  Returns the number of the next phase.
    """
    counters = pointer(plan.counters, INT64)
    for i in range(plan.n_members):
        taken = number + i
        taken -= 0 if taken < plan.n_members else plan.n_members
        if take(counters, taken, phase, plan.n_members):
            call(piece, tables + (taken,) + numbers)
            finish_share(counters, plan.n_members)
    wait_for_shares(counters, phase, plan.n_members)
    return phase + 1


@piece(*KERNEL)
def end_epoch(zero, plan, layers, blocks, number):
    """Turn the sums over an epoch into means: all of it is the first share."""
    if number == 0:
        results = pointer(plan.results, FLOAT64)
        epoch, penalties = int(load(results, 0)), pointer(plan.penalties, FLOAT64)
        penalty, place = total(penalties, plan.n_strips), 1 + 2 * epoch
        store(results, place, load(results, place) / plan.n_samples)
        store(results, place + 1, penalty / plan.n_samples)
        for i in range(plan.n_strips):
            store(penalties, i, 0.0)
        store(results, 0, epoch + 1)


@piece(*KERNEL)
def predict(zero, plan, layers, blocks, number):
    """Write the network's outputs for the samples in order.

    A member takes some blocks after the other, as long as there are any: one whose core
    is slow, or shared with another program, takes fewer.
    """
    prefer_wide_vectors()
    block, n_taken = record_at(blocks, number), pointer(plan.counters, INT64)
    n_rows = BLOCKS_TAKEN * plan.block_rows
    n_parts = (plan.n_samples + n_rows - 1) // n_rows
    part = add_one(n_taken)
    while part < n_parts:
        stop = least((part + 1) * n_rows, plan.n_samples)
        for first in range(part * n_rows, stop, plan.block_rows):
            n = least(plan.block_rows, stop - first)
            predict_block(zero, plan, layers, block, first, n)
        part = add_one(n_taken)


@inlined
def predict_block(zero, plan, layers, block, first, n):
    """Write the outputs for a block of samples."""
    forward(zero, plan, layers, block, first, n)
    if plan.dense != 0:  # the first of the layers is the input's
        leave_trace(zero, plan, layers, block)
    z = at(pointer(block.units, zero), plan.last * plan.stride)
    scratch = pointer(block.weights, zero)
    if plan.classes == 0 or plan.n_outputs == 1:
        settings = pointer(plan.loss_settings, FLOAT64)
        call(plan.link, (z, scratch, settings, plan.n_outputs, plan.stride, n))
    if plan.classes != 0:
        classes = at(pointer(plan.classes, INT64), first)
        find_classes(z, scratch, classes, plan.n_outputs, plan.stride, n)
    else:
        outputs = at(pointer(plan.outputs, zero), first * plan.n_outputs)
        write_outputs(z, outputs, plan, n)


@inlined
def write_outputs(z, outputs, plan, n):
    """Write a block's outputs, with a row for each sample."""
    for i in range(n):
        for j in range(plan.n_outputs):
            store(outputs, i * plan.n_outputs + j, load(z, j * plan.stride + i))


@inlined
def find_classes(outputs, largest, classes, n_outputs, stride, n):
    """The number of each sample's class: that of its largest output, or the first such.

    A single output is the probability of class 1.  Several may be the sums that a
    softmax is made of.  Of classes whose probabilities round to the same it is then
    that of the larger sum, and class 0, as for `argmax`, where they would be NaN: if a
    sum is, or the largest one is infinite.
    """
    T = type(load(outputs, 0))
    best, most = as_array(outputs, n), as_array(largest, n)
    classes = as_array(classes, n)
    for i in range(n):
        output = best[i]
        most[i], best[i] = output, T(n_outputs == 1 and output > T(0.5))
    for j in range(1, n_outputs):
        row, number = as_array(at(outputs, j * stride), n), T(j)
        for i in range(n):
            # all is read before it is compared: else LLVM makes no vectors of it
            output, before, number_before = row[i], most[i], best[i]
            keeps = (output <= before) | (before != before)
            most[i] = before if keeps else output
            best[i] = number_before if keeps else number
    for i in range(n):
        classes[i] = np.int64(best[i] if abs(most[i]) < T(np.inf) else T(0))


@inlined
def leave_trace(zero, plan, layer, block):
    """Leave a trace of any input that is infinite or NaN.

    Or of what was left behind the last sample: a false alarm costs a look at X.
    """
    inputs = at(pointer(block.units, zero), layer.outputs * plan.stride)
    zeros = total_of_zeros(inputs, layer.fan_out * plan.stride)
    trace = pointer(block.trace, zero)
    store(trace, 0, load(trace, 0) + zeros)


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


@piece(*KERNEL, INTEGER, INTEGER, INTEGER)
def train_blocks(zero, plan, layers, blocks, number, batch_start, first, last):
    """Send a share of the blocks of some samples forward and back."""
    mine, end = share(plan.n_blocks, 1, number, plan.n_members)
    for i in range(mine, end):
        block, start = record_at(blocks, i), first + i * plan.block_rows
        n = least(plan.block_rows, last - start)
        if n > 0:
            forward(zero, plan, layers, block, start, n)
            output_layer(zero, plan, block, start, n, start - batch_start)
            backward(zero, plan, layers, block, start, n)


@inlined
def forward(zero, plan, layers, block, first, n):
    """Send a block of samples through all layers; the last ones stay sums."""
    for place in range(plan.n_layers, plan.end_of_forward):
        layer = record_at(layers, place)
        call(layer.piece, (zero, plan, layer, block, first, n))


@inlined
def backward(zero, plan, layers, block, first, n):
    """Deltas of every layer, from those of the last one."""
    for place in range(plan.end_of_forward, plan.end_of_back):
        layer = record_at(layers, place)
        call(layer.piece, (zero, plan, layer, block, first, n))


@inlined
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


@piece(*KERNEL, INTEGER, INTEGER, INTEGER, REAL, INTEGER)
def gradients_and_steps(
    zero, plan, layers, blocks, number, batch_start, first, last, weight, step
):
    """A share of the parameters: gradients, then steps unless the weight is 0.

    Where gradients are clipped, all of them come before any step; else those of some
    rows are done with before the next, and all can lie in the same place.
    """
    accumulate = 1 if first > batch_start else 0
    scale = 1 / weight if weight != 0 else 0.0
    factor = (last - batch_start) / weight if weight != 0 else 0.0
    if number == 0 and weight != 0:
        note_losses(zero, plan, last - batch_start, factor)
    for place in range(plan.n_layers):
        layer = record_at(layers, place)
        start, stop = share(layer.rows, STRIP, number, plan.n_members)
        for row in range(start, stop, layer.panel):
            n_rows = least(layer.panel, stop - row)
            grads = gradients_of(zero, plan, layer, row, number)
            rows = row, n_rows, grads
            numbers = first, last, accumulate
            call(layer.gradients, (zero, plan, layer, blocks, *numbers, *rows))
            if scale != 0:
                call(plan.note, (zero, plan, layer, *rows, factor))
                if plan.step != 0 and plan.clip == 0:
                    call(plan.step, (zero, plan, layer, *rows, scale, step))


@inlined
def note_losses(zero, plan, n, factor):
    """Add the losses of a minibatch to those of the epoch, each taken before its step.

    ``factor`` is the number of samples over the sum of their weights, if that is
    infinite 0: then the loss is no number.
    """
    results = pointer(plan.results, FLOAT64)
    place, losses = 1 + 2 * int(load(results, 0)), pointer(plan.losses, zero)
    store(results, place, load(results, place) + total(losses, n) * factor)


@inlined
def gradients_of(zero, plan, layer, row, number):
    """Where gradients of some rows go: among all others, or in place of the last."""
    panel = number * plan.panels_size + layer.panel_start
    place = layer.params + row * layer.stride if plan.keeps_grads else panel
    return at(pointer(plan.grads, zero), place)


@piece(*KERNEL, REAL, INTEGER)
def clip_and_step(zero, plan, layers, blocks, number, weight, step):
    """A share of the steps, along clipped gradients."""
    scale = 1 / weight
    norm = np.sqrt(total(pointer(plan.norms, FLOAT64), plan.n_strips)) * abs(scale)
    if norm > plan.max_norm:
        scale *= plan.max_norm / norm
    for place in range(plan.n_layers):
        layer = record_at(layers, place)
        start, stop = share(layer.rows, STRIP, number, plan.n_members)
        rows = start, stop - start, gradients_of(zero, plan, layer, start, number)
        call(plan.step, (zero, plan, layer, *rows, scale, step))


@piece(*ROWS, REAL, INTEGER)
def step_rows(zero, plan, layer, row, n_rows, grads, scale, step):
    """Step some rows: the weights among them, which have penalties, and the rest."""
    n_weights = least(layer.penalized - row, n_rows)
    n_weights = n_weights if n_weights > 0 else 0
    place = layer.params + row * layer.stride
    for penalized in range(2):
        group = layer.weight_rates if penalized else layer.rates
        start, stop = (0, n_weights) if penalized else (n_weights, n_rows)
        start, stop = start * layer.stride, stop * layer.stride
        for i in range(start, stop, STRETCH):
            step_stretch(
                zero, plan, place + i, least(STRETCH, stop - i), at(grads, i), scale,
                step, group, penalized,
            )  # fmt: skip


@inlined
def step_stretch(zero, plan, place, n, grads, scale, step, group, penalized):
    """Step some neighbouring parameters."""
    decay = plan.alpha * penalized
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
