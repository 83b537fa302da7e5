"""Steps divided by the root of a mean of squares, as Adam and its relatives take them.

Root and quotient keep a CPU's divider busy for longer than all the rest of a step.
With AVX-512 the root comes from an estimate of 14 bits instead, which a series makes
exact to a unit in the last place, and where the divider is slow so does the quotient,
by Newton's iteration.  As every operation of these waits for the one before, four
vectors go through them side by side: each list below has a vector of each.

Adam's moments are updated on the way, for there a second pass over all that it reads
would take longer than the arithmetic.
"""

import math

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ._jit import subroutine
from ._tile import VectorBuilder, cpu_features, cpu_name, lanes

SIDE_BY_SIDE = 4
# How far ahead, in vectors, the cache is asked for what is stepped next.
AHEAD = 32


def has_fast_divider(context):
    """Whether 8 quotients in float64 take some 10 cycles, as on AMD's Zen 4, not 16."""
    return cpu_name(context).startswith("znver")


def _step_of(emit, pointers, numbers):
    to_params, *_ = pointers
    p, x, squares = map(emit.loaded, pointers)
    emit.put(emit.stepped(p, x, squares, *numbers), to_params)


def _adam_step_of(emit, pointers, numbers):
    to_params, _, to_means, to_squares = pointers
    emit.ask_ahead(to_params, to_means, to_squares)
    p, g, m, v = map(emit.loaded, pointers)
    rate, epsilon, *others = numbers
    beta_1, rest_1, beta_2, root_of_rest_2, decay = map(emit.all, others)
    g = emit.plus_products(g, decay, p)
    m = emit.plus_products(emit.products(rest_1, g), beta_1, m)
    root = emit.products(root_of_rest_2, g)
    v = emit.plus_products(emit.products(beta_2, v), root, root)
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
# Of (p, g, m, v) and (rate, epsilon, beta_1, rest_1 = (1 - beta_1) scale, beta_2,
# root_of_rest_2 = sqrt(1 - beta_2) scale, decay), for gradients scale (g + decay p):
# m and v move on to the gradient and its square, and p by m and v.
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
        self._divides = has_fast_divider(context)
        self._is_double = dtype.bitwidth == 64

    def loaded(self, pointer):
        if self._own:
            return [self.load_lanes(pointer, self._own, self.zero)]
        return [self.load(pointer, j) for j in range(self._n_vectors)]

    def ask_ahead(self, *pointers):
        """Ask the cache for what is stepped next, where the CPU would ask too late.

        In float64 it does, if the weights are not in its second-level cache.
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

    def sums(self, xs, ys):
        return list(map(self._builder.fadd, xs, ys))

    def plus_products(self, xs, ys, zs):
        """x + y z"""
        return list(map(self.fma, ys, zs, xs))

    def stepped(self, params, x, squares, rate, epsilon):
        """params - rate * x / (sqrt(squares) + epsilon)"""
        if not self._has_estimates:
            roots = [self.call(f"llvm.sqrt.{self._kind}", [each]) for each in squares]
            divisors = self.sums(roots, self.all(epsilon))
            return self._less(params, self.products(x, self.all(rate)), divisors)
        # both sides of the quotient twice as large
        rate, epsilon = (self._builder.fadd(each, each) for each in (rate, epsilon))
        divisors = self.sums(self._twice_roots(squares), self.all(epsilon))
        numerators = self.products(x, self.all(rate))
        if self._divides:
            divisors = self._where_infinite(squares, math.inf, divisors)
            return self._less(params, numerators, divisors)
        reciprocals = self._reciprocals(divisors)
        reciprocals = self._where_infinite(squares, 0.0, reciprocals)
        return self._less_products(params, numerators, reciprocals)

    def _less(self, xs, numerators, divisors):
        """x less a quotient, by the divider."""
        quotients = map(self._builder.fdiv, numerators, divisors)
        return list(map(self._builder.fsub, xs, quotients))

    def _twice_roots(self, squares):
        """2 sqrt(x), which is a multiplication less than sqrt(x).

        With an estimate y and e = 1 - x y y it is 2 x y / sqrt(1 - e).  As e is at most
        2**-13, what is left out of the series in e is below 2**-26 of it in float32,
        2**-53 in float64.  The smallest normal number is added to x, so that zero has a
        root, too: it changes only roots far below any epsilon in use.
        """
        tiny = self._constant(2.0**-1022 if self._is_double else 2.0**-126)
        squares = self.sums(squares, tiny)
        estimates = [self._estimate("rsqrt", x) for x in squares]
        roots, ones = self.products(squares, estimates), self._constant(1.0)
        errors = self._less_products(ones, roots, estimates)
        twice = self.sums(roots, roots)
        if not self._is_double:
            return self.plus_products(twice, roots, errors)
        terms = self.plus_products(self._constant(3 / 4), errors, self._constant(5 / 8))
        terms = self.plus_products(ones, errors, terms)
        return self.plus_products(twice, self.products(roots, errors), terms)

    def _reciprocals(self, divisors):
        """1 / x, for x that are not subnormal, by Newton's iteration."""
        reciprocals = [self._estimate("rcp", x) for x in divisors]
        for _ in range(2 if self._is_double else 1):
            ones = self._constant(1.0)
            errors = self._less_products(ones, divisors, reciprocals)
            reciprocals = self.plus_products(reciprocals, reciprocals, errors)
        return reciprocals

    def _constant(self, number):
        return self.all(ir.Constant(self._scalar, number))

    def _where_infinite(self, xs, limit, ys):
        """y, or its limit where x is infinite, of which the iterations make NaN."""
        pairs = zip(xs, self._constant(math.inf), strict=True)
        infinite = [self._builder.fcmp_ordered("==", x, inf) for x, inf in pairs]
        return list(map(self._builder.select, infinite, self._constant(limit), ys))

    def _less_products(self, xs, ys, zs):
        """x - y z"""
        return self.plus_products(xs, map(self._builder.fneg, ys), zs)

    def _estimate(self, name, x):
        """The CPU's own of 1 / sqrt(x), rsqrt, or 1 / x, rcp."""
        mask = ir.IntType(max(self.lanes, 8))
        kind = "pd" if self._is_double else "ps"
        name = f"llvm.x86.avx512.{name}14.{kind}.512"
        return self.call(name, [x, self.zero, mask(-1)])
