"""What Numba has no word for, written in LLVM's: a register tile and two bit tricks.

A *tile* is a block of C = A @ B that stays in vector registers while its whole inner
dimension is summed.  One row of A contributes one broadcast per step, one row of B
one to three vector loads, and every product is a fused multiply-add.  A vector is
always 64 bytes; a narrower CPU splits it.
"""

from llvmlite import ir
from llvmlite.binding import get_default_triple
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

VECTOR_BYTES = 64


def _tile_shape(context):
    """Rows and vectors per row of the widest tile that fits the CPU's registers."""
    features = context.codegen()._get_host_cpu_features().split(",")
    if "+avx512f" in features:
        return 8, 3  # 24 of 32 zmm registers hold sums
    if "+avx" in features:
        return 6, 1  # 12 of 16 ymm registers
    if get_default_triple().startswith(("aarch64", "arm64")):
        return 4, 1  # 16 of 32 128-bit registers
    return 2, 1  # 8 of 16 xmm registers


@intrinsic
def tile_rows(typingctx):
    """Rows of a tile on this CPU."""

    def codegen(context, builder, signature, args):
        return context.get_constant(types.intp, _tile_shape(context)[0])

    return types.intp(), codegen


@intrinsic
def tile_vectors(typingctx):
    """Vectors in a row of the widest tile on this CPU."""

    def codegen(context, builder, signature, args):
        return context.get_constant(types.intp, _tile_shape(context)[1])

    return types.intp(), codegen


def _tile_intrinsic(n_vectors):
    @intrinsic
    def tile(typingctx, a, a_at, a_row, a_step, b, b_at, b_step, c, c_at, c_row,
             rows, depth, accumulate):  # fmt: skip
        """C[i, :] (+)= sum over k < depth of A[i, k] * B[k, :], for i < rows.

        Element A[i, k] is ``a[a_at + i * a_row + k * a_step]``, so the same tile
        reads A or its transpose; rows of B and C are contiguous.  Rows past `rows`
        are the last one again.
        """
        index = types.intp
        signature = types.void(
            a, index, index, index, b, index, index, c, index, index, index, index,
            types.boolean,
        )  # fmt: skip

        def codegen(context, builder, signature, args):
            _emit_tile(context, builder, signature, args, n_vectors)
            return context.get_dummy_value()

        return signature, codegen

    return tile


def _emit_tile(context, builder, signature, args, n_vectors):
    (a, a_at, a_row, a_step, b, b_at, b_step, c, c_at, c_row, rows, depth,
     accumulate) = args  # fmt: skip
    n_rows, most_vectors = _tile_shape(context)
    n_vectors = min(n_vectors, most_vectors)
    emit = _VectorBuilder(context, builder, signature.args[0].dtype)
    a = emit.at(emit.data(signature.args[0], a), a_at)
    b = emit.at(emit.data(signature.args[4], b), b_at)
    c = emit.at(emit.data(signature.args[7], c), c_at)

    # Rows past the end are the last row again: computed twice, stored twice, the same.
    last = builder.sub(rows, emit.constant(1))
    a_rows, c_rows = [], []
    for i in range(n_rows):
        i = emit.constant(i)
        row = builder.select(builder.icmp_signed("<", i, last), i, last)
        a_rows.append(emit.at(a, builder.mul(row, a_row)))
        c_rows.append(emit.at(c, builder.mul(row, c_row)))

    tile = [(i, j) for i in range(n_rows) for j in range(n_vectors)]
    start = {
        (i, j): builder.select(accumulate, emit.load(c_rows[i], j), emit.zero)
        for i, j in tile
    }

    before, loop = builder.block, builder.append_basic_block("depth")
    builder.branch(loop)
    builder.position_at_end(loop)
    k = builder.phi(emit.index)
    sums = {ij: builder.phi(emit.vector) for ij in tile}
    b_k = emit.at(b, builder.mul(k, b_step))
    b_vectors = [emit.load(b_k, j) for j in range(n_vectors)]
    a_k = builder.mul(k, a_step)
    products = [emit.broadcast(emit.at(row, a_k)) for row in a_rows]
    totals = {(i, j): emit.fma(products[i], b_vectors[j], sums[i, j]) for i, j in tile}
    next_k = builder.add(k, emit.constant(1))
    builder.cbranch(
        builder.icmp_signed("<", next_k, depth),
        loop,
        after := builder.append_basic_block("store"),
    )
    k.add_incoming(emit.constant(0), before)
    k.add_incoming(next_k, loop)
    for ij in tile:
        sums[ij].add_incoming(start[ij], before)
        sums[ij].add_incoming(totals[ij], loop)

    builder.position_at_end(after)
    for i, j in tile:
        emit.store(totals[i, j], c_rows[i], j)


