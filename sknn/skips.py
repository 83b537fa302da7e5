"""A skip connection adds the inputs of a layer to its outputs (He et al., 2016)."""

from ._jit import piece
from ._llvm import at, pointer
from .layers import PASS, Kind
from .products import add, copy


@piece(*PASS)
def skip_forward(zero, plan, layer, block, first, n):
    units, size = pointer(block.units, zero), layer.fan_out * plan.stride
    inputs, outputs = layer.inputs * plan.stride, layer.outputs * plan.stride
    add(at(units, inputs), at(units, outputs), size)


@piece(*PASS)
def skip_backward(zero, plan, layer, block, first, n):
    """The inputs' first deltas; the layer that is skipped adds its own to them."""
    deltas, size = pointer(block.deltas, zero), layer.fan_out * plan.stride
    inputs, outputs = layer.inputs * plan.stride, layer.deltas * plan.stride
    copy(at(deltas, outputs), at(deltas, inputs), size)


SKIP = Kind(skip_forward, skip_backward, predict=skip_forward, by_unit=True)
