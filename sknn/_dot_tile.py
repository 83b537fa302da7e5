"""The dot tile: a product with few columns, summed along rows.

A register tile has a lane for each column of C, so with a few columns most of its
lanes are empty.  Here A and B are both read along their rows: each number of C has a
vector of sums of its own, which is summed in turn at the end.
"""

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ._tile import VectorBuilder, each_case, heights, widths


@intrinsic
def dot_tile_height(typingctx):
    """Rows of C that a dot tile makes at once."""

    def codegen(context, builder, signature, args):
        return context.get_constant(types.intp, heights(context)[0])

    return types.intp(), codegen


@intrinsic
def dot_tile(typingctx, rows_left, width, a, a_row, b, b_row, c, c_row,
             depth, accumulate):  # fmt: skip
    """C[i, j] (+)= sum over k < depth of A[i, k] * B[j, k], for j < width.

    Its rows are the first ones of those that are left.  What is behind a row's last
    number is read, but does not count: it may be anything, even no number.
    """
    index = types.intp
    signature = types.void(
        index, index, a, index, b, index, c, index, index, types.boolean
    )

    def codegen(context, builder, signature, args):
        rows_left, width, *operands = args
        emit = VectorBuilder(context, builder, signature.args[2].dtype)
        last = builder.sub(rows_left, emit.constant(1))
        rows = [emit.at_most(last, i) for i in range(heights(context)[0])]
        for n_columns in each_case(builder, width, widths(context)):
            _emit_dots(emit, builder, rows, n_columns, *operands)
        return context.get_dummy_value()

    return signature, codegen


def _emit_dots(
    emit, builder, rows, n_columns, a, a_row, b, b_row, c, c_row, depth, accumulate
):
    # Where fewer rows are left, the last is made again and again: a shape less to
    # compile.  So nothing is stored before all that is added to has been read.
    columns = [emit.constant(j) for j in range(n_columns)]
    a_rows = [emit.at(a, builder.mul(i, a_row)) for i in rows]
    b_rows = [emit.at(b, builder.mul(j, b_row)) for j in columns]
    c_rows = [emit.at(c, builder.mul(i, c_row)) for i in rows]
    tile = [(i, j) for i in range(len(rows)) for j in range(n_columns)]
    sums = {ij: cgutils.alloca_once_value(builder, emit.zero) for ij in tile}

    def add_products(k, part=lambda vector: vector):
        b_vectors = [part(emit.load(emit.at(row, k), 0)) for row in b_rows]
        for i, row in enumerate(a_rows):
            a_vector = part(emit.load(emit.at(row, k), 0))
            for j, b_vector in enumerate(b_vectors):
                total = emit.fma(a_vector, b_vector, builder.load(sums[i, j]))
                builder.store(total, sums[i, j])

    # all vectors that are whole for sure, and then the last one
    lanes = emit.constant(emit.lanes)
    last = builder.mul(builder.sdiv(builder.sub(depth, emit.constant(1)), lanes), lanes)
    with cgutils.for_range_slice(builder, emit.constant(0), last, lanes) as (k, _):
        add_products(k)
    counts = emit.first_lanes(builder.sub(depth, last))
    add_products(last, lambda vector: builder.select(counts, vector, emit.zero))

    places = {(i, j): emit.at(c_rows[i], columns[j]) for i, j in tile}
    before = {ij: builder.load(places[ij]) for ij in tile}
    for ij in tile:
        total = emit.total(builder.load(sums[ij]))
        resumed = builder.fadd(before[ij], total)
        builder.store(builder.select(accumulate, resumed, total), places[ij])
