"""Elementary functions that LLVM can vectorise: polynomials without a branch or call.

Each takes and returns one scalar; a loop over an array of them becomes vector code,
where a call into the C library costs 5 to 20 times as much.  Largest errors against
NumPy, in units of the last place (tests/test_elementary.py): exp 2, log 2, tanh 5,
logistic 4.  NaN and infinity come out as NumPy has them.
"""

from ._bits import exponent, is_single, mantissa, power_of_two, round_to_integer
from ._jit import inlined

INF, NAN = float("inf"), float("nan")
LOG2_E = 1.4426950408889634
# ln 2 in two parts, the first short enough for n * LN2_HIGH to be exact.
LN2_HIGH_64, LN2_LOW_64 = 0.6931471803691238, 1.9082149292705877e-10
LN2_HIGH_32, LN2_LOW_32 = 0.693359375, -2.12194440e-4


@inlined
def tiny(x):
    """The smallest normal number of x's type."""
    T = type(x)
    return T(1.1754943508222875e-38 if is_single(x) else 2.2250738585072014e-308)


@inlined
def epsilon(x):
    """The distance from 1 to the next number of x's type."""
    T = type(x)
    return T(1.1920928955078125e-07 if is_single(x) else 2.220446049250313e-16)


@inlined
def at_least_tiny(x):
    """A divisor that is not zero."""
    return tiny(x) if x < tiny(x) else x


@inlined
def identity(x):
    """x."""
    return x


@inlined
def _expm1_polynomial(r):
    """exp(r) - 1 for |r| <= ln(2) / 2, by Taylor's series."""
    T = type(r)
    if is_single(r):
        q = T(1 / 5040)
    else:
        q = T(1 / 6227020800)
        q = q * r + T(1 / 479001600)
        q = q * r + T(1 / 39916800)
        q = q * r + T(1 / 3628800)
        q = q * r + T(1 / 362880)
        q = q * r + T(1 / 40320)
        q = q * r + T(1 / 5040)
    q = q * r + T(1 / 720)
    q = q * r + T(1 / 120)
    q = q * r + T(1 / 24)
    q = q * r + T(1 / 6)
    q = q * r + T(1 / 2)
    return q * r * r + r


@inlined
def _clamp(x, low, high):
    """``x`` within the bounds; NaN stays NaN."""
    x = low if x < low else x
    return high if x > high else x


@inlined
def _reduce(x):
    """n and r with x = n ln 2 + r and |r| <= ln(2) / 2."""
    T = type(x)
    n = round_to_integer(x * T(LOG2_E))
    if is_single(x):
        return n, (x - n * T(LN2_HIGH_32)) - n * T(LN2_LOW_32)
    return n, (x - n * T(LN2_HIGH_64)) - n * T(LN2_LOW_64)


@inlined
def exp(x):
    """e**x."""
    T = type(x)
    if is_single(x):
        x = _clamp(x, T(-105), T(90))
    else:
        x = _clamp(x, T(-746), T(711))
    n, r = _reduce(x)
    # in two factors, so that the ends of the range round to 0 and overflow to inf
    half = round_to_integer(n * T(0.5))
    scaled = (_expm1_polynomial(r) + T(1)) * power_of_two(half)
    return scaled * power_of_two(n - half)


@inlined
def _log_series(s):
    """log((1 + s) / (1 - s)) for |s| <= 0.172, by the series of 2 atanh(s)."""
    T = type(s)
    z = s * s
    if is_single(s):
        q = T(2 / 9)
    else:
        q = T(2 / 21)
        q = q * z + T(2 / 19)
        q = q * z + T(2 / 17)
        q = q * z + T(2 / 15)
        q = q * z + T(2 / 13)
        q = q * z + T(2 / 11)
        q = q * z + T(2 / 9)
    q = q * z + T(2 / 7)
    q = q * z + T(2 / 5)
    q = q * z + T(2 / 3)
    return q * z * s + (s + s)


@inlined
def log(x):
    """Natural logarithm, as n ln 2 + log(m) with m between sqrt(1/2) and sqrt(2)."""
    T = type(x)
    # a subnormal number has no exponent of its own: scale it up by 2**54
    subnormal = x < tiny(x)
    scaled = x * T(18014398509481984.0) if subnormal else x
    n, m = exponent(scaled), mantissa(scaled)
    n = n - T(54) if subnormal else n
    y = _log_series((m - T(1)) / (m + T(1)))
    if is_single(x):
        y = (y + n * T(LN2_LOW_32)) + n * T(LN2_HIGH_32)
    else:
        y = (y + n * T(LN2_LOW_64)) + n * T(LN2_HIGH_64)
    y = x if x == T(INF) else y
    y = T(-INF) if x == T(0) else y
    return y if x >= T(0) else T(NAN)


@inlined
def logistic(x):
    """1 / (1 + e**-x), from the exponential that cannot overflow."""
    T = type(x)
    e = exp(-abs(x))
    return (T(1) if x >= T(0) else e) / (T(1) + e)


@inlined
def tanh(x):
    """Hyperbolic tangent, as t / (t + 2) with t = e**(2|x|) - 1."""
    T = type(x)
    n, r = _reduce(_clamp(T(2) * abs(x), T(0), T(44)))
    scale = power_of_two(n)
    t = _expm1_polynomial(r) * scale + (scale - T(1))
    y = t / (t + T(2))
    return -y if x < T(0) else y
