"""An activation turns a layer's weighted sums into its outputs, one unit at a time.

Forward and slope stand side by side; the slope is written from the output, so that
nothing else has to be kept for the way back.  Where several sums share an output, the
derivative is written from the sum.
"""

from ._jit import INTEGER, VECTOR, as_array, inlined, piece_of
from ._llvm import prefer_wide_vectors
from .elementary import (
    clamp,
    exp,
    expm1,
    logistic,
    normal_cdf,
    normal_cdf_and_density,
    tanh,
)


@piece_of(VECTOR, INTEGER)
def apply_to_all(function):
    """Replace each of n weighted sums z by ``function(z)``."""

    def apply(z, n):
        prefer_wide_vectors()
        z = as_array(z, n)
        for i in range(n):
            z[i] = function(z[i])

    return apply


@piece_of(VECTOR, VECTOR, INTEGER)
def scale_by(slope):
    """Multiply each of n deltas by the ``slope`` at its unit's output."""

    def scale(outputs, deltas, n):
        prefer_wide_vectors()
        outputs, deltas = as_array(outputs, n), as_array(deltas, n)
        for i in range(n):
            deltas[i] *= slope(outputs[i])

    return scale


class Activation:
    """A function of the weighted sum, and its slope as a function of its output."""

    def __init__(self, function, slope):
        self.forward, self.backward = apply_to_all(function), scale_by(slope)


@inlined
def relu(z):
    """z where it is positive, else 0."""
    zero = type(z)(0)
    return zero if z < zero else z  # NaN fails the test and stays


@inlined
def relu_slope(output):
    T = type(output)
    return T(0) if output == T(0) else T(1)


@inlined
def tanh_slope(output):
    return type(output)(1) - output * output


@inlined
def logistic_slope(output):
    return output * (type(output)(1) - output)


@inlined
def leaky_relu(z, slope=0.01):
    """z where it is positive, else ``slope`` times z (Maas et al., 2013)."""
    T = type(z)
    return z if z > T(0) else z * T(slope)


@inlined
def leaky_relu_slope(output, slope=0.01):
    """``slope`` at the kink, as its left side; for a slope that is not negative."""
    T = type(output)
    return T(1) if output > T(0) else T(slope)


@inlined
def elu(z, alpha=1.0):
    """z where it is positive, else alpha (e**z - 1) (Clevert et al., 2016)."""
    T = type(z)
    return z if z > T(0) else T(alpha) * expm1(z)


@inlined
def elu_slope(output, alpha=1.0):
    """alpha at the kink, as its left side; for an alpha that is not negative."""
    T = type(output)
    return T(1) if output > T(0) else output + T(alpha)


# With these, mean 0 and variance 1 are a fixed point of a layer.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@inlined
def selu(z):
    """The self-normalising elu (Klambauer et al., 2017)."""
    return type(z)(SELU_SCALE) * elu(z, SELU_ALPHA)


@inlined
def selu_slope(output):
    """At the kink that of the left side."""
    T = type(output)
    left = output + T(SELU_SCALE * SELU_ALPHA)
    return T(SELU_SCALE) if output > T(0) else left


@inlined
def softplus_slope(output):
    return -expm1(-output)


@inlined
def gelu(z):
    """z Phi(z) with the normal distribution function (Hendrycks and Gimpel, 2016)."""
    return z * normal_cdf(z)


@inlined
def gelu_derivative(z):
    cdf, density = normal_cdf_and_density(z)
    return cdf + z * density


@inlined
def silu(z):
    """z logistic(z), also called swish (Elfwing et al., 2018)."""
    return z * logistic(z)


@inlined
def silu_derivative(z):
    T = type(z)
    e = exp(-abs(z))
    quotient = T(1) / (T(1) + e)
    logistic_of_z = quotient if z >= T(0) else e * quotient
    return logistic_of_z + z * (e * quotient * quotient)


@inlined
def _mish_terms(z):
    """u = e**z, and n with tanh(softplus(z)) = n / (n + 2), which beyond 20 is 1."""
    T = type(z)
    u = exp(T(20) if z > T(20) else z)
    return u, u * (u + T(2))


@inlined
def mish(z):
    """z tanh(softplus(z)) (Misra, 2019)."""
    _, n = _mish_terms(z)
    return z * (n / (n + type(z)(2)))


@inlined
def mish_derivative(z):
    T = type(z)
    u, n = _mish_terms(z)
    quotient = T(1) / (n + T(2))
    curvature = (T(4) * u * quotient) * ((u + T(1)) * quotient)
    return n * quotient + z * curvature


@inlined
def hardswish(z):
    """z times a ramp from 0 at -3 to 1 at 3 (Howard et al., 2019)."""
    T = type(z)
    return z * (clamp(z + T(3), T(0), T(6)) * T(1 / 6))


@inlined
def hardswish_derivative(z):
    """At the kinks, -3 and 3, that of the outer side."""
    T = type(z)
    inside = z * T(1 / 3) + T(0.5)
    inside = T(0) if z <= T(-3) else inside
    return T(1) if z >= T(3) else inside


# None changes nothing, on the way there and on the way back.
ACTIVATIONS = {
    "identity": None,
    "logistic": Activation(logistic, logistic_slope),
    "tanh": Activation(tanh, tanh_slope),
    "relu": Activation(relu, relu_slope),
}
