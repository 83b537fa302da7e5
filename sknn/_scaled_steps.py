"""Steps divided by the root of a mean of squares, as Adam and its relatives take them.

Root and quotient keep a CPU's divider busy for longer than all the rest of a step.
With AVX-512 they come from estimates of 14 bits instead, whose number each iteration of
Newton's doubles.  As every operation of these waits for the one before, four vectors go
through them side by side: each list below has a vector of each.

Adam's moments are updated on the way, for there a second pass over all that it reads
would take longer than the arithmetic.
"""

import math
from functools import partial

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ._jit import subroutine
from ._tile import VectorBuilder, cpu_features, lanes

SIDE_BY_SIDE = 4
# How far ahead, in vectors, the cache is asked for what is stepped next.
AHEAD = 32


def _step_of(emit, pointers, numbers):
    to_params, *_ = pointers
    p, x, squares = map(emit.loaded, pointers)
    emit.put(emit.stepped(p, x, squares, *numbers), to_params)


def _adam_step_of(emit, pointers, numbers):
    to_params, _, to_means, to_squares = pointers
    emit.ask_ahead(to_params, to_means, to_squares)
    p, g, m, v = map(emit.loaded, pointers)
    rate, epsilon, *others = numbers
    beta_1, rest_1, beta_2, rest_2, scale, decay = map(emit.all, others)
    g = emit.products(emit.fused(g, decay, p), scale)
    m = emit.fused(emit.products(rest_1, g), beta_1, m)
    v = emit.fused(emit.products(rest_2, emit.products(g, g)), beta_2, v)
    emit.put(m, to_means)
    emit.put(v, to_squares)
    emit.put(emit.stepped(p, m, v, rate, epsilon), to_params)


def _all_steps(step):
    """A function of pointers, numbers and n that takes steps of n."""
    many, rest = _steps_at_once(step, SIDE_BY_SIDE), _steps_at_once(step, 1)

    @subroutine
    def take_all(pointers, numbers, n):
        i, some = 0, SIDE_BY_SIDE * lanes(pointers[0])
        while i + some <= n:
            many(pointers, i, numbers, some)
            i += some
        while i < n:
            rest(pointers, i, numbers, n - i)
            i += lanes(pointers[0])

    return take_all


def _steps_at_once(step, n_vectors):
    @intrinsic
    def take(typingctx, pointers, i, numbers, left):
        def codegen(context, builder, signature, args):
            pointers, i, numbers, left = args
            dtype = signature.args[0].dtype.dtype
            emit = RootBuilder(context, builder, dtype, n_vectors, left)
            places = [emit.at(p, i) for p in cgutils.unpack_tuple(builder, pointers)]
            step(emit, places, cgutils.unpack_tuple(builder, numbers))
            return context.get_dummy_value()

        return types.void(pointers, i, numbers, left), codegen

    return take


# Of (p, x, squares) and (rate, epsilon): p -= rate * x / (sqrt(squares) + epsilon).
take_scaled_steps = _all_steps(_step_of)
# Of (p, gradient, m, v) and (rate, epsilon, beta_1, 1 - beta_1, beta_2, 1 - beta_2,
# scale, decay): m and v move on to the gradient and its square, and p by m and v.
take_adam_steps = _all_steps(_adam_step_of)


