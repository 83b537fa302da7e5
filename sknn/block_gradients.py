"""Gradients that a block makes for itself on the way back, and their sum over blocks.

So do layers with few parameters, which have a sum over samples in hand there: each
block of samples writes the gradients of a layer to `grads` of its own.
"""

from ._jit import inlined, piece, reduction
from ._llvm import at, pointer, record_at
from .layers import GRADIENTS
from .products import put_or_add


@inlined
def parameters(zero, plan, layer, row):
    """A row of the layer's parameters."""
    return at(pointer(plan.params, zero), layer.params + row * layer.stride)


@inlined
def own_gradients(zero, block, layer, row):
    """The same row of the gradients that a block makes for itself."""
    return at(pointer(block.grads, zero), layer.params + row * layer.stride)


@reduction
def sum_of_products(x, y):
    """The scalar product, in float64."""
    result = 0.0
    for i in range(x.size):
        result += x[i] * y[i]
    return result


@piece(*GRADIENTS)
def sum_over_blocks(
    zero, plan, layer, blocks, first, last, accumulate, row, n_rows, grads
):
    """Add up the gradients that the blocks have made for themselves, in their order."""
    place, size = layer.params + row * layer.stride, n_rows * layer.stride
    for number in range((last - first + plan.block_rows - 1) // plan.block_rows):
        own = at(pointer(record_at(blocks, number).grads, zero), place)
        put_or_add(own, grads, size, accumulate or number > 0)
