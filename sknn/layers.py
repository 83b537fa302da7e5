"""A kind of layer is a set of pieces: what it does on the way there and back.

A layer is one operation on the units: a product, an activation, a normalisation, a
skip connection.  The kernels know nothing but their table (`records.LAYER`) and call
the pieces that it names; a new kind of layer changes no kernel.  In which order blocks
meet them, and how many of a layer's units at once, is for `ways` to say.
"""

from collections.abc import Callable
from typing import NamedTuple

from ._jit import INTEGER, VECTOR, ZERO, Piece, as_array, inlined
from ._llvm import at
from .records import BLOCK, LAYER, PLAN

# The arguments of a piece that works on a block of n samples from ``first`` on, of one
# that writes gradients of some rows of parameters, from the samples of all blocks, and
# of one that reads them.
PASS = (ZERO, PLAN, LAYER, BLOCK, INTEGER, INTEGER)
GRADIENTS = (ZERO, PLAN, LAYER, BLOCK, *[INTEGER] * 5, VECTOR)
ROWS = (ZERO, PLAN, LAYER, INTEGER, INTEGER, VECTOR)


class Part(NamedTuple):
    """Some rows of a layer's parameters: a fitted attribute has them as its own."""

    name: str
    rows: int | None = 1  # None: one for each input, with a number for each output
    is_trained: bool = True
    is_penalized: bool = False
    fill: float | Callable | None = None  # at first; None: as the weights are drawn
    group: str = ""  # of the factors of the learning rate; by default its name

    @property
    def key(self):
        """The group of learning rates that it belongs to."""
        return self.group or self.name.rstrip("_")


class Kind(NamedTuple):
    """The pieces of a kind of layer, and what it has; None where there is nothing."""

    forward: Piece | None = None
    backward: Piece | None = None
    turn: Piece | None = None  # before `backward`: its outputs' deltas are transposed
    # after that, before `backward`: a chunk's gradient, if another member adds them up
    chunk_gradients: Piece | None = None
    gradients: Piece | None = None
    predict: Piece | None = None  # the way forward when nothing is trained
    of_few_samples: Piece | None = None  # either way, in blocks of few samples
    of_few_features: Piece | None = None  # the same of X with less than a vector
    parts: tuple[Part, ...] = ()
    # Rows of a block that it keeps for the way back, beyond ``kept_of_output`` of each
    # output; None: it keeps none at all.
    kept_rows: int | None = None
    kept_of_output: int = 1
    needs_whole_batch: bool = False  # in one block
    sums_blocks: bool = False  # of gradients that each block makes for itself
    has_inputs_width: bool = False  # rows of parameters, which have that of outputs
    # What can go in bands of units (`ways`): products of dense matrices, and what makes
    # each output of its own input alone, keeps one row for it, or none, and has
    # parameters in rows with a number for each.
    is_product: bool = False
    by_unit: bool = False
    is_relu: bool = False  # which products can do, there and back


@inlined
def row_of(vectors, first_row, j, plan, n):
    """A row of a block, ``j`` places behind another, as an array of n numbers."""
    return as_array(at(vectors, (first_row + j) * plan.stride), n)


@inlined
def rows_of(vectors, first_row, layer, plan):
    """As many rows, from one on, as a layer has outputs, as one array."""
    start, size = first_row * plan.stride, layer.fan_out * plan.stride
    return as_array(at(vectors, start), size)
