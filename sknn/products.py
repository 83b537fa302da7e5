"""Matrix products on flat buffers: a matrix is a start and a distance of rows.

The rows of B and C are whole vectors (what is behind them, `params` says), so a product
is a grid of register tiles and nothing else; A is read one number at a time, by rows or
by columns.  The loops, the outermost first:

    columns of B and C  so many that, with
    depth               so many rows, a block of B stays in the second-level cache
    rows of C           as many as a tile has; A's numbers for them may be copied
    columns of C        as many as a tile has, one to three vectors
    depth               in the tile, whose part of C stays in registers

A layer is three products of m x depth by depth x n numbers:

                A                   B                  C           m     n       depth
    forward     W.T                 units, inputs      outputs     out   samples in + 1
    backward    W                   deltas, outputs    inputs      in    samples out
    gradients   units, inputs       turned, outputs    of W        in+1  out     samples

Of few samples the first is units.T @ W, whose C has a row for each sample.  With few
outputs the last is units @ deltas.T, in dot products along the samples.
"""

import numpy as np

from ._dot_tile import dot_tile, dot_tile_height
from ._jit import INTEGER, VECTOR, inlined, piece, reduction, subroutine
from ._llvm import at, least, load, prefer_wide_vectors, store
from ._tile import (
    AS_SUMMED,
    VECTOR_BYTES,
    ask_to_read,
    ask_to_write,
    copy_half_vector,
    copy_vector,
    lanes,
    tile,
    tile_height,
    tile_width,
    transpose_square,
)

# How A lies; from afar if other threads have written it.  How C is written.
AS_IT_IS, TRANSPOSED, TRANSPOSED_FROM_AFAR = 0, 1, 2
OVERWRITE, ACCUMULATE = 0, 1
# All tiles pass over a block of B before the next one, so that it stays in the
# second-level cache and the tile's prefetches come in time: so many rows at most, fewer
# where A's are copied, for the copy that a row of tiles reads is to stay in the first.
MOST_ROWS, MOST_BYTES_OF_COLUMN = 256, 1024
BYTES_OF_B = 256 * 1024
# What the pages hold whose addresses a CPU has at hand: 64 of 4 kB, its first TLB's.
BYTES_IN_PAGES = 256 * 1024


