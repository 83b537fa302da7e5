"""The sparse tile: multiples of rows of B that lie anywhere, summed in registers."""

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ._tile import VectorBuilder, each_case, heights, largest_fitting, widths

# Enough for the sums to hide that each waits for the one before, and that rows are
# seldom looked up twice; more shapes would only take longer to compile.
MOST_VECTORS = 8


def _sizes(context):
    """Vectors of the tiles, the widest first: at most as many as a register tile's."""
    most = min(heights(context)[0] * widths(context)[0], MOST_VECTORS)
    return list(range(most, 0, -1))


sparse_tile_width = largest_fitting(_sizes)


@intrinsic
def sparse_tile(typingctx, width, factors, rows, n, b, b_row, c, accumulate):
    """C[:] (+)= sum over k < n of factors[k] * B[rows[k], :], of ``width`` vectors."""
    index, flag = types.intp, types.boolean
    signature = types.void(index, factors, rows, index, b, index, c, flag)

    def codegen(context, builder, signature, args):
        width, *operands = args
        emit = VectorBuilder(context, builder, signature.args[1].dtype)
        for n_vectors in each_case(builder, width, _sizes(context)):
            _emit_tile(emit, builder, n_vectors, *operands)
        return context.get_dummy_value()

    return signature, codegen


def _emit_tile(emit, builder, n_vectors, factors, rows, n, b, b_row, c, accumulate):
    sums = [cgutils.alloca_once_value(builder, emit.zero) for _ in range(n_vectors)]
    for j, total in enumerate(sums):
        so_far = builder.select(accumulate, emit.load(c, j), emit.zero)
        builder.store(so_far, total)
    with cgutils.for_range(builder, n) as loop:
        row = builder.sext(builder.load(emit.at(rows, loop.index)), emit.index)
        b_k = emit.at(b, builder.mul(row, b_row))
        factor = emit.broadcast(emit.at(factors, loop.index))
        for j, total in enumerate(sums):
            resumed = emit.fma(factor, emit.load(b_k, j), builder.load(total))
            builder.store(resumed, total)
    for j, total in enumerate(sums):
        emit.store(builder.load(total), c, j)
