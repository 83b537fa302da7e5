"""Normalisation of weighted sums, over a minibatch or over the units of a sample.

Both subtract a mean, divide by a standard deviation and then apply a scale and a shift
of each unit's own, which are trained.  They keep the normalised sums for the way back.
"""

import numpy as np

from ._jit import inlined, piece, reduction
from ._llvm import load, pointer, prefer_wide_vectors, store
from .block_gradients import (
    own_gradients,
    parameters,
    sum_of_products,
    sum_over_blocks,
)
from .layers import PASS, Kind, Part, row_of

EPSILON = 1e-5  # added to variances
MOMENTUM = 0.1  # of the running means and variances
SCALES, SHIFTS, MEANS, VARIANCES = range(4)
FACTORS = MEANS  # in a block's own gradients, where those of means would be
# Rows behind the normalised sums: one over each sample's deviation, and two sums.
FACTOR, FIRST_SUM, SECOND_SUM = range(3)


@reduction
def mean_of(x):
    """The mean, in float64."""
    result = 0.0
    for i in range(x.size):
        result += x[i]
    return result / x.size


@reduction
def variance_of(x, mean):
    """The variance about a mean, in float64."""
    result = 0.0
    for i in range(x.size):
        result += (x[i] - mean) * (x[i] - mean)
    return result / x.size


@piece(*PASS)
def normalize_batch(zero, plan, layer, block, first, n):
    """Over the samples of the minibatch (Ioffe and Szegedy, 2015).

    Running means and variances follow, for predictions to use.
    """
    units, kept, T = pointer(block.units, zero), pointer(block.kept, zero), type(zero)
    scales, shifts = (
        parameters(zero, plan, layer, SCALES),
        parameters(zero, plan, layer, SHIFTS),
    )
    factors = own_gradients(zero, block, layer, FACTORS)
    for j in range(layer.fan_out):
        x = row_of(units, layer.outputs, j, plan, n)
        normalized = row_of(kept, layer.kept, j, plan, n)
        mean = mean_of(x)
        variance = variance_of(x, mean)
        factor = T(1 / np.sqrt(variance + EPSILON))
        store(factors, j, factor)
        scale, shift, center = load(scales, j), load(shifts, j), T(mean)
        for i in range(n):
            normalized[i] = (x[i] - center) * factor
            x[i] = normalized[i] * scale + shift
        unbiased = variance * n / max(n - 1, 1)
        follow(parameters(zero, plan, layer, MEANS), j, mean)
        follow(parameters(zero, plan, layer, VARIANCES), j, unbiased)


@inlined
def follow(running, j, value):
    """Let a running mean go a little way towards a value."""
    store(running, j, load(running, j) * (1 - MOMENTUM) + value * MOMENTUM)


@piece(*PASS)
def apply_running(zero, plan, layer, block, first, n):
    """With the running means and variances, for predictions."""
    units, T = pointer(block.units, zero), type(zero)
    for j in range(layer.fan_out):
        x = row_of(units, layer.outputs, j, plan, n)
        variance = load(parameters(zero, plan, layer, VARIANCES), j)
        scale = load(parameters(zero, plan, layer, SCALES), j)
        scale = T(scale / np.sqrt(variance + T(EPSILON)))
        center = load(parameters(zero, plan, layer, MEANS), j)
        shift = load(parameters(zero, plan, layer, SHIFTS), j)
        for i in range(n):
            x[i] = (x[i] - center) * scale + shift


@inlined
def note_gradients(zero, block, layer, j, delta, normalized):
    """Gradients of a unit's scale and shift from one block; both are returned."""
    of_scale, of_shift = sum_of_products(delta, normalized), mean_of(delta) * delta.size
    store(own_gradients(zero, block, layer, SCALES), j, of_scale)
    store(own_gradients(zero, block, layer, SHIFTS), j, of_shift)
    return of_scale, of_shift


