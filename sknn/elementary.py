"""Elementary functions that LLVM can vectorise: polynomials without a branch or call.

Each takes and returns one scalar; a loop over an array of them becomes vector code,
where a call into the C library costs 5 to 20 times as much.  Largest errors against
NumPy and SciPy, in units of the last place (tests/test_elementary.py): exp 2, expm1 3,
log 2, softplus 3, tanh 7, logistic 3, normal_cdf 11, cos_turns and sin_turns 4.
NaN and infinity come out as NumPy has them.
"""

import math

from ._bits import (
    constant,
    exponent,
    is_single,
    mantissa,
    polynomial,
    power_of_two,
    round_to_integer,
)
from ._jit import inlined, scalar

INF, NAN = float("inf"), float("nan")
LOG2_E = 1.4426950408889634
LN2 = 0.6931471805599453
INVERSE_SQRT_2_PI = 0.3989422804014327
# ln 2 in two parts, the first short enough for n * ln2_high to be exact.
ln2_high = constant(0.693359375, 0.6931471803691238)
ln2_low = constant(-2.12194440e-4, 1.9082149292705877e-10)
# Of numbers of x's type: the smallest that is normal, the largest, and the distance
# from 1 to the next.
tiny = constant(1.1754943508222875e-38, 2.2250738585072014e-308)
largest = constant(3.4028234663852886e38, 1.7976931348623157e308)
epsilon = constant(1.1920928955078125e-07, 2.220446049250313e-16)


@inlined
def at_least_tiny(x):
    """A divisor that is not zero."""
    return tiny(x) if x < tiny(x) else x


@inlined
def finite_divisor(x):
    """A divisor that is neither zero nor infinite, even when doubled."""
    return clamp(x, tiny(x), largest(x) / type(x)(2))


@inlined
def identity(x):
    """x."""
    return x


@inlined
def clamp(x, low, high):
    """``x`` within the bounds; NaN stays NaN."""
    x = low if x < low else x
    return high if x > high else x


# (exp(r) - 1 - r) / r**2 for |r| <= ln(2) / 2: the best polynomials (Remez).
_exp_series = polynomial(
    single=[0.50000000269505407, 0.16666576970040478, 0.041666375132324447,
            0.0083631812345432946, 0.0013941124127479293],
    double=[0.50000000000000010, 0.16666666666666675, 0.041666666666624124,
            0.0083333333333222088, 0.0013888888917215384, 0.00019841269886586277,
            2.4801521293745646e-05, 2.7557242342237328e-06, 2.7620089361777494e-07,
            2.5110047746466712e-08],
)  # fmt: skip


@inlined
def _expm1_series(r):
    """exp(r) - 1 for |r| <= ln(2) / 2."""
    return _exp_series(r) * r * r + r


@inlined
def _reduce(x):
    """n and r with x = n ln 2 + r and |r| <= ln(2) / 2."""
    n = round_to_integer(x * type(x)(LOG2_E))
    return n, (x - n * ln2_high(x)) - n * ln2_low(x)


# Where exp is 0, and where it is infinite.
_exp_start, _exp_end = constant(-105, -746), constant(90, 711)


@scalar
def exp(x):
    """e**x."""
    n, r = _reduce(clamp(x, _exp_start(x), _exp_end(x)))
    return _times_power_of_two(_expm1_series(r) + type(x)(1), n)


@inlined
def _times_power_of_two(x, n):
    """x * 2**n, also where that is subnormal or infinite and 2**n no number."""
    half = round_to_integer(n * type(x)(0.5))
    return x * power_of_two(half) * power_of_two(n - half)


# Far enough up for 2**n to be a number, and back.
_lift, _lowering = constant(64, 512), constant(2.0**-64, 2.0**-512)


@inlined
def _times_moderate_power_of_two(x, n):
    """The same for n <= 63, by fewer operations."""
    return x * power_of_two(n + _lift(x)) * _lowering(x)


