"""Parametric activations: each unit mixes its activation with its weighted sum.

The output is ``z + a (activation(z) - z)`` with a trained a that starts as 1, after
Holzmüller et al., "Better by default", NeurIPS 2024.
"""

from functools import cache

from ._jit import piece_of, with_setting
from ._llvm import at, load, pointer, prefer_wide_vectors, store
from .activations import at_output, at_sum
from .block_gradients import own_gradients, parameters, sum_over_blocks
from .layers import PASS, Kind, Part, record, row_of
from .products import total

PARTS = (Part("activation_weights_", fill=1.0),)


@piece_of(*PASS)
def mix(function):
    """Mix each weighted sum z with ``function(z, setting)``, and keep z."""
    function = with_setting(function)

    def apply(zero, plan, layer, block, first, n):
        prefer_wide_vectors()
        plan, layer, block = record(plan), record(layer), record(block)
        units, kept = pointer(block.units, zero), pointer(block.kept, zero)
        weights, setting = parameters(zero, plan, layer, 0), type(zero)(layer.setting)
        for j in range(layer.fan_out):
            z = row_of(units, layer.outputs, j, plan, n)
            sums, weight = row_of(kept, layer.kept, j, plan, n), load(weights, j)
            for i in range(n):
                sums[i] = z[i]
                z[i] += weight * (function(z[i], setting) - z[i])

    return apply


@piece_of(*PASS)
def mix_backward(function, slope, place):
    """Deltas of the sums; ``slope`` is a function of the output or the sum."""
    function, slope = with_setting(function), with_setting(slope)

    def scale(zero, plan, layer, block, first, n):
        prefer_wide_vectors()
        plan, layer, block = record(plan), record(layer), record(block)
        deltas, kept = pointer(block.deltas, zero), pointer(block.kept, zero)
        weights, grads = (
            parameters(zero, plan, layer, 0),
            own_gradients(zero, block, layer, 0),
        )
        setting, one = type(zero)(layer.setting), type(zero)(1)
        for j in range(layer.fan_out):
            delta = row_of(deltas, layer.outputs, j, plan, n)
            sums, weight = row_of(kept, layer.kept, j, plan, n), load(weights, j)
            for i in range(n):
                z = sums[i]
                output = function(z, setting)
                sums[i] = delta[i] * (output - z)
                bend = slope(place(z, output), setting) - one
                delta[i] *= one + weight * bend
            store(grads, j, total(at(kept, (layer.kept + j) * plan.stride), n))

    return scale


@cache
def parametric(formula):
    """The kind of layer that applies a formula; None, where only its place matters."""
    if formula is None:
        return Kind(parts=PARTS)
    function, slope, place = formula.function, formula.slope, at_output
    if slope is None:
        slope, place = formula.derivative, at_sum
    forward = mix(function)
    return Kind(
        forward=forward,
        backward=mix_backward(function, slope, place),
        gradients=sum_over_blocks,
        predict=forward,
        parts=PARTS,
        kept_rows=0,
        sums_blocks=True,
    )