class _VectorBuilder:
    """Loads, stores and arithmetic on 64-byte vectors of one dtype."""

    def __init__(self, context, builder, dtype):
        self._context = context
        self._builder = builder
        self._itemsize = dtype.bitwidth // 8
        self._scalar = context.get_value_type(dtype)
        self.lanes = VECTOR_BYTES // self._itemsize
        self.index = context.get_value_type(types.intp)
        self.vector = ir.VectorType(self._scalar, self.lanes)
        self.zero = ir.Constant(self.vector, None)

    def constant(self, i):
        return ir.Constant(self.index, i)

    def data(self, array_type, array):
        return self._context.make_array(array_type)(
            self._context, self._builder, array
        ).data

    def at(self, pointer, offset):
        return self._builder.gep(pointer, [offset])

    def _vector_at(self, pointer, j):
        address = self.at(pointer, self.constant(j * self.lanes))
        return self._builder.bitcast(address, self.vector.as_pointer())

    def load(self, pointer, j):
        return self._builder.load(self._vector_at(pointer, j), align=self._itemsize)

    def store(self, value, pointer, j):
        self._builder.store(value, self._vector_at(pointer, j), align=self._itemsize)

    def broadcast(self, pointer):
        undefined = ir.Constant(self.vector, ir.Undefined)
        first = ir.Constant(ir.IntType(32), 0)
        single = self._builder.insert_element(
            undefined, self._builder.load(pointer, align=self._itemsize), first
        )
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        return self._builder.shuffle_vector(single, undefined, mask)

    def interleave(self, x, y):
        """The lanes of x and y in turn, as a pair of vectors."""
        order = [i // 2 + (i % 2) * self.lanes for i in range(2 * self.lanes)]
        mask_type = ir.VectorType(ir.IntType(32), self.lanes)
        return tuple(
            self._builder.shuffle_vector(x, y, ir.Constant(mask_type, lanes))
            for lanes in (order[: self.lanes], order[self.lanes :])
        )

    def fma(self, x, y, z):
        name = f"llvm.fmuladd.v{self.lanes}f{self._itemsize * 8}"
        function = cgutils.get_or_insert_function(
            self._builder.module, ir.FunctionType(self.vector, [self.vector] * 3), name
        )
        return self._builder.call(function, [x, y, z])


tile_of_3 = _tile_intrinsic(3)
tile_of_2 = _tile_intrinsic(2)
tile_of_1 = _tile_intrinsic(1)


@intrinsic
def copy_vector(typingctx, a, a_at, c, c_at):
    """Copy 64 bytes of A to C."""
    signature = types.void(a, types.intp, c, types.intp)

    def codegen(context, builder, signature, args):
        a, a_at, c, c_at = args
        emit = _VectorBuilder(context, builder, signature.args[0].dtype)
        value = emit.load(emit.at(emit.data(signature.args[0], a), a_at), 0)
        emit.store(value, emit.at(emit.data(signature.args[2], c), c_at), 0)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def transpose_block(typingctx, a, a_at, a_row, t, t_at, t_row):
    """T[j, i] = A[i, j] for a square of one vector by one vector.

    Each round interleaves row i with the row half a block further on; after log2
    rounds of this perfect shuffle the block is transposed.
    """
    index = types.intp
    signature = types.void(a, index, index, t, index, index)

    def codegen(context, builder, signature, args):
        a, a_at, a_row, t, t_at, t_row = args
        emit = _VectorBuilder(context, builder, signature.args[0].dtype)
        a = emit.at(emit.data(signature.args[0], a), a_at)
        t = emit.at(emit.data(signature.args[3], t), t_at)
        row = emit.constant
        rows = [
            emit.load(emit.at(a, builder.mul(row(i), a_row)), 0)
            for i in range(emit.lanes)
        ]
        half = emit.lanes // 2
        for _ in range(half.bit_length()):
            pairs = zip(rows[:half], rows[half:], strict=True)
            rows = [x for pair in pairs for x in emit.interleave(*pair)]
        for i in range(emit.lanes):
            emit.store(rows[i], emit.at(t, builder.mul(row(i), t_row)), 0)
        return context.get_dummy_value()

    return signature, codegen


_MANTISSA_BITS = {32: 23, 64: 52}
_EXPONENT_BIAS = {32: 127, 64: 1023}


def _round_constant(bits):
    """Adding this to a small float leaves its nearest integer in the low bits."""
    return 1.5 * 2.0 ** _MANTISSA_BITS[bits]


@intrinsic
def round_to_integer(typingctx, x):
    """The integer nearest to ``x``, as a float; for |x| below 2**22."""

    def codegen(context, builder, signature, args):
        dtype = signature.args[0]
        magic = context.get_constant(dtype, _round_constant(dtype.bitwidth))
        return builder.fsub(builder.fadd(args[0], magic), magic)

    return x(x), codegen


@intrinsic
def power_of_two(typingctx, n):
    """2**n for an integer-valued float ``n`` within the exponent's range."""

    def codegen(context, builder, signature, args):
        dtype = signature.args[0]
        bits = dtype.bitwidth
        magic = _round_constant(bits) + _EXPONENT_BIAS[bits]
        shifted = builder.fadd(args[0], context.get_constant(dtype, magic))
        integer = ir.IntType(bits)
        exponent = builder.shl(
            builder.bitcast(shifted, integer), integer(_MANTISSA_BITS[bits])
        )
        return builder.bitcast(exponent, context.get_value_type(dtype))

    return n(n), codegen


# The bits of sqrt(1/2), where the mantissa of a logarithm's argument begins.
_SQRT_HALF_BITS = {32: 0x3F3504F3, 64: 0x3FE6A09E667F3BCD}


def _split(context, builder, dtype, x):
    """Exponent and mantissa of ``x``, as bits: x = mantissa * 2**exponent."""
    integer = ir.IntType(dtype.bitwidth)
    shift = integer(_MANTISSA_BITS[dtype.bitwidth])
    bits = builder.bitcast(x, integer)
    above = builder.sub(bits, integer(_SQRT_HALF_BITS[dtype.bitwidth]))
    exponent = builder.ashr(above, shift)
    return exponent, builder.sub(bits, builder.shl(exponent, shift))


@intrinsic
def exponent(typingctx, x):
    """The integer n, as a float, with x = m * 2**n and sqrt(1/2) <= m < sqrt(2)."""

    def codegen(context, builder, signature, args):
        dtype = signature.args[0]
        n, _ = _split(context, builder, dtype, args[0])
        # the trick of `round_to_integer` backwards: no conversion that SSE lacks
        magic = context.get_constant(dtype, _round_constant(dtype.bitwidth))
        shifted = builder.add(n, builder.bitcast(magic, n.type))
        return builder.fsub(builder.bitcast(shifted, magic.type), magic)

    return x(x), codegen


@intrinsic
def mantissa(typingctx, x):
    """The m with x = m * 2**n and sqrt(1/2) <= m < sqrt(2)."""

    def codegen(context, builder, signature, args):
        dtype = signature.args[0]
        _, m = _split(context, builder, dtype, args[0])
        return builder.bitcast(m, context.get_value_type(dtype))

    return x(x), codegen


@intrinsic
def is_single(typingctx, x):
    """Whether ``x`` is a float32: a constant, so the other branch is never compiled."""

    def codegen(context, builder, signature, args):
        return context.get_constant(types.boolean, signature.args[0] == types.float32)

    return types.boolean(x), codegen