class RootBuilder(VectorBuilder):
    """Steps of some vectors, with estimates where the CPU has them.

    A single vector may be the last: of fewer numbers than it has lanes.
    """

    def __init__(self, context, builder, dtype, n_vectors, n_left):
        super().__init__(context, builder, dtype)
        self._n_vectors = n_vectors
        self._own = self.first_lanes(n_left) if n_vectors == 1 else None
        self._has_estimates = "+avx512f" in cpu_features(context)
        self._is_double = dtype.bitwidth == 64

    def loaded(self, pointer):
        if self._own:
            return [self.load_lanes(pointer, self._own, self.zero)]
        return [self.load(pointer, j) for j in range(self._n_vectors)]

    def ask_ahead(self, *pointers):
        """Ask the cache for what is stepped next, where the CPU would be late.

        It is in float64, if the weights are not in its second-level cache.
        """
        n_vectors = self._n_vectors if self._is_double else 0
        for pointer in pointers:
            for j in range(n_vectors):
                self.prefetch(pointer, AHEAD + j)

    def put(self, vectors, pointer):
        if self._own:
            self.store_lanes(*vectors, pointer, self._own)
            return
        for j, vector in enumerate(vectors):
            self.store(vector, pointer, j)

    def all(self, number):
        """The same number everywhere."""
        return [self.spread(number)] * self._n_vectors

    def products(self, xs, ys):
        return list(map(self._builder.fmul, xs, ys))

    def fused(self, xs, ys, zs):
        """x + y z"""
        return list(map(self.fma, ys, zs, xs))

    def stepped(self, params, x, squares, rate, epsilon):
        """params - rate * x / (sqrt(squares) + epsilon)"""
        numerators = self.products(x, self.all(rate))
        roots = self._roots(squares)
        divisors = list(map(self._builder.fadd, roots, self.all(epsilon)))
        if not self._has_estimates:
            steps = map(self._builder.fdiv, numerators, divisors)
            return list(map(self._builder.fsub, params, steps))
        # the iterations make NaN of infinity
        infinities, none = self._constant(math.inf), self._constant(0.0)
        reciprocals = self._reciprocals(divisors)
        reciprocals = self._where("==", squares, infinities, none, reciprocals)
        return self._remainders(params, numerators, reciprocals)

    def _roots(self, squares):
        """sqrt(x) by Goldschmidt's iteration.

        Zero and what is subnormal count as the smallest normal number, whose root is
        far below any epsilon in use.
        """
        if not self._has_estimates:
            name = f"llvm.sqrt.{self._kind}"
            return [self.call(name, [x]) for x in squares]
        squares = self._at_least_tiny(squares)
        estimates = [self._estimate("rsqrt", x) for x in squares]
        # on their way to sqrt(x) and to half of its reciprocal
        roots = self.products(squares, estimates)
        halves = self.products(estimates, self._constant(0.5))
        if self._is_double:
            errors = self._remainders(self._constant(0.5), roots, halves)
            roots = self.fused(roots, roots, errors)
            halves = self.fused(halves, halves, errors)
        errors = self._remainders(squares, roots, roots)
        return self.fused(roots, errors, halves)

    def _reciprocals(self, divisors):
        """1 / x, for x that are not subnormal, by Newton's iteration."""
        reciprocals = [self._estimate("rcp", x) for x in divisors]
        for _ in range(2 if self._is_double else 1):
            ones = self._constant(1.0)
            errors = self._remainders(ones, divisors, reciprocals)
            reciprocals = self.fused(reciprocals, reciprocals, errors)
        return reciprocals

    def _constant(self, number):
        return self.all(ir.Constant(self._scalar, number))

    def _at_least_tiny(self, xs):
        tiny = self._constant(2.0**-1022 if self._is_double else 2.0**-126)
        return self._where("<", xs, tiny, tiny, xs)

    def _where(self, relation, xs, limits, yes, no):
        holds = map(partial(self._builder.fcmp_ordered, relation), xs, limits)
        return list(map(self._builder.select, holds, yes, no))

    def _remainders(self, xs, ys, zs):
        """x - y z"""
        return self.fused(xs, map(self._builder.fneg, ys), zs)

    def _estimate(self, name, x):
        """The CPU's own of 1 / sqrt(x), rsqrt, or 1 / x, rcp."""
        mask = ir.IntType(max(self.lanes, 8))
        kind = "pd" if self._is_double else "ps"
        name = f"llvm.x86.avx512.{name}14.{kind}.512"
        return self.call(name, [x, self.zero, mask(-1)])
