"""The dense layer, and the input: weighted sums of units, there and back.

In `units` and `deltas` a block is a matrix with a row for each unit and a column for
each sample, and a row of ones behind the units stands in for the intercepts' inputs:

    forward     units[outputs]  = W.T @ units[inputs]
    backward    deltas[inputs]  = W @ deltas[outputs]
    gradients   grads           = units[inputs] @ turned[outputs]

where `turned` has the deltas with a row for each sample, as they are when the layer
comes on the way back.  Where there are few outputs the gradient is units[inputs] @
deltas[outputs].T instead, of the deltas as the way back leaves them.  The first may do
a relu as it writes, the second its slopes (`ways`); where a product has no gate, any
pointer stands for it.
"""

from ._jit import inlined, piece
from ._llvm import at, call, least, load, pointer, record_at, store
from ._tile import AS_SUMMED, lanes, transpose_short_rows, transpose_some_rows
from .layers import GRADIENTS, PASS, Kind, Part
from .products import (
    ACCUMULATE,
    AS_IT_IS,
    OVERWRITE,
    TRANSPOSED,
    TRANSPOSED_FROM_AFAR,
    put_or_add,
    whole_vectors,
)  # fmt: skip
from .records import INT64

FEW_SAMPLES = 16  # with so many, the work is to read the weights
FEW_OUTPUTS = 4  # of more, register tiles make the gradient faster than dot products


@piece(*PASS)
def gather(zero, plan, layer, block, first, n):
    """Turn some rows of X, a vector's worth at a time, into the columns of a block.

    The row of ones behind the features is there already.
    """
    X, units = pointer(plan.dense, zero), pointer(block.units, zero)
    units = at(units, layer.outputs * plan.stride)
    for i in range(0, n, lanes(X)):
        order = at(pointer(plan.order, INT64), first + i)
        n_rows, columns = least(lanes(X), n - i), at(units, i)
        for j in range(0, plan.n_features, lanes(X)):
            # the last vector starts sooner, with features that others have had
            start = least(j, plan.n_features - lanes(X))
            transpose_some_rows(
                at(X, start), plan.n_features, order, n_rows,
                at(columns, start * plan.stride), plan.stride,
            )  # fmt: skip


@piece(*PASS)
def gather_few_features(zero, plan, layer, block, first, n):
    """The same where a sample has less than a vector; the row of ones comes again."""
    X, units = pointer(plan.dense, zero), pointer(block.units, zero)
    units = at(units, layer.outputs * plan.stride)
    for i in range(0, n, lanes(X)):
        order = at(pointer(plan.order, INT64), first + i)
        n_rows, columns = least(lanes(X), n - i), at(units, i)
        transpose_short_rows(X, plan.n_features, order, n_rows, columns, plan.stride)


@inlined
def weighted_sums(zero, plan, layer, block, first, n, accumulate):
    """The product of the way forward."""
    units = pointer(block.units, zero)
    soon, n_soon = samples_after(zero, plan, layer, first, n)
    reading = TRANSPOSED if plan.n_members == 1 else TRANSPOSED_FROM_AFAR
    call(
        plan.product,
        (
            at(pointer(plan.params, zero), layer.params), layer.stride, reading,
            at(units, layer.inputs * plan.stride), plan.stride,
            at(units, layer.outputs * plan.stride), plan.stride,
            layer.fan_out, whole_vectors(n, zero), layer.fan_in + 1, accumulate,
            layer.epilogue, units, pointer(block.packed, zero), soon, n_soon, 0,
        ),
    )  # fmt: skip


@inlined
def samples_after(zero, plan, layer, first, n):
    """The rows of X behind n others, and how many numbers of them to ask for.

    None where nobody knows whether they come next, of a sparse X, of the layers behind
    the first, and where there are more features than outputs: a product has no time for
    so many.
    """
    X, is_first = pointer(plan.dense, zero), plan.dense != 0 and layer.inputs == 0
    if not (plan.in_order and is_first and plan.n_features <= layer.fan_out):
        return X, 0
    row = load(pointer(plan.order, INT64), first) + n
    return at(X, row * plan.n_features), n * plan.n_features


@piece(*PASS)
def dense_forward(zero, plan, layer, block, first, n):
    weighted_sums(zero, plan, layer, block, first, n, OVERWRITE)


@piece(*PASS)
def dense_forward_of_few(zero, plan, layer, block, first, n):
    """The same sums, bit for bit, as units.T @ W, which reads W row after row."""
    units, sums = pointer(block.units, zero), pointer(block.turned, zero)
    # whole vectors of W are read: some sums more, of the next rows, if they lie close
    stride = whole_vectors(layer.fan_out, zero)
    call(
        plan.product,
        (
            at(units, layer.inputs * plan.stride), plan.stride, TRANSPOSED,
            at(pointer(plan.params, zero), layer.params), layer.stride,
            sums, stride, n, stride, layer.fan_in + 1, OVERWRITE,
            layer.epilogue, sums, pointer(block.packed, zero), sums, 0, 0,
        ),
    )  # fmt: skip
    # one by one: `transpose` would write over the row of ones behind the outputs
    for j in range(layer.fan_out):
        for i in range(n):
            place = (layer.outputs + j) * plan.stride + i
            store(units, place, load(sums, i * stride + j))