@piece(*PASS)
def batch_backward(zero, plan, layer, block, first, n):
    deltas, kept = pointer(block.deltas, zero), pointer(block.kept, zero)
    T, factors = type(zero), own_gradients(zero, block, layer, FACTORS)
    scales = parameters(zero, plan, layer, SCALES)
    for j in range(layer.fan_out):
        delta = row_of(deltas, layer.deltas, j, plan, n)
        normalized = row_of(kept, layer.kept, j, plan, n)
        of_scale, of_shift = note_gradients(zero, block, layer, j, delta, normalized)
        tilt, shift = T(of_scale / n), T(of_shift / n)
        factor = load(factors, j) * load(scales, j)
        for i in range(n):
            delta[i] = factor * (delta[i] - shift - tilt * normalized[i])


@piece(*PASS)
def normalize_layer(zero, plan, layer, block, first, n):
    """Over the units of each sample (Ba, Kiros and Hinton, 2016)."""
    prefer_wide_vectors()
    units, kept, T = pointer(block.units, zero), pointer(block.kept, zero), type(zero)
    scales, shifts = (
        parameters(zero, plan, layer, SCALES),
        parameters(zero, plan, layer, SHIFTS),
    )
    factor = row_of(kept, layer.kept, layer.fan_out + FACTOR, plan, n)
    mean = row_of(kept, layer.kept, layer.fan_out + FIRST_SUM, plan, n)
    share = T(1) / T(layer.fan_out)
    mean[:], factor[:] = T(0), T(0)
    for j in range(layer.fan_out):
        x = row_of(units, layer.outputs, j, plan, n)
        for i in range(n):
            mean[i] += x[i] * share
    for j in range(layer.fan_out):
        x = row_of(units, layer.outputs, j, plan, n)
        for i in range(n):
            factor[i] += (x[i] - mean[i]) * (x[i] - mean[i]) * share
    for i in range(n):
        factor[i] = T(1) / np.sqrt(factor[i] + T(EPSILON))
    for j in range(layer.fan_out):
        x = row_of(units, layer.outputs, j, plan, n)
        normalized = row_of(kept, layer.kept, j, plan, n)
        scale, shift = load(scales, j), load(shifts, j)
        for i in range(n):
            normalized[i] = (x[i] - mean[i]) * factor[i]
            x[i] = normalized[i] * scale + shift


@piece(*PASS)
def layer_backward(zero, plan, layer, block, first, n):
    prefer_wide_vectors()
    deltas, kept, T = pointer(block.deltas, zero), pointer(block.kept, zero), type(zero)
    scales, share = parameters(zero, plan, layer, SCALES), T(1) / T(layer.fan_out)
    factor = row_of(kept, layer.kept, layer.fan_out + FACTOR, plan, n)
    mean = row_of(kept, layer.kept, layer.fan_out + FIRST_SUM, plan, n)
    tilt = row_of(kept, layer.kept, layer.fan_out + SECOND_SUM, plan, n)
    mean[:], tilt[:] = T(0), T(0)
    for j in range(layer.fan_out):
        delta = row_of(deltas, layer.deltas, j, plan, n)
        normalized = row_of(kept, layer.kept, j, plan, n)
        note_gradients(zero, block, layer, j, delta, normalized)
        scale = load(scales, j)
        for i in range(n):
            delta[i] *= scale
            mean[i] += delta[i] * share
            tilt[i] += delta[i] * normalized[i] * share
    for j in range(layer.fan_out):
        delta = row_of(deltas, layer.deltas, j, plan, n)
        normalized = row_of(kept, layer.kept, j, plan, n)
        for i in range(n):
            delta[i] = factor[i] * (delta[i] - mean[i] - tilt[i] * normalized[i])


PARTS = (
    Part("scales_", fill=1.0, group="normalization"),
    Part("shifts_", fill=0.0, group="normalization"),
    Part("means_", is_trained=False, fill=0.0),
    Part("variances_", is_trained=False, fill=1.0),
)
NORMALIZATIONS = {
    "batch": Kind(
        forward=normalize_batch,
        backward=batch_backward,
        gradients=sum_over_blocks,
        predict=apply_running,
        parts=PARTS,
        kept_rows=0,
        needs_whole_batch=True,
        sums_blocks=True,
        by_unit=True,
    ),
    "layer": Kind(
        forward=normalize_layer,
        backward=layer_backward,
        gradients=sum_over_blocks,
        predict=normalize_layer,
        parts=PARTS[:2],
        kept_rows=3,
        sums_blocks=True,
    ),
}
