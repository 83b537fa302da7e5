"""Matrix products on flat buffers: a matrix is a start and a distance of rows.

The rows of B and C are padded to whole vectors, so a product is a grid of register
tiles and nothing else; A is read one number at a time, by rows or by columns.
"""

import numpy as np

from ._jit import inlined, kernel, reduction
from ._llvm import (
    VECTOR_BYTES,
    copy_vector,
    tile_of_1,
    tile_of_2,
    tile_of_3,
    tile_rows,
    tile_vectors,
    transpose_block,
)

# How a product reads A, and writes C.  A plain False or True would be a type of its own
# to Numba, which would compile the product once for each.
AS_IT_IS, TRANSPOSED = np.bool_(False), np.bool_(True)
OVERWRITE = np.bool_(False)
# Rows of B that a tile passes over at once: they stay in the first-level cache.
DEPTH_BLOCK = 128


@kernel
def product(
    a, a_at, a_stride, a_transposed, b, b_at, b_stride,
    c, c_at, c_stride, m, n, depth, accumulate, scratch,
):  # fmt: skip
    """C (+)= A @ B, or A.T @ B, with C of shape (m, n) and n a multiple of the vector.

    Each matrix starts at its ``_at``, and its rows lie ``_stride`` numbers apart.
    ``scratch`` has room for `scratch_size` numbers.
    """
    rows = tile_rows()
    row, step = (1, a_stride) if a_transposed else (a_stride, 1)
    # The columns of a large A lie far apart: copy what many tiles will read again.
    packed = a_transposed and n > 8 * (VECTOR_BYTES // c.itemsize)
    for k in range(0, depth, DEPTH_BLOCK):
        block = min(DEPTH_BLOCK, depth - k)
        source, at, tile, inner = a, a_at + k * step, rows * row, step
        if packed:
            pack_columns(a, at, a_stride, m, block, scratch)
            source, at, tile, inner = scratch, 0, rows * block, rows
        _block_product(
            source, at, tile, row, inner, b, b_at + k * b_stride, b_stride,
            c, c_at, c_stride, m, n, block, accumulate or k > 0,
        )  # fmt: skip


def scratch_size(m):
    """Length of the scratch for a product whose A.T has ``m`` rows."""
    return DEPTH_BLOCK * (m + VECTOR_BYTES)


@inlined
def pack_columns(a, a_at, a_stride, m, depth, packed):
    """Lay the columns of A side by side, as many as a tile has rows at a time.

    Whole vectors are copied; what is too much the next one writes over.  A vector at
    the end of A's last row reads past it: A must not be the last in its buffer, and
    the units of a layer never are, for those of the next follow.
    """
    rows = tile_rows()
    for i in range(0, m, rows):
        for k in range(depth):
            copy_vector(a, a_at + k * a_stride + i, packed, i * depth + k * rows)


@inlined
def _block_product(
    a, a_at, a_tile, a_row, a_step, b, b_at, b_row,
    c, c_at, c_row, m, n, depth, accumulate,
):  # fmt: skip
    """The product of so few columns of A that the rows of B stay in the cache.

    The rows of A come in groups of a tile each, ``a_tile`` apart.
    """
    rows = tile_rows()
    lanes = VECTOR_BYTES // c.itemsize
    j = 0
    while j < n:
        width = _tile_width((n - j) // lanes)
        for i in range(0, m, rows):
            a_i, b_j, c_ij = a_at + i // rows * a_tile, b_at + j, c_at + i * c_row + j
            size = min(rows, m - i)
            if width == 3:
                tile_of_3(
                    a, a_i, a_row, a_step, b, b_j, b_row,
                    c, c_ij, c_row, size, depth, accumulate,
                )  # fmt: skip
            elif width == 2:
                tile_of_2(
                    a, a_i, a_row, a_step, b, b_j, b_row,
                    c, c_ij, c_row, size, depth, accumulate,
                )  # fmt: skip
            else:
                tile_of_1(
                    a, a_i, a_row, a_step, b, b_j, b_row,
                    c, c_ij, c_row, size, depth, accumulate,
                )  # fmt: skip
        j += width * lanes


@inlined
def _tile_width(n_vectors):
    """Vectors in the next tile: as many as can be, but rather 2 + 2 than 3 + 1."""
    if tile_vectors() < 3 or n_vectors == 1:
        return 1
    return 2 if n_vectors == 2 or n_vectors == 4 else 3


@kernel
def transpose(a, a_at, a_row, t, t_at, t_row, m, n):
    """T[j, i] = A[i, j] for i < m and j < n; whole blocks by vector shuffles."""
    lanes = VECTOR_BYTES // a.itemsize
    m_blocks = m - m % lanes
    n_blocks = n - n % lanes
    for i in range(0, m_blocks, lanes):
        for j in range(0, n_blocks, lanes):
            transpose_block(
                a, a_at + i * a_row + j, a_row, t, t_at + j * t_row + i, t_row
            )
    for i in range(m):
        for j in range(n_blocks if i < m_blocks else 0, n):
            t[t_at + j * t_row + i] = a[a_at + i * a_row + j]


@kernel
def sparse_product(values, columns, start, stop, b, b_at, b_row, c):
    """c += sum of values[k] * B[columns[k]] for one sparse row, in place."""
    for k in range(start, stop):
        row = b_at + columns[k] * b_row
        b_k = b[row : row + c.size]
        value = values[k]
        for j in range(c.size):
            c[j] += value * b_k[j]


@kernel
def sparse_outer_product(values, columns, start, stop, delta, c, c_at, c_row):
    """C[columns[k]] += values[k] * delta for one sparse row, in place."""
    for k in range(start, stop):
        row = c_at + columns[k] * c_row
        c_k = c[row : row + delta.size]
        value = values[k]
        for j in range(delta.size):
            c_k[j] += value * delta[j]


@reduction
def sum_of_squares(x):
    """The product of a vector with itself."""
    total = x.dtype.type(0)
    for i in range(x.size):
        total += x[i] * x[i]
    return total
