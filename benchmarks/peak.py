"""The most that one core can do: multiply-adds on operands that stay in registers.

python benchmarks/peak.py
"""

import time

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

CHAINS = 12  # independent sums: more than latency times ports, fewer than registers
STEPS = 8  # operands: few enough that LLVM keeps them in registers too


def _vector_bytes(context):
    features = context.codegen()._get_host_cpu_features()
    if "+avx512f" in features:
        return 64
    return 32 if "+avx" in features else 16


def _vector_type(context, dtype):
    lanes = _vector_bytes(context) * 8 // dtype.bitwidth
    return ir.VectorType(context.get_value_type(dtype), lanes)


@intrinsic
def _lanes(typingctx, array):
    def codegen(context, builder, signature, args):
        lanes = _vector_type(context, signature.args[0].dtype).count
        return context.get_constant(types.intp, lanes)

    return types.intp(array), codegen


@intrinsic
def _multiply_add(typingctx, operands, results, rounds):
    """results[i] = sums over `rounds` passes of operands[k] * sums + operands[k]."""

    def codegen(context, builder, signature, args):
        vector = _vector_type(context, signature.args[0].dtype)
        source, target = (
            builder.bitcast(
                context.make_array(kind)(context, builder, array).data,
                vector.as_pointer(),
            )
            for kind, array in zip(signature.args[:2], args[:2])
        )
        zero = ir.Constant(vector, None)
        sums = [cgutils.alloca_once_value(builder, zero) for _ in range(CHAINS)]
        with cgutils.for_range(builder, args[2]):
            _one_pass(builder, vector, source, sums)
        for i, total in enumerate(sums):
            address = builder.gep(target, [ir.Constant(ir.IntType(64), i)])
            builder.store(builder.load(total), address, align=4)
        return context.get_dummy_value()

    return types.void(operands, results, rounds), codegen


def _one_pass(builder, vector, source, sums):
    element = "f32" if vector.element == ir.FloatType() else "f64"
    name = f"llvm.fmuladd.v{vector.count}{element}"  # fused where the CPU can
    kind = ir.FunctionType(vector, [vector] * 3)
    fma = cgutils.get_or_insert_function(builder.module, kind, name)
    for k in range(STEPS):
        address = builder.gep(source, [ir.Constant(ir.IntType(64), k)])
        operand = builder.load(address, align=4)
        for total in sums:
            product = builder.call(fma, [operand, builder.load(total), operand])
            builder.store(product, total)


@numba.njit(nogil=True)
def _run(operands, results, rounds):
    _multiply_add(operands, results, rounds)
    return _lanes(operands)


def peak_gflops(dtype, clock=time.perf_counter, seconds=0.05):
    """GFLOP/s of one core in `dtype`: the best of five runs of about `seconds`."""
    operands = np.full(STEPS * 16, 0.5, dtype)
    results = np.zeros(CHAINS * 16, dtype)
    lanes = _run(operands, results, 1)
    flops_per_round = 2 * STEPS * CHAINS * lanes
    rounds = int(seconds * 1e10 / flops_per_round)
    best = 0.0
    for _ in range(5):
        start = clock()
        _run(operands, results, rounds)
        best = max(best, rounds * flops_per_round / (clock() - start))
    return best / 1e9


if __name__ == "__main__":
    for dtype in ("float32", "float64"):
        print(f"{dtype}: {peak_gflops(dtype):.0f} GFLOP/s")
