"""The first layer on a sparse X, whose rows are read where they are.

X is never made dense, not even a row of it: a row's weighted sums are those of the
rows of W that it has numbers for, and so is what it adds to the gradient.
"""

from ._jit import INTEGER, ZERO, as_array, inlined, piece
from ._llvm import at, call, load, pointer, store
from .products import copy
from .records import INT32, INT64, LAYER, MEMBER, PLAN
from .team import share_of_samples


@piece(ZERO, PLAN, LAYER, MEMBER, INTEGER, INTEGER)
def sparse_forward(zero, plan, layer, me, first, n):
    """Weighted sums of a block of samples."""
    plan, layer, me = as_array(plan, 1)[0], as_array(layer, 1)[0], as_array(me, 1)[0]
    values, columns = pointer(plan.values, zero), pointer(plan.columns, INT32)
    starts, order = pointer(plan.row_starts, INT64), pointer(plan.order, INT64)
    W = at(pointer(plan.params, zero), layer.weights)
    units, turned = pointer(me.units, zero), pointer(me.turned, zero)
    for i in range(n):
        sample, z = load(order, first + i), at(turned, i * layer.stride)
        copy(at(W, layer.fan_in * layer.stride), z, layer.stride)
        for k in range(load(starts, sample), load(starts, sample + 1)):
            row = at(W, load(columns, k) * layer.stride)
            _add_multiple(z, load(values, k), row, layer.columns)
    outputs = at(units, layer.outputs * plan.stride)
    matrices = turned, layer.stride, outputs, plan.stride
    call(plan.transpose, (*matrices, n, layer.fan_out))
    ones = at(outputs, layer.fan_out * plan.stride)
    for i in range(plan.stride):
        store(ones, i, 1)


@piece(ZERO, PLAN, LAYER, MEMBER, *[INTEGER] * 5)
def sparse_gradients(zero, plan, layer, members, first, last, accumulate, row, end):
    """Gradients of some rows of W, from the samples of all members."""
    plan, layer = as_array(plan, 1)[0], as_array(layer, 1)[0]
    members = as_array(members, plan.n_members)
    values, columns = pointer(plan.values, zero), pointer(plan.columns, INT32)
    starts, order = pointer(plan.row_starts, INT64), pointer(plan.order, INT64)
    grads = at(pointer(plan.grads, zero), layer.weights)
    if not accumulate:
        for i in range(row * layer.stride, end * layer.stride):
            store(grads, i, zero)
    for number in range(plan.n_members):
        start, stop = share_of_samples(zero, plan, first, last, number)
        for i in range(start, stop):
            turned = pointer(members[number].turned, zero)
            delta = at(turned, (i - start) * layer.stride)
            sample = load(order, i)
            for k in range(load(starts, sample), load(starts, sample + 1)):
                column = load(columns, k)
                if row <= column < end:
                    grad = at(grads, column * layer.stride)
                    _add_multiple(grad, load(values, k), delta, layer.columns)
            if end > layer.fan_in:
                grad = at(grads, layer.fan_in * layer.stride)
                _add_multiple(grad, type(zero)(1), delta, layer.columns)


@inlined
def _add_multiple(c, factor, b, n):
    """c[:n] += factor * b[:n]."""
    for j in range(n):
        store(c, j, load(c, j) + factor * load(b, j))