@scalar
def moderate_exp(x):
    """e**x for x <= 40: the same numbers by fewer operations."""
    n, r = _reduce(_exp_start(x) if x < _exp_start(x) else x)
    return _times_moderate_power_of_two(_expm1_series(r) + type(x)(1), n)


_expm1_end = constant(89, 710)


@scalar
def expm1(x):
    """e**x - 1, without the cancellation near 0."""
    T = type(x)
    n, r = _reduce(clamp(x, T(-40), _expm1_end(x)))
    # by half: for the largest x, 2**n would be infinite already
    half = power_of_two(n - T(1))
    return (_expm1_series(r) * half + (half - T(0.5))) * T(2)


# log((1 + s) / (1 - s)) / s**3 - 2 / s**2 in s**2, by the series of 2 atanh(s).
_atanh_series = polynomial(
    single=[2 / k for k in range(3, 11, 2)], double=[2 / k for k in range(3, 23, 2)]
)


@inlined
def _log_series(s):
    """log((1 + s) / (1 - s)) for |s| <= 0.172."""
    z = s * s
    return _atanh_series(z) * z * s + (s + s)


@scalar
def log(x):
    """Natural logarithm, as n ln 2 + log(m) with m between sqrt(1/2) and sqrt(2)."""
    T = type(x)
    # a subnormal number has no exponent of its own: scale it up by 2**54
    subnormal = x < tiny(x)
    scaled = x * T(18014398509481984.0) if subnormal else x
    n, m = exponent(scaled), mantissa(scaled)
    n = n - T(54) if subnormal else n
    y = _log_series((m - T(1)) / (m + T(1)))
    y = (y + n * ln2_low(x)) + n * ln2_high(x)
    y = x if x == T(INF) else y
    y = T(-INF) if x == T(0) else y
    return y if x >= T(0) else T(NAN)


@scalar
def softplus(x):
    """log(1 + e**x), as max(x, 0) + log(1 + u) with u = e**-|x|."""
    T = type(x)
    u = moderate_exp(-abs(x))
    # 1 + u, or half of it, lies between sqrt(1/2) and sqrt(2)
    large = u > T(0.4142135623730951)
    s = (u - T(1) if large else u) / (u + T(3) if large else u + T(2))
    y = _log_series(s) + (T(LN2) if large else T(0))
    return y + x if x > T(0) else y


@scalar
def logistic(x):
    """1 / (1 + e**-x), from the exponential that cannot overflow."""
    T = type(x)
    e = moderate_exp(-abs(x))
    return (T(1) if x >= T(0) else e) / (T(1) + e)


@scalar
def tanh(x):
    """Hyperbolic tangent."""
    size = abs(x)
    y = _tanh_of_single(size) if is_single(x) else _tanh_of_double(size)
    return math.copysign(y, x)  # for which LLVM has an instruction


# x times the first over the second is nearly tanh(x / 2): what makes tanh(x) err least
# (Remez), then moved by some units in the last place to where float32's does.
_half_tanh_numerator = polynomial([541.43201, 14.6575174, 0.030212345])
_half_tanh_denominator = polynomial([1082.86401, 119.552971, 1.0])


@inlined
def _tanh_of_single(x):
    """From the quotient w / d that tanh(x / 2) is, for x >= 0; beyond 8.28 it is 1.

    The divisor is w * w + d * d, written so that rounding cannot make it the smaller.
    """
    T = type(x)
    x = T(8.27901268) if x > T(8.27901268) else x
    square = x * x
    w, d = x * _half_tanh_numerator(square), _half_tanh_denominator(square)
    twice, rest = w * (d + d), d - w
    return twice / (rest * rest + twice)


# (tanh(r) / r - 1) / r**2 in r**2 for |r| <= ln(2) / 4: the best polynomial (Remez).
_tanh_series = polynomial(
    [-0.33333333333332489, 0.13333333332785458, -0.053968252784683120,
     0.021869370896640082, -0.0088573144003922713, 0.0034449025908741468]
)  # fmt: skip


