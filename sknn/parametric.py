"""Parametric activations: each unit mixes its activation with its weighted sum.

The output is ``z + a (activation(z) - z)`` with a trained a that starts as 1, after
Holzmüller et al., "Better by default", NeurIPS 2024.
"""

from functools import cache

from ._jit import inlined, piece, piece_of, with_setting
from ._llvm import interleave_loops, load, pointer, prefer_wide_vectors, store
from .activations import at_output, at_sum
from .block_gradients import (
    own_gradients,
    parameters,
    sum_of_products,
    sum_over_blocks,
)
from .layers import PASS, Kind, Part, row_of
from .products import whole_vectors

PARTS = (Part("activation_weights_", fill=1.0),)


@inlined
def gains_of(zero, plan, layer, block, j, n):
    """What the activation adds to the sums of a unit; behind the slopes of all."""
    kept = pointer(block.kept, zero)
    return row_of(kept, layer.kept, layer.fan_out + j, plan, n)


@piece_of(*PASS)
def mix(function):
    """Mix each weighted sum z with ``function(z, setting)``."""
    function = with_setting(function)

    def apply(zero, plan, layer, block, first, n):
        prefer_wide_vectors()
        units, n = pointer(block.units, zero), whole_vectors(n, zero)
        weights, setting = parameters(zero, plan, layer, 0), type(zero)(layer.setting)
        for j in range(layer.fan_out):
            z, weight = row_of(units, layer.outputs, j, plan, n), load(weights, j)
            for i in range(n):
                z[i] += weight * (function(z[i], setting) - z[i])
        interleave_loops()

    return apply


@piece_of(*PASS)
def mix_and_keep(function, slope, place):
    """The same, and keep the slopes; ``slope`` is a function of the output or the sum.

    Function and slope share most of their work, so it is done once, on the way there.
    """
    function, slope = with_setting(function), with_setting(slope)

    def apply(zero, plan, layer, block, first, n):
        prefer_wide_vectors()
        units, kept = pointer(block.units, zero), pointer(block.kept, zero)
        weights, setting = parameters(zero, plan, layer, 0), type(zero)(layer.setting)
        n, one = whole_vectors(n, zero), type(zero)(1)
        for j in range(layer.fan_out):
            z, weight = row_of(units, layer.outputs, j, plan, n), load(weights, j)
            slopes = row_of(kept, layer.kept, j, plan, n)
            gains = gains_of(zero, plan, layer, block, j, n)
            for i in range(n):
                output = function(z[i], setting)
                bend = slope(place(z[i], output), setting) - one
                slopes[i], gains[i] = one + weight * bend, output - z[i]
                z[i] += weight * gains[i]
        interleave_loops()

    return apply


@piece(*PASS)
def mix_backward(zero, plan, layer, block, first, n):
    """Deltas of the sums, and gradients of the weights."""
    prefer_wide_vectors()
    deltas, kept = pointer(block.deltas, zero), pointer(block.kept, zero)
    grads = own_gradients(zero, block, layer, 0)
    for j in range(layer.fan_out):
        delta = row_of(deltas, layer.deltas, j, plan, n)
        gains = gains_of(zero, plan, layer, block, j, n)
        store(grads, j, sum_of_products(delta, gains))
        slopes = row_of(kept, layer.kept, j, plan, n)
        for i in range(n):
            delta[i] *= slopes[i]


@cache
def parametric(formula):
    """The kind of layer that applies a formula; None, where only its place matters."""
    if formula is None:
        return Kind(parts=PARTS)
    function, slope, place = formula.function, formula.slope, at_output
    if slope is None:
        slope, place = formula.derivative, at_sum
    return Kind(
        forward=mix_and_keep(function, slope, place),
        backward=mix_backward,
        gradients=sum_over_blocks,
        predict=mix(function),
        parts=PARTS,
        kept_rows=0,
        kept_of_output=2,
        sums_blocks=True,
    )
