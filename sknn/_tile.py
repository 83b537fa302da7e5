"""The register tile: the one place where numbers are multiplied and summed in bulk.

A *tile* is a block of C = A @ B that stays in vector registers while its whole inner
dimension is summed.  One row of A contributes one broadcast per step, one row of B
one to three vector loads, and every product but the first step's is a fused
multiply-add.  A vector is always 64 bytes; a narrower CPU splits it.  Numba has no
words for this, so the tile is written in LLVM's, once for each of its shapes.
"""

from llvmlite import ir
from llvmlite.binding import get_default_triple
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

VECTOR_BYTES = 64
# Rows of B that a tile asks the cache for ahead of their use.
PREFETCHED_ROWS = 8
# What a tile does to finished sums as it writes them: nothing; those that are negative
# become 0; those become 0 that have a 0 in their place in another matrix, the gate.
AS_SUMMED, RECTIFIED, GATED = 0, 1, 2


def cpu_features(context):
    """What the CPU that is compiled for has, in LLVM's words: "+avx512f"..."""
    return context.codegen()._get_host_cpu_features().split(",")


def cpu_name(context):
    """What LLVM calls it: "znver4"..."""
    return context.codegen()._get_host_cpu_name()


def _largest_tile(context):
    """Rows and vectors per row of the largest tile that fits the CPU's registers."""
    features = cpu_features(context)
    if "+avx512f" in features:
        return 8, 3  # 24 of 32 zmm registers hold sums
    if "+avx" in features:
        return 6, 1  # 12 of 16 ymm registers
    if get_default_triple().startswith(("aarch64", "arm64")):
        return 4, 1  # 16 of 32 128-bit registers
    return 2, 1  # 8 of 16 xmm registers


def heights(context):
    """Rows of the tiles: the largest, and those for what is left below."""
    largest, _ = _largest_tile(context)
    return [largest, *(rows for rows in (4, 3, 2, 1) if rows < largest)]


def widths(context):
    """Vectors per row of the tiles, the largest first."""
    return list(range(_largest_tile(context)[1], 0, -1))