@inlined
def _tanh_of_double(x):
    """As tanh(a + r), with a = n ln(2) / 2 and tanh(a) = (2**n - 1) / (2**n + 1)."""
    T = type(x)
    x = T(22) if x > T(22) else x  # beyond that it is 1
    n = round_to_integer(x * T(2 * LOG2_E))
    r = x - n * T(LN2 / 2)  # one part of ln 2 is enough: where n is large, tanh is flat
    square, power = r * r, power_of_two(n)
    u = _tanh_series(square) * (square * r) + r
    sum_, difference = power + T(1), power - T(1)
    return (u * sum_ + difference) / (u * difference + sum_)


# e**(x**2 / 2) times the normal distribution's tail beyond x, as a quotient: the best
# one (Remez) for 0 <= x <= 15 in float32 and 39 in float64, where the tail is 0.
_tail_numerator = polynomial(
    single=[0.62895518541, 0.55257952213, 0.23141686618, 0.051424883306,
            0.0052244048566],
    double=[0.5, 0.77488155885368866, 0.59405765350760398,
            0.28934098318422991, 0.097703193864246449, 0.023623629409981649,
            0.0040895757155448079, 0.00049045624689906205, 3.7257786217324601e-05,
            1.3858679967515218e-06],
)  # fmt: skip
_tail_denominator = polynomial(
    single=[1.2579103708, 2.1088271141, 1.5164722204, 0.59299039841,
            0.12891077995, 0.0130954999477],
    double=[1, 2.3476476785102326, 2.5612671439035345, 1.7144151575892175,
            0.78206214647932407, 0.25496983982689079, 0.060438101637918665,
            0.010344437529027445, 0.0012328653520513795, 9.3391420380369068e-05,
            3.473855905573894e-06],
)  # fmt: skip


# Where the tail is 0.
_tail_end = constant(15, 39)
# The square of numbers with so few digits behind the point is exact.
_few_digits = constant(256, 1048576)


@inlined
def _gauss(x):
    """e**(-x**2 / 2), without the error of x**2."""
    T, digits = type(x), _few_digits(x)
    short = round_to_integer(x * digits) / digits  # x = short + rest
    n, r = _reduce(T(-0.5) * (short * short))
    r -= T(0.5) * ((x - short) * (x + short))
    return _times_moderate_power_of_two(_expm1_series(r) + T(1), n)


@scalar
def normal_cdf_and_density(x):
    """The standard normal distribution function, exact in both tails, and its slope."""
    T = type(x)
    z = _tail_end(x) if abs(x) > _tail_end(x) else abs(x)
    gauss = _gauss(z)
    tail = gauss * (_tail_numerator(z) / _tail_denominator(z))
    return T(1) - tail if x > T(0) else tail, T(INVERSE_SQRT_2_PI) * gauss


@scalar
def normal_cdf(x):
    """The standard normal distribution function, exact in both tails."""
    return normal_cdf_and_density(x)[0]


# sin(2 pi s) / s in s**2 for |s| <= 1/4: the best polynomials (Remez).
_sine_series = polynomial(
    single=[6.2831853070466948, -41.341702096926862, 81.605223690100994,
            -76.704170248204035, 42.007797035052006, -14.381389981517846],
    double=[6.2831853071795865, -41.341702240399756, 81.605249276073406,
            -76.705859752798495, 42.058693923785108, -15.094641620505942,
            3.8199270504086120, -0.71772357950635353, 0.10085635830259437],
)  # fmt: skip


@inlined
def _from_integer(x):
    """The distance from the nearest integer, with its sign."""
    return x - round_to_integer(x)


@inlined
def cos_turns(x):
    """cos(2 pi x), for |x| below 2**22 in float32 and 2**51 in float64."""
    s = type(x)(0.25) - abs(_from_integer(x))
    return _sine_series(s * s) * s


@inlined
def sin_turns(x):
    """sin(2 pi x), for |x| below 2**22 in float32 and 2**51 in float64."""
    T = type(x)
    r = _from_integer(x)
    half = T(0.5) if r > T(0) else T(-0.5)
    s = half - r if abs(r) > T(0.25) else r
    return _sine_series(s * s) * s
