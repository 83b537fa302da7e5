"""Steps divided by the root of a mean of squares, as Adam and its relatives take them.

Root and quotient keep a CPU's divider busy for longer than all the rest of a step.
With AVX-512 they come from estimates of 14 bits instead, whose number each iteration of
Newton's doubles.  As every operation of these waits for the one before, four vectors go
through them side by side: each list below has a vector of each.
"""

import math
from functools import partial

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ._jit import subroutine
from ._llvm import at
from ._tile import VectorBuilder, cpu_features, lanes

SIDE_BY_SIDE = 4


@subroutine
def take_scaled_steps(p, x, squares, rate, epsilon, n):
    """p -= rate * x / (sqrt(squares) + epsilon), for n numbers: whole vectors."""
    i, many = 0, SIDE_BY_SIDE * lanes(p)
    while i + many <= n:
        _take_many(at(p, i), at(x, i), at(squares, i), rate, epsilon)
        i += many
    while i < n:
        _take_one(at(p, i), at(x, i), at(squares, i), rate, epsilon)
        i += lanes(p)


def _taking(n_vectors):
    each = range(n_vectors)

    @intrinsic
    def take(typingctx, p, x, squares, rate, epsilon):
        def codegen(context, builder, signature, args):
            p, x, squares, rate, epsilon = args
            emit = RootBuilder(context, builder, signature.args[0].dtype)
            params, x, squares = (
                [emit.load(pointer, j) for j in each] for pointer in (p, x, squares)
            )
            stepped = emit.stepped(params, x, squares, rate, epsilon)
            for j, vector in zip(each, stepped, strict=True):
                emit.store(vector, p, j)
            return context.get_dummy_value()

        return types.void(p, x, squares, rate, epsilon), codegen

    return take


_take_many, _take_one = _taking(SIDE_BY_SIDE), _taking(1)


class RootBuilder(VectorBuilder):
    """Steps of some vectors, with estimates where the CPU has them."""

    def __init__(self, context, builder, dtype):
        super().__init__(context, builder, dtype)
        self._has_estimates = "+avx512f" in cpu_features(context)
        self._is_double = dtype.bitwidth == 64

    def stepped(self, params, x, squares, rate, epsilon):
        """params - rate * x / (sqrt(squares) + epsilon)"""
        rates, epsilons = [self.spread(rate)] * len(x), self.spread(epsilon)
        numerators = self._products(x, rates)
        roots = self._roots(squares)
        divisors = [self._builder.fadd(root, epsilons) for root in roots]
        if not self._has_estimates:
            steps = map(self._builder.fdiv, numerators, divisors)
            return list(map(self._builder.fsub, params, steps))
        # the iterations make NaN of infinity
        infinities, none = self._all(math.inf, squares), self._all(0.0, squares)
        reciprocals = self._reciprocals(divisors)
        reciprocals = self._where("==", squares, infinities, none, reciprocals)
        return self._remainders(params, numerators, reciprocals)

    def _roots(self, squares):
        """sqrt(x) by Goldschmidt's iteration.

        Zero and what is subnormal count as the smallest normal number, whose root is
        far below any epsilon in use.
        """
        if not self._has_estimates:
            name = f"llvm.sqrt.v{self.lanes}f{self._itemsize * 8}"
            return [self.call(name, [x]) for x in squares]
        squares = self._at_least_tiny(squares)
        estimates = [self._estimate("rsqrt", x) for x in squares]
        # on their way to sqrt(x) and to half of its reciprocal
        roots = self._products(squares, estimates)
        halves = self._products(estimates, self._all(0.5, estimates))
        if self._is_double:
            errors = self._remainders(self._all(0.5, roots), roots, halves)
            roots = self._sums(roots, roots, errors)
            halves = self._sums(halves, halves, errors)
        errors = self._remainders(squares, roots, roots)
        return self._sums(roots, errors, halves)

    def _reciprocals(self, divisors):
        """1 / x, for x that are not subnormal, by Newton's iteration."""
        reciprocals = [self._estimate("rcp", x) for x in divisors]
        for _ in range(2 if self._is_double else 1):
            ones = self._all(1.0, divisors)
            errors = self._remainders(ones, divisors, reciprocals)
            reciprocals = self._sums(reciprocals, reciprocals, errors)
        return reciprocals

    def _all(self, number, vectors):
        return [self.spread(ir.Constant(self._scalar, number))] * len(vectors)

    def _at_least_tiny(self, xs):
        tiny = self._all(2.0**-1022 if self._is_double else 2.0**-126, xs)
        return self._where("<", xs, tiny, tiny, xs)

    def _where(self, relation, xs, limits, yes, no):
        holds = map(partial(self._builder.fcmp_ordered, relation), xs, limits)
        return list(map(self._builder.select, holds, yes, no))

    def _products(self, xs, ys):
        return list(map(self._builder.fmul, xs, ys))

    def _sums(self, xs, ys, zs):
        """x + y z"""
        return list(map(self.fma, ys, zs, xs))

    def _remainders(self, xs, ys, zs):
        """x - y z"""
        return self._sums(xs, map(self._builder.fneg, ys), zs)

    def _estimate(self, name, x):
        """The CPU's own of 1 / sqrt(x), rsqrt, or 1 / x, rcp."""
        mask = ir.IntType(max(self.lanes, 8))
        kind = "pd" if self._is_double else "ps"
        name = f"llvm.x86.avx512.{name}14.{kind}.512"
        return self.call(name, [x, self.zero, mask(-1)])
