"""Pointers and atomic counters, which Numba has no words for, in LLVM's."""

import os

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic


@intrinsic
def pointer(typingctx, address, like):
    """A pointer to numbers of the type of ``like``."""

    def codegen(context, builder, signature, args):
        kind = context.get_value_type(signature.return_type)
        return builder.inttoptr(args[0], kind)

    return types.CPointer(like)(types.intp, like), codegen


@intrinsic
def at(typingctx, pointer, i):
    """A pointer to the number ``i`` places further on."""

    def codegen(context, builder, signature, args):
        return builder.gep(args[0], [args[1]])

    return pointer(pointer, types.intp), codegen


@intrinsic
def record_at(typingctx, record, i):
    """The record ``i`` places behind another in their table."""

    def codegen(context, builder, signature, args):
        return builder.gep(args[0], [args[1]])

    return record(record, types.intp), codegen


@intrinsic
def least(typingctx, i, j):
    """The smaller of two integers; `min` takes Numba 20 ms in each piece."""

    def codegen(context, builder, signature, args):
        return builder.select(builder.icmp_signed("<", *args), *args)

    return types.intp(types.intp, types.intp), codegen


@intrinsic
def load(typingctx, pointer, i):
    """``pointer[i]``."""

    def codegen(context, builder, signature, args):
        size = context.get_abi_sizeof(context.get_value_type(signature.return_type))
        return builder.load(builder.gep(args[0], [args[1]]), align=size)

    return pointer.dtype(pointer, types.intp), codegen


@intrinsic
def store(typingctx, pointer, i, value):
    """``pointer[i] = value``."""

    def codegen(context, builder, signature, args):
        value = context.cast(builder, args[2], signature.args[2], pointer.dtype)
        size = context.get_abi_sizeof(value.type)
        builder.store(value, builder.gep(args[0], [args[1]]), align=size)
        return context.get_dummy_value()

    return types.void(pointer, types.intp, value), codegen


@intrinsic
def call(typingctx, address, arguments):
    """Call the C function at ``address`` with a tuple of arguments; it returns none.

    Nothing checks that the function takes these: it must be a piece of such arguments.
    """
    if any(argument == types.boolean for argument in arguments):
        raise TypingError("a piece takes no truth values: give it 0 or 1")

    def codegen(context, builder, signature, args):
        address, arguments = args
        arguments = cgutils.unpack_tuple(builder, arguments)
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in arguments])
        builder.call(builder.inttoptr(address, kind.as_pointer()), arguments)
        return context.get_dummy_value()

    return types.void(types.intp, arguments), codegen


@intrinsic
def draw(typingctx, function, state):
    """32 random bits from one of NumPy's generators, given by these two addresses."""

    def codegen(context, builder, signature, args):
        word = ir.IntType(32)
        kind = ir.FunctionType(word, [args[1].type])
        bits = builder.call(builder.inttoptr(args[0], kind.as_pointer()), [args[1]])
        return builder.zext(bits, args[1].type)

    return types.intp(types.intp, types.intp), codegen


@intrinsic
def add_one(typingctx, counter):
    """Add one to ``counter[0]``; all that was written before is seen by its readers.

    Returns what it was.
    """

    def codegen(context, builder, signature, args):
        one = context.get_constant(counter.dtype, 1)
        return builder.atomic_rmw("add", args[0], one, "acq_rel")

    return counter.dtype(counter), codegen


@intrinsic
def add_one_to(typingctx, counter, number):
    """Add one to ``counter[0]`` if it is this number; return whether it was."""

    def codegen(context, builder, signature, args):
        more = builder.add(args[1], context.get_constant(counter.dtype, 1))
        pair = builder.cmpxchg(*args, more, "acq_rel", "acquire")
        return builder.extract_value(pair, 1)

    return types.boolean(counter, counter.dtype), codegen


@intrinsic
def read(typingctx, counter):
    """The present ``counter[0]``, and with it all that was written before."""

    def codegen(context, builder, signature, args):
        return builder.load_atomic(args[0], "acquire", align=8)

    return counter.dtype(counter), codegen


@intrinsic
def give_way(typingctx):
    """Let the operating system run another thread on this core."""

    def codegen(context, builder, signature, args):
        name = "sched_yield" if os.name == "posix" else "SwitchToThread"
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [])
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def prefer_wide_vectors(typingctx):
    """Let the loops of this function use the widest vectors that the CPU has.

    LLVM halves them on many CPUs, for fear of a lower clock rate: but the tiles have
    paid for that already.  The function keeps its name, so that it keeps the attribute.
    """

    def codegen(context, builder, signature, args):
        attributes = builder.function.attributes
        attributes.add("noinline")
        # llvmlite's own `add` knows no attributes with a value
        set.add(attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def interleave_loops(typingctx):
    """Let the loops above take four vectors at a time, each operation for all of them.

    A CPU looks only so far ahead: of a long formula, at too few vectors to be busy all
    the time.  LLVM interleaves none but short loops unless they say so, in the branch
    that leads back.
    """

    def codegen(context, builder, signature, args):
        above = []
        for block in builder.function.blocks:
            above.append(block)
            end = block.terminator
            if end is not None and end.opname == "br" and end.operands[0] in above:
                end.set_metadata("llvm.loop", _four_at_a_time(builder.module, block))
        return context.get_dummy_value()

    return types.void(), codegen


def _four_at_a_time(module, block):
    """What a loop says of itself: a list that begins with itself, unlike any other."""
    name = ir.MetaDataString(module, "llvm.loop.interleave.count")
    count = module.add_metadata([name, ir.Constant(ir.IntType(32), 4)])
    loop = module.add_metadata([ir.MetaDataString(module, block.name)])
    loop.operands = (loop, count)
    return loop