@piece(*PASS)
def projection_forward(zero, plan, layer, block, first, n):
    """Weighted sums that are added to the outputs of a layer before."""
    weighted_sums(zero, plan, layer, block, first, n, ACCUMULATE)


@piece(*PASS)
def turn(zero, plan, layer, block, first, n):
    """Copy the deltas, with a row for each sample."""
    place = layer.turned * plan.block_rows + layer.first_of_band
    deltas = at(pointer(block.deltas, zero), layer.deltas * plan.stride)
    turned = at(pointer(block.turned, zero), place)
    matrices = deltas, plan.stride, turned, layer.stride
    call(plan.transpose, (*matrices, layer.fan_out, n))


@piece(*PASS)
def dense_backward(zero, plan, layer, block, first, n):
    deltas = pointer(block.deltas, zero)
    call(
        plan.product,
        (
            at(pointer(plan.params, zero), layer.params), layer.stride, AS_IT_IS,
            at(deltas, layer.deltas * plan.stride), plan.stride,
            at(deltas, layer.inputs * plan.stride), plan.stride,
            layer.fan_in, whole_vectors(n, zero), layer.fan_out, layer.adds_deltas,
            layer.epilogue, at(pointer(block.units, zero), layer.gate * plan.stride),
            pointer(block.packed, zero), deltas, 0, 0,
        ),
    )  # fmt: skip


@piece(*PASS)
def dense_chunk_gradients(zero, plan, layer, block, first, n):
    """The chunk's part of the gradient, where another member may read it."""
    own = at(pointer(block.grads, zero), layer.params)
    weight_gradient(zero, plan, layer, block, 0, n, 0, layer.rows, OVERWRITE, own)


@piece(*GRADIENTS)
def dense_gradients(
    zero, plan, layer, blocks, first, last, accumulate, row, n_rows, grads
):
    """Some rows of a weight gradient, in one sum over all samples or one per chunk.

    If chunks have sums of their own, a team has made them on the way back
    (`dense_chunk_gradients`), and here they are only added up.  A thread alone makes
    them here, the first of them in its place, the others in their block's before they
    are added.  Dot products end with the chunk in any case: theirs are no sums that can
    be resumed bit for bit.
    """
    place = layer.params + row * layer.stride
    most = plan.chunk_rows if layer.takes_dots else plan.block_rows
    for start in range(0, last - first, most):
        n = least(most, last - first - start)
        number, offset = divmod(start, plan.block_rows)
        block = record_at(blocks, number)
        alone = plan.n_members == 1
        in_place = not plan.sums_chunks or (alone and accumulate == OVERWRITE)
        own = at(pointer(block.grads, zero), place)
        if alone or in_place:
            sums = grads if in_place else own
            resumes = accumulate if in_place else OVERWRITE
            weight_gradient(
                zero, plan, layer, block, offset, n, row, n_rows, resumes, sums
            )
        if not in_place:
            put_or_add(own, grads, n_rows * layer.stride, accumulate)
        accumulate = ACCUMULATE


@inlined
def weight_gradient(
    zero, plan, layer, block, offset, n, row, n_rows, accumulate, grads
):
    """Some rows of a weight gradient over samples of a block: units times deltas."""
    units = at(pointer(block.units, zero), (layer.inputs + row) * plan.stride + offset)
    if layer.takes_dots:
        deltas = layer.deltas * plan.stride + offset
        call(
            plan.dot_products,
            (
                units, plan.stride,
                at(pointer(block.deltas, zero), deltas), plan.stride,
                grads, layer.stride, n_rows, layer.fan_out, n, accumulate,
            ),
        )  # fmt: skip
    else:
        turned = layer.turned * plan.block_rows + offset * layer.stride
        params = at(pointer(plan.params, zero), layer.params + row * layer.stride)
        # other members' cores have read the weights that are stepped next, and hold
        # copies: ask for their lines, to write them, while the tiles multiply
        steps_next = not plan.sums_chunks and not plan.clip and accumulate == OVERWRITE
        n_soon = n_rows * layer.stride if plan.n_members > 1 and steps_next else 0
        call(
            plan.product,
            (
                units, plan.stride, AS_IT_IS,
                at(pointer(block.turned, zero), turned), layer.stride,
                grads, layer.stride, n_rows, layer.columns, n, accumulate,
                AS_SUMMED, grads, grads, params, n_soon, 1,
            ),
        )  # fmt: skip


INPUT = Kind(forward=gather, predict=gather, of_few_features=gather_few_features)
DENSE = Kind(
    forward=dense_forward,
    backward=dense_backward,
    turn=turn,
    chunk_gradients=dense_chunk_gradients,
    gradients=dense_gradients,
    predict=dense_forward,
    of_few_samples=dense_forward_of_few,
    is_product=True,
    parts=(Part("coefs_", None, is_penalized=True), Part("intercepts_")),
)
# Where a skip connection leads to another width.
PROJECTION = Kind(
    forward=projection_forward,
    backward=dense_backward,
    turn=turn,
    chunk_gradients=dense_chunk_gradients,
    gradients=dense_gradients,
    predict=projection_forward,
    is_product=True,
    parts=(
        Part("skip_coefs_", None, is_penalized=True, group="coefs"),
        Part("skip_intercepts_", group="intercepts"),
    ),
)