@intrinsic
def lanes(typingctx, number):
    """Numbers in a vector of this number's type, or of what a pointer points to."""
    dtype = getattr(number, "dtype", number)

    def codegen(context, builder, signature, args):
        return context.get_constant(types.intp, VECTOR_BYTES * 8 // dtype.bitwidth)

    return types.intp(number), codegen


def largest_fitting(sizes):
    """A function of how many are left: the largest size, of a CPU's, that fits in."""

    @intrinsic
    def largest(typingctx, left):
        def codegen(context, builder, signature, args):
            return _largest_of(builder, sizes(context), args[0])

        return types.intp(types.intp), codegen

    return largest


tile_height = largest_fitting(heights)


@intrinsic
def tile_width(typingctx, vectors_left):
    """Vectors of the widest tile that fits, but rather 2 + 2 than 3 + 1."""

    def codegen(context, builder, signature, args):
        sizes = widths(context)
        width = _largest_of(builder, sizes, args[0])
        if 2 not in sizes:
            return width
        four = builder.icmp_signed("==", args[0], args[0].type(4))
        return builder.select(four, width.type(2), width)

    return types.intp(types.intp), codegen


def _largest_of(builder, sizes, limit):
    """The first of the falling ``sizes`` that is at most ``limit``; the last is 1."""
    chosen = limit.type(sizes[-1])
    for size in reversed(sizes[:-1]):
        fits = builder.icmp_signed(">=", limit, limit.type(size))
        chosen = builder.select(fits, limit.type(size), chosen)
    return chosen


@intrinsic
def tile(typingctx, height, width, a, a_row, a_step, b, b_row, c, c_row,
         depth, accumulate, epilogue, gate):  # fmt: skip
    """C[i, :] (+)= sum over k < depth of A[i, k] * B[k, :], for i < height.

    They are written as `epilogue` says; the rows of the gate lie as far apart as C's.

    Element A[i, k] is ``a[i * a_row + k * a_step]``, so the same tile reads A or its
    transpose; rows of B and C are contiguous, ``width`` vectors each.  A sum that is
    resumed is the same, bit for bit, as one that was never interrupted.
    """
    index = types.intp
    flag = types.boolean
    signature = types.void(
        index, index, a, index, index, b, index, c, index, index, flag, index, gate
    )

    def codegen(context, builder, signature, args):
        height, width, *operands = args
        emit = VectorBuilder(context, builder, signature.args[2].dtype)
        # a number for each pair, for no width reaches 4
        shape = builder.add(builder.mul(height, emit.constant(4)), width)
        shapes = {4 * i + j: (i, j) for i in heights(context) for j in widths(context)}
        for number in each_case(builder, shape, shapes):
            _emit_tile(emit, builder, operands, *shapes[number])
        return context.get_dummy_value()

    return signature, codegen


def each_case(builder, key, numbers):
    """Emit a switch: what the loop's body emits for a number runs if ``key`` is that.

    The loop must run to its end.  For any other key nothing is done.
    """
    done = builder.append_basic_block("done")
    switch = builder.switch(key, done)
    for number in numbers:
        block = builder.append_basic_block(f"case_{number}")
        switch.add_case(key.type(number), block)
        builder.position_at_end(block)
        yield number
        builder.branch(done)
    builder.position_at_end(done)


def _emit_tile(emit, builder, operands, n_rows, n_vectors):
    a, a_row, a_step, b, b_row, c, c_row, depth, accumulate, epilogue, gate = operands
    rows = [emit.constant(i) for i in range(n_rows)]
    a_offsets = [builder.mul(i, a_row) for i in rows]
    c_rows = [emit.at(c, builder.mul(i, c_row)) for i in rows]
    places = [(i, j) for i in range(n_rows) for j in range(n_vectors)]

    def emit_factors(a_k, b_k):
        """The pairs of vectors that one step multiplies, row after row of the tile."""
        b_vectors = [emit.load(b_k, j) for j in range(n_vectors)]
        ahead = emit.at(b_k, builder.mul(emit.constant(PREFETCHED_ROWS), b_row))
        for j in range(n_vectors):
            emit.prefetch(ahead, j)
        a_numbers = [emit.broadcast(emit.at(a_k, offset)) for offset in a_offsets]
        return [(a_numbers[i], b_vectors[j]) for i, j in places]

    def emit_sums_so_far():
        return [emit.load(c_rows[i], j) for i, j in places]

    emitters = emit_factors, emit_sums_so_far
    sums = _emit_sums(emit, builder, *emitters, a, a_step, b, b_row, depth, accumulate)
    gates = [emit.at(gate, builder.mul(i, c_row)) for i in rows]
    for how in each_case(builder, epilogue, [AS_SUMMED, RECTIFIED, GATED]):
        for (i, j), total in zip(places, sums, strict=True):
            if how == RECTIFIED:
                total = emit.rectified(total)
            elif how == GATED:
                total = emit.gated(total, emit.load(gates[i], j))
            emit.store(total, c_rows[i], j)


def _emit_sums(
    emit, builder, emit_factors, emit_sums_so_far,
    a, a_step, b, b_step, depth, accumulate,
):  # fmt: skip
    """The loop: sums of the products of all steps, of which there is one at least."""
    resume, afresh, loop, done = (builder.append_basic_block() for _ in range(4))

    def emit_next_step(steps_left, a_k, b_k):
        """The last of a block: where A and B are read next, if anywhere."""
        steps_left = builder.sub(steps_left, emit.constant(1))
        a_k, b_k = emit.hidden(emit.at(a_k, a_step)), emit.hidden(emit.at(b_k, b_step))
        any_left = builder.icmp_signed(">", steps_left, emit.constant(0))
        builder.cbranch(any_left, loop, done)
        return steps_left, a_k, b_k

    # Two ways into the loop: with the sums so far, or with the first step's products.
    # Zen 4 stores the previous tile beside these, as it would not beside FMAs to zeros.
    builder.cbranch(accumulate, resume, afresh)
    builder.position_at_end(resume)
    resumed = [depth, a, b, *emit_sums_so_far()]
    builder.branch(loop)

    builder.position_at_end(afresh)
    products = [builder.fmul(x, y) for x, y in emit_factors(a, b)]
    begun = [*emit_next_step(depth, a, b), *products]

    builder.position_at_end(loop)
    steps_left, a_k, b_k, *sums = state = [builder.phi(x.type) for x in resumed]
    pairs = zip(emit_factors(a_k, b_k), sums, strict=True)
    totals = [emit.fma(x, y, so_far) for (x, y), so_far in pairs]
    stepped = [*emit_next_step(steps_left, a_k, b_k), *totals]
    _come_from(state, {resume: resumed, afresh: begun, loop: stepped})

    builder.position_at_end(done)
    finished = [builder.phi(emit.vector) for _ in totals]
    _come_from(finished, {afresh: products, loop: totals})
    return finished


def _come_from(phis, values_of_blocks):
    for block, values in values_of_blocks.items():
        for phi, value in zip(phis, values, strict=True):
            phi.add_incoming(value, block)


class VectorBuilder:
    """Loads, stores and arithmetic on vectors of one dtype, or on parts of them."""

    def __init__(self, context, builder, dtype, parts=1):
        self._context = context
        self._builder = builder
        self._itemsize = dtype.bitwidth // 8
        self._scalar = context.get_value_type(dtype)
        self.lanes = VECTOR_BYTES // self._itemsize // parts
        self._kind = f"v{self.lanes}f{dtype.bitwidth}"  # in the names of functions
        self.index = context.get_value_type(types.intp)
        self.vector = ir.VectorType(self._scalar, self.lanes)
        self.zero = ir.Constant(self.vector, None)

    def constant(self, i):
        return ir.Constant(self.index, i)

    def at_most(self, limit, i):
        """The number i, or a limit that is below it."""
        within = self._builder.icmp_signed("<=", self.constant(i), limit)
        return self._builder.select(within, self.constant(i), limit)

    def at(self, pointer, offset):
        return self._builder.gep(pointer, [offset])

    def hidden(self, pointer):
        """The same pointer, of which LLVM does not know where it comes from.

        It would give each row of A a pointer and step them all: additions for which a
        narrow tile has no time, and registers that are moved about.  Nor does it unroll
        a loop in which something is hidden: more code, none the faster.
        """
        kind = ir.FunctionType(pointer.type, [pointer.type])
        same = ir.InlineAsm(kind, "", "=r,0")
        return self._builder.call(same, [pointer])

    def _vector_at(self, pointer, j):
        address = self.at(pointer, self.constant(j * self.lanes))
        return self._builder.bitcast(address, self.vector.as_pointer())

    def load(self, pointer, j):
        return self._builder.load(self._vector_at(pointer, j), align=self._itemsize)

    def load_lanes(self, pointer, chosen, others):
        """The chosen numbers of a vector, with others in place of the rest.

        Only what is chosen is read.
        """
        align = ir.Constant(ir.IntType(32), self._itemsize)
        arguments = [self._vector_at(pointer, 0), align, chosen, others]
        return self.call(f"llvm.masked.load.{self._kind}.p0{self._kind}", arguments)

    def store(self, value, pointer, j):
        self._builder.store(value, self._vector_at(pointer, j), align=self._itemsize)

    def store_lanes(self, value, pointer, chosen):
        """Write the chosen numbers of a vector, and no others."""
        align = ir.Constant(ir.IntType(32), self._itemsize)
        arguments = [value, self._vector_at(pointer, 0), align, chosen]
        name = f"llvm.masked.store.{self._kind}.p0{self._kind}"
        self.call(name, arguments, ir.VoidType())

    def prefetch(self, pointer, j, to_write=False):
        """Ask for vector ``j``; the address may lie outside the array."""
        byte, i32 = ir.IntType(8).as_pointer(), ir.IntType(32)
        address = self._builder.bitcast(self._vector_at(pointer, j), byte)
        arguments = [address, i32(int(to_write)), i32(3), i32(1)]
        self.call("llvm.prefetch.p0i8", arguments, ir.VoidType())

    def broadcast(self, pointer):
        return self.spread(self._builder.load(pointer, align=self._itemsize))

    def spread(self, number):
        """A vector of the same number in all lanes."""
        return self._spread(number, self.vector)

    def _spread(self, number, vector):
        undefined = ir.Constant(vector, ir.Undefined)
        first = ir.Constant(ir.IntType(32), 0)
        single = self._builder.insert_element(undefined, number, first)
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        return self._builder.shuffle_vector(single, undefined, mask)

    def first_lanes(self, n):
        """Which lanes are among the first ``n``."""
        word, places = ir.IntType(32), range(self.lanes)
        words = ir.VectorType(word, self.lanes)
        limit = self._spread(self._builder.trunc(n, word), words)
        return self._builder.icmp_signed("<", ir.Constant(words, list(places)), limit)

    def total(self, vector):
        """The sum of all lanes, halves first."""
        name = f"llvm.vector.reduce.fadd.{self._kind}"
        arguments = [ir.Constant(self._scalar, 0.0), vector]
        return self.call(name, arguments, self._scalar, ["reassoc"])

    def interleave(self, x, y):
        """The lanes of x and y in turn, as a pair of vectors."""
        order = [i // 2 + (i % 2) * self.lanes for i in range(2 * self.lanes)]
        mask_type = ir.VectorType(ir.IntType(32), self.lanes)
        return tuple(
            self._builder.shuffle_vector(x, y, ir.Constant(mask_type, lanes))
            for lanes in (order[: self.lanes], order[self.lanes :])
        )

    def fma(self, x, y, z):
        return self.call(f"llvm.fmuladd.{self._kind}", [x, y, z])

    def rectified(self, x):
        """0 where x is negative, else x: NaN fails the test and stays."""
        negative = self._builder.fcmp_ordered("<", x, self.zero)
        return self._builder.select(negative, self.zero, x)

    def gated(self, x, gate):
        """0 where the gate is, else x."""
        closed = self._builder.fcmp_ordered("==", gate, self.zero)
        return self._builder.select(closed, self.zero, x)

    def call(self, name, arguments, result=None, fastmath=()):
        """A function of LLVM's, or of the CPU's; by default it results in a vector."""
        kinds = [each.type for each in arguments]
        kind = ir.FunctionType(result or self.vector, kinds)
        module = self._builder.module
        function = cgutils.get_or_insert_function(module, kind, name)
        return self._builder.call(function, arguments, fastmath=fastmath)


@intrinsic
def ask_to_read(typingctx, a):
    """Ask the cache for 64 bytes of A."""
    return types.void(a), _asking(to_write=False)


@intrinsic
def ask_to_write(typingctx, a):
    """The same, and other cores to give them up."""
    return types.void(a), _asking(to_write=True)


def _asking(to_write):
    def codegen(context, builder, signature, args):
        emit = VectorBuilder(context, builder, signature.args[0].dtype)
        emit.prefetch(args[0], 0, to_write)
        return context.get_dummy_value()

    return codegen


@intrinsic
def copy_vector(typingctx, a, c):
    """Copy 64 bytes of A to C."""
    return types.void(a, c), _copying(1)


@intrinsic
def copy_half_vector(typingctx, a, c):
    """Copy 32 bytes of A to C."""
    return types.void(a, c), _copying(2)


def _copying(parts):
    """Code that copies one of so many parts of a vector."""

    def codegen(context, builder, signature, args):
        emit = VectorBuilder(context, builder, signature.args[0].dtype, parts)
        emit.store(emit.load(args[0], 0), args[1], 0)
        return context.get_dummy_value()

    return codegen


@intrinsic
def transpose_square(typingctx, a, a_row, t, t_row):
    """T[j, i] = A[i, j] for a square of one vector by one vector."""

    def codegen(context, builder, signature, args):
        a, a_row, t, t_row = args
        emit = VectorBuilder(context, builder, signature.args[0].dtype)
        numbers = [emit.constant(i) for i in range(emit.lanes)]
        rows = [emit.at(a, builder.mul(i, a_row)) for i in numbers]
        _emit_transposed(emit, builder, [emit.load(row, 0) for row in rows], t, t_row)
        return context.get_dummy_value()

    return types.void(a, types.intp, t, types.intp), codegen


@intrinsic
def transpose_some_rows(typingctx, a, a_row, order, n, t, t_row):
    """T[j, i] = A[order[i], j] for such a square; the last of n rows may come again."""

    def codegen(context, builder, signature, args):
        a, a_row, order, n, t, t_row = args
        emit = VectorBuilder(context, builder, signature.args[0].dtype)
        rows = _rows_in(emit, builder, a, a_row, order, n)
        _emit_transposed(emit, builder, [emit.load(row, 0) for row in rows], t, t_row)
        return context.get_dummy_value()

    return types.void(a, types.intp, order, types.intp, t, types.intp), codegen


@intrinsic
def transpose_short_rows(typingctx, a, width, order, n, t, t_row):
    """The same of rows that have ``width`` numbers, less than a vector, and then a one.

    Zeros fill up the square.  Behind the last row of A nothing is read.
    """

    def codegen(context, builder, signature, args):
        a, width, order, n, t, t_row = args
        emit = VectorBuilder(context, builder, signature.args[0].dtype)
        own = emit.first_lanes(width)
        with_one = emit.first_lanes(builder.add(width, emit.constant(1)))
        ones = ir.Constant(emit.vector, [1.0] * emit.lanes)
        others = builder.select(with_one, ones, emit.zero)
        rows = _rows_in(emit, builder, a, width, order, n)
        vectors = [emit.load_lanes(row, own, others) for row in rows]
        _emit_transposed(emit, builder, vectors, t, t_row)
        return context.get_dummy_value()

    return types.void(a, types.intp, order, types.intp, t, types.intp), codegen


def _rows_in(emit, builder, a, a_row, order, n):
    """A vector's worth of rows of A, in the order of the first n that it names."""
    last = builder.sub(n, emit.constant(1))
    places = [emit.at(order, emit.at_most(last, i)) for i in range(emit.lanes)]
    return [emit.at(a, builder.mul(builder.load(place), a_row)) for place in places]


def _emit_transposed(emit, builder, rows, t, t_row):
    # Each round interleaves row i with the row half a block further on; after log2
    # rounds of this perfect shuffle the block is transposed.
    half = emit.lanes // 2
    for _ in range(half.bit_length()):
        pairs = zip(rows[:half], rows[half:], strict=True)
        rows = [x for pair in pairs for x in emit.interleave(*pair)]
    for i, row in enumerate(rows):
        emit.store(row, emit.at(t, builder.mul(emit.constant(i), t_row)), 0)
