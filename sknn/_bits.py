"""What Numba has no word for in numbers' bits, written in LLVM's."""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_MANTISSA_BITS = {32: 23, 64: 52}
_EXPONENT_BIAS = {32: 127, 64: 1023}


def _round_constant(bits):
    """Adding this to a small float leaves its nearest integer in the low bits."""
    return 1.5 * 2.0 ** _MANTISSA_BITS[bits]


@intrinsic
def round_to_integer(typingctx, x):
    """The integer nearest to ``x``, for |x| below 2**22, or 2**51 in float64."""

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


LONG = 8  # coefficients of which one chain would take too long


def polynomial(single, double=None):
    """A function of x: the polynomial with these coefficients of 1, x, x**2 and so on.

    float64 may have coefficients of its own, for it needs more.  Many of them, odd and
    even, have Horner's rule each, in x**2: two chains of half the length.  Written here
    because Numba would type, and inline, every line of it by itself.
    """

    @intrinsic
    def evaluate(typingctx, x):
        def codegen(context, builder, signature, args):
            dtype = signature.args[0]
            wide = double and dtype == types.float64
            coefficients = double if wide else single
            constants = [context.get_constant(dtype, float(c)) for c in coefficients]
            if len(constants) < LONG:
                return _horner(builder, args[0], constants)
            square = builder.fmul(args[0], args[0])
            even = _horner(builder, square, constants[::2])
            odd = _horner(builder, square, constants[1::2])
            return builder.fadd(builder.fmul(odd, args[0]), even)

        return x(x), codegen

    return evaluate


def constant(single, double):
    """A function of x, or of its type: this number, or that for float64."""
    return polynomial([single], [double])


def _horner(builder, x, constants):
    *rest, y = constants
    for constant in reversed(rest):
        y = builder.fadd(builder.fmul(y, x), constant)
    return y


@intrinsic
def mix(typingctx, x):
    """A bijection of 32 bits: each of x turns half of the result's over.

    In LLVM's words because Numba multiplies 64 bits, which takes three times as long.
    """

    def codegen(context, builder, signature, args):
        word = ir.IntType(32)
        y = builder.trunc(args[0], word) if x.bitwidth == 64 else args[0]
        # the constants of C. Wellons, "Prospecting for hash functions", 2018
        for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
            y = builder.xor(y, builder.lshr(y, word(shift)))
            y = builder.mul(y, word(factor))
        return builder.xor(y, builder.lshr(y, word(16)))

    return types.uint32(x), codegen
