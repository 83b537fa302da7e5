"""A factor for each input, trained at a rate of its own: a soft choice of features."""

from ._jit import piece
from ._llvm import load, pointer, prefer_wide_vectors, store
from .block_gradients import (
    own_gradients,
    parameters,
    sum_of_products,
    sum_over_blocks,
)
from .layers import PASS, Kind, Part, row_of


@piece(*PASS)
def scale(zero, plan, layer, block, first, n):
    """Multiply each input by its factor, and keep what it was for the way back."""
    prefer_wide_vectors()
    units, kept = pointer(block.units, zero), pointer(block.kept, zero)
    factors = parameters(zero, plan, layer, 0)
    for j in range(layer.fan_out):
        x = row_of(units, layer.outputs, j, plan, n)
        inputs, factor = row_of(kept, layer.kept, j, plan, n), load(factors, j)
        for i in range(n):
            inputs[i] = x[i]
            x[i] *= factor


@piece(*PASS)
def scale_backward(zero, plan, layer, block, first, n):
    prefer_wide_vectors()
    deltas, kept = pointer(block.deltas, zero), pointer(block.kept, zero)
    factors, grads = (
        parameters(zero, plan, layer, 0),
        own_gradients(zero, block, layer, 0),
    )
    for j in range(layer.fan_out):
        delta = row_of(deltas, layer.deltas, j, plan, n)
        inputs, factor = row_of(kept, layer.kept, j, plan, n), load(factors, j)
        store(grads, j, sum_of_products(delta, inputs))
        for i in range(n):
            delta[i] *= factor


# Holzmüller et al., "Better by default", NeurIPS 2024.
SCALING = Kind(
    forward=scale,
    backward=scale_backward,
    gradients=sum_over_blocks,
    predict=scale,
    parts=(Part("input_scales_", fill=1.0, is_penalized=True),),
    kept_rows=0,
    sums_blocks=True,
)
