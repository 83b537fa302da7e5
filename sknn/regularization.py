"""What a step does to the parameters besides following the gradient.

Each of these is an operation on a stretch of the flat vectors, in the one pass in
which its update is: penalties are added to the gradients and decayed weights shrunk
before it, signs enforced and the average moved after it.
"""

from ._jit import INTEGER, REAL, VECTOR, ZERO, as_array, inlined, piece
from ._llvm import at, least, load, pointer, prefer_wide_vectors, store
from .layers import ROWS
from .products import squared_norm, sum_of_absolutes, sum_of_squares
from .records import FLOAT64, PLAN
from .team import STRIP


@piece(*ROWS, REAL)
def note_penalties(zero, plan, layer, row, n_rows, grads, factor):
    """Add the L2 penalties of some rows to those of the epoch, strip by strip."""
    for i in range(0, n_rows, STRIP):
        place, size = weights_of_strip(layer, row + i, n_rows - i)
        if size > 0:
            weights = at(pointer(plan.params, zero), place)
            penalty = 0.5 * plan.alpha * sum_of_squares(weights, size)
            note(plan, strip_of(layer, row + i), penalty * factor)


@piece(*ROWS, REAL)
def note_penalties_and_norms(zero, plan, layer, row, n_rows, grads, factor):
    """All penalties, and the norms of the gradients with those of the penalties."""
    norms = pointer(plan.norms, FLOAT64)
    for i in range(0, n_rows, STRIP):
        strip, of_strip = strip_of(layer, row + i), at(grads, i * layer.stride)
        place, size = weights_of_strip(layer, row + i, n_rows - i)
        if size > 0:
            weights = at(pointer(plan.params, zero), place)
            penalty = 0.5 * plan.alpha * sum_of_squares(weights, size)
            if plan.l1 != 0:  # or what has overflowed would become NaN
                penalty += plan.l1 * sum_of_absolutes(weights, size)
            note(plan, strip, penalty * factor)
        if plan.max_norm != 0:
            if size > 0:
                penalize(
                    as_array(weights, size), as_array(of_strip, size),
                    plan.alpha, plan.l1,
                )  # fmt: skip
            size = least(STRIP, n_rows - i) * layer.stride
            store(norms, strip, squared_norm(of_strip, size))


@inlined
def note(plan, strip, penalty):
    """Add to the penalties of a strip."""
    penalties = pointer(plan.penalties, FLOAT64)
    store(penalties, strip, load(penalties, strip) + penalty)


@inlined
def strip_of(layer, row):
    """The number of the strip that starts with this row."""
    return layer.strips + row // STRIP


@inlined
def weights_of_strip(layer, row, n_rows):
    """Where the weights of a strip start, and how many numbers they are."""
    n_weights = least(layer.penalized - row, least(n_rows, STRIP))
    return layer.params + row * layer.stride, n_weights * layer.stride


ON_STRETCH = (ZERO, PLAN, INTEGER, INTEGER, INTEGER, INTEGER)


@inlined
def stretch(address, zero, place, n):
    """Some neighbouring numbers of a flat vector."""
    return as_array(at(pointer(address, zero), place), n)


@piece(*ON_STRETCH, VECTOR)
def prepare(zero, plan, place, n, number, penalized, grads):
    """Add penalties to gradients, unless clipping has done so, and shrink weights.

    ``number`` is that of the shrinkage of this step and group; ``penalized`` is 1 for
    weights and 0 for all else.
    """
    prefer_wide_vectors()
    T = type(zero)
    if penalized == 0:
        return
    p = stretch(plan.params, zero, place, n)
    if plan.max_norm == 0:
        penalize(p, as_array(grads, n), plan.alpha, plan.l1)
    if plan.shrinkages != 0:
        kept = T(1 - load(pointer(plan.shrinkages, FLOAT64), number))
        for i in range(n):
            p[i] *= kept


@inlined
def penalize(p, g, alpha, l1):
    """Add the gradient of ``alpha / 2 * p ** 2 + l1 * abs(p)``, 0 where p is 0."""
    T = p.dtype.type
    alpha, l1 = T(alpha), T(l1)
    for i in range(p.size):
        sign = T(1) if p[i] > T(0) else (T(-1) if p[i] < T(0) else T(0))
        g[i] += alpha * p[i] + l1 * sign


@piece(*ON_STRETCH)
def finish(zero, plan, place, n, step, penalized):
    """Take away what has the wrong sign, and let the average follow."""
    prefer_wide_vectors()
    T = type(zero)
    p = stretch(plan.params, zero, place, n)
    if plan.signs != 0:
        signs = stretch(plan.signs, zero, place, n)
        for i in range(n):
            p[i] = T(0) if p[i] * signs[i] < T(0) else p[i]
    if plan.average != 0:
        share = T(load(pointer(plan.shares, FLOAT64), step))
        average = stretch(plan.average, zero, place, n)
        for i in range(n):
            average[i] = share * p[i] + (T(1) - share) * average[i]