@piece(
    VECTOR, INTEGER, INTEGER, VECTOR, INTEGER, VECTOR, INTEGER,
    INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, VECTOR, VECTOR, VECTOR,
    INTEGER, INTEGER,
)  # fmt: skip
def product(
    a, a_stride, a_transposed, b, b_stride, c, c_stride, m, n, depth, accumulate,
    epilogue, gate, packed, soon, n_soon, writes,
):  # fmt: skip
    """C (+)= A @ B, or A.T @ B, with C of shape (m, n) and n a multiple of the vector.

    Rows lie ``_stride`` numbers apart; `packed` is scratch of ``PACKED`` numbers.
    ``a_transposed`` is AS_IT_IS, TRANSPOSED or TRANSPOSED_FROM_AFAR.  Finished sums are
    written AS_SUMMED, RECTIFIED or GATED; only then `gate` is read, which lies like C.
    The numbers from `soon` on, `n_soon` of them, are what is read next, or written if
    it ``writes``: the memory that they lie in may take as long to come as a dozen
    products of vectors, so the tiles ask for it in time, each for its share.
    """
    size = VECTOR_BYTES // lanes(c)
    block_depth, block_columns = even_share(depth, MOST_ROWS, 1), n
    # Copy columns of A that lie in more pages than that, or in the cache of another
    # core, if enough tiles beside one another read the copy.
    is_far = (
        a_transposed == TRANSPOSED_FROM_AFAR
        or block_depth * a_stride * size > BYTES_IN_PAGES
    )
    copies = a_transposed != 0 and is_far and n > 4 * lanes(c)
    if copies:
        most = least(MOST_ROWS, MOST_BYTES_OF_COLUMN // size)
        block_depth = even_share(depth, most, 1)
    if n * block_depth * size > BYTES_OF_B:
        block_columns = even_share(n, BYTES_OF_B // (size * block_depth), lanes(c))
    lines_per_tile = lines_of_a_tile(n_soon, m, n, c)
    for j in range(0, n, block_columns):
        for k in range(0, depth, block_depth):
            soon = block_of_tiles(
                at(a, k * (a_stride if a_transposed else 1)), a_stride, a_transposed,
                at(b, k * b_stride + j), b_stride, at(c, j), c_stride,
                m, least(block_columns, n - j), least(block_depth, depth - k),
                accumulate != 0 or k > 0,
                epilogue if k + block_depth >= depth else AS_SUMMED, at(gate, j),
                copies, packed,
                soon, lines_per_tile if k == 0 else 0, writes,
            )  # fmt: skip


@inlined
def even_share(n, most, grain):
    """The size of equal parts of ``n``, whole grains, of about ``most`` at most."""
    if n <= most:
        return n  # without divisions, which take longer than a small product
    parts = (n + most - 1) // most
    return ((n + parts - 1) // parts + grain - 1) // grain * grain


@inlined
def lines_of_a_tile(n_soon, m, n, c):
    """Lines of memory, each a vector, that a tile asks for, if it has as many of C."""
    if n_soon == 0:
        return 0  # without a division, too
    return (n_soon * tile_height(m) * tile_width(n // lanes(c)) + m * n - 1) // (m * n)


@inlined
def block_of_tiles(
    a, a_stride, a_transposed, b, b_stride, c, c_stride, m, n, depth, accumulate,
    epilogue, gate, copies, packed, soon, lines_per_tile, writes,
):  # fmt: skip
    """The product with a block of B; returns what comes after what was asked for."""
    row, step = (1, a_stride) if a_transposed else (a_stride, 1)
    i = 0
    while i < m:
        height = tile_height(m - i)
        if copies:
            _pack_columns(at(a, i), a_stride, height, depth, packed)
        soon = row_of_tiles(
            height, packed if copies else at(a, i * row),
            1 if copies else row, height if copies else step,
            b, b_stride, at(c, i * c_stride), c_stride, n, depth, accumulate,
            epilogue, at(gate, i * c_stride), soon, lines_per_tile, writes,
        )  # fmt: skip
        i += height
    return soon


@inlined
def row_of_tiles(
    height, a, a_row, a_step, b, b_stride, c, c_stride, n, depth, accumulate,
    epilogue, gate, soon, lines_per_tile, writes,
):  # fmt: skip
    """The tiles beside one another in a few rows of C; returns the same."""
    j = 0
    while j < n:
        width = tile_width((n - j) // lanes(c))
        if lines_per_tile > 0:
            n_lines = least(lines_per_tile, height * width)
            ask_for_lines(soon, n_lines, writes)
            soon = at(soon, n_lines * lanes(c))
        tile(
            height, width, a, a_row, a_step, at(b, j), b_stride, at(c, j), c_stride,
            depth, accumulate, epilogue, at(gate, j),
        )  # fmt: skip
        j += width * lanes(c)
    return soon


@subroutine
def ask_for_lines(soon, n, writes):
    """Ask for some lines of memory; a function, so that the rest has its registers."""
    for i in range(n):
        line = at(soon, i * lanes(soon))
        if writes:
            ask_to_write(line)
        else:
            ask_to_read(line)


# Length of the scratch: 8 numbers of each row, and a vector at the end.
PACKED = 8 * MOST_ROWS + 16


@inlined
def _pack_columns(a, a_stride, height, depth, packed):
    """Lay ``height`` neighbours of each row of A.T's source behind one another.

    Whole or half vectors are copied, and the next one writes over what was too much;
    behind the last number of A there must be room for one to be read (`params.zeros`).
    """
    if 2 * height > lanes(a):
        for k in range(depth):
            copy_vector(at(a, k * a_stride), at(packed, k * height))
    else:
        for k in range(depth):
            copy_half_vector(at(a, k * a_stride), at(packed, k * height))


@piece(
    VECTOR, INTEGER, VECTOR, INTEGER, VECTOR, INTEGER,
    INTEGER, INTEGER, INTEGER, INTEGER,
)  # fmt: skip
def dot_products(a, a_stride, b, b_stride, c, c_stride, m, n, depth, accumulate):
    """C (+)= A @ B.T, with C of shape (m, n): for few columns, of any number."""
    for i in range(0, m, dot_tile_height()):
        j = 0
        while j < n:
            width = tile_width(n - j)  # here of columns, not of vectors
            dot_tile(
                m - i, width, at(a, i * a_stride), a_stride, at(b, j * b_stride),
                b_stride, at(c, i * c_stride + j), c_stride, depth, accumulate != 0,
            )  # fmt: skip
            j += width


@piece(VECTOR, INTEGER, VECTOR, INTEGER, INTEGER, INTEGER)
def transpose(a, a_row, t, t_row, m, n):
    """T[j, i] = A[i, j] for i < m and j < n, both rounded up to whole vectors."""
    for i in range(0, m, lanes(a)):
        for j in range(0, n, lanes(a)):
            transpose_square(at(a, i * a_row + j), a_row, at(t, j * t_row + i), t_row)


@inlined
def copy(source, target, n):
    """Copy n numbers, whole vectors."""
    for j in range(0, n, lanes(source)):
        copy_vector(at(source, j), at(target, j))


@inlined
def add(source, target, n):
    """Add n numbers to those of the target."""
    for j in range(n):
        store(target, j, load(target, j) + load(source, j))


@inlined
def put_or_add(source, target, n, accumulate):
    """Put n numbers in place of those of the target, or add them to those."""
    for j in range(n):
        number = load(source, j)
        store(target, j, load(target, j) + number if accumulate else number)


@inlined
def whole_vectors(n, number):
    """``n`` rounded up to whole vectors of numbers like this one."""
    return (n + lanes(number) - 1) // lanes(number) * lanes(number)


@reduction
def total(x, n):
    """The sum of n numbers, in float64."""
    result = 0.0
    for i in range(n):
        result += load(x, i)
    return result


@reduction
def total_of_zeros(x, n):
    """Zero, or NaN if any of n numbers is infinite or NaN."""
    prefer_wide_vectors()
    T = type(load(x, 0))  # float32 times an integer were float64
    zero = T(0)
    for i in range(n):
        zero += load(x, i) * T(0)
    return zero


@reduction
def sum_of_squares(x, n):
    """The sum of the squares of n numbers."""
    result = type(load(x, 0))(0)
    for i in range(n):
        result += load(x, i) * load(x, i)
    return result


@reduction
def squared_norm(x, n):
    """The same in float64, which large numbers do not overflow."""
    result = 0.0
    for i in range(n):
        number = np.float64(load(x, i))
        result += number * number
    return result


@reduction
def sum_of_absolutes(x, n):
    """The sum of the absolute values of n numbers."""
    result = type(load(x, 0))(0)
    for i in range(n):
        result += abs(load(x, i))
    return result
