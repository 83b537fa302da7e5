"""An activation turns a layer's weighted sums into its outputs, one unit at a time.

Forward and slope stand side by side; the slope is written from the output, so that
nothing else has to be kept for the way back.  Where several sums share an output, the
derivative is written from the sum.
"""

from functools import cache
from numbers import Real
from typing import NamedTuple

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

from ._jit import inlined, piece, piece_of, with_setting
from ._llvm import interleave_loops, pointer, prefer_wide_vectors
from .elementary import (
    clamp,
    expm1,
    logistic,
    moderate_exp,
    normal_cdf,
    normal_cdf_and_density,
    softplus,
    tanh,
)
from .layers import PASS, Kind, rows_of
from .own_functions import compiled, warn_of_wrong_slope


@piece_of(*PASS)
def apply_to_all(function):
    """Replace each weighted sum z by ``function(z, setting)``."""
    function = with_setting(function)

    def apply(zero, plan, layer, block, first, n):
        prefer_wide_vectors()
        z = rows_of(pointer(block.units, zero), layer.outputs, layer, plan)
        setting = type(zero)(layer.setting)
        for i in range(z.size):
            z[i] = function(z[i], setting)
        interleave_loops()

    return apply


@piece_of(*PASS)
def scale_by(slope):
    """Multiply each delta by the ``slope`` at its unit's output."""
    slope = with_setting(slope)

    def scale(zero, plan, layer, block, first, n):
        prefer_wide_vectors()
        outputs = rows_of(pointer(block.units, zero), layer.outputs, layer, plan)
        deltas = rows_of(pointer(block.deltas, zero), layer.deltas, layer, plan)
        setting = type(zero)(layer.setting)
        for i in range(deltas.size):
            deltas[i] *= slope(outputs[i], setting)

    return scale


@piece_of(*PASS)
def apply_and_keep(function, slope, argument):
    """Replace sums by outputs, and keep each ``slope`` for the way back.

    It is a function of the sum or of the output: `argument` says of which.
    """
    function, slope = with_setting(function), with_setting(slope)

    def apply(zero, plan, layer, block, first, n):
        prefer_wide_vectors()
        z = rows_of(pointer(block.units, zero), layer.outputs, layer, plan)
        kept = rows_of(pointer(block.kept, zero), layer.kept, layer, plan)
        setting = type(zero)(layer.setting)
        for i in range(z.size):
            output = function(z[i], setting)
            kept[i] = slope(argument(z[i], output), setting)
            z[i] = output
        interleave_loops()

    return apply


@inlined
def at_sum(z, output):
    return z


@inlined
def at_output(z, output):
    return output


@piece(*PASS)
def scale_by_kept(zero, plan, layer, block, first, n):
    """Multiply each delta by what the layer has kept for it."""
    prefer_wide_vectors()
    deltas = rows_of(pointer(block.deltas, zero), layer.deltas, layer, plan)
    kept = rows_of(pointer(block.kept, zero), layer.kept, layer, plan)
    for i in range(deltas.size):
        deltas[i] *= kept[i]


class Formula(NamedTuple):
    """A function of the weighted sum, and its slope as a function of its output.

    Where the output does not tell the slope, ``derivative`` is a function of the sum.
    Any of them may take the ``setting`` as a second argument.
    """

    function: object
    slope: object = None
    derivative: object = None
    setting: float = 0.0
    is_monotonic: bool = False


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
    e = moderate_exp(-abs(z))
    quotient = T(1) / (T(1) + e)
    logistic_of_z = quotient if z >= T(0) else e * quotient
    return logistic_of_z + z * (e * quotient * quotient)


@inlined
def _mish_terms(z):
    """u = e**z, n and 1 / (n + 2), with tanh(softplus(z)) = n / (n + 2): 1 beyond 20.

    One division for function and derivative, where both are wanted.
    """
    T = type(z)
    u = moderate_exp(T(20) if z > T(20) else z)
    n = u * (u + T(2))
    return u, n, T(1) / (n + T(2))


@inlined
def mish(z):
    """z tanh(softplus(z)) (Misra, 2019)."""
    _, n, quotient = _mish_terms(z)
    return z * (n * quotient)


@inlined
def mish_derivative(z):
    T = type(z)
    u, n, quotient = _mish_terms(z)
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
    "logistic": Formula(logistic, logistic_slope, is_monotonic=True),
    "tanh": Formula(tanh, tanh_slope, is_monotonic=True),
    "relu": Formula(relu, relu_slope, is_monotonic=True),
    "leaky_relu": Formula(
        leaky_relu, leaky_relu_slope, setting=0.01, is_monotonic=True
    ),
    "elu": Formula(elu, elu_slope, None, 1.0, is_monotonic=True),
    "selu": Formula(selu, selu_slope, is_monotonic=True),
    "softplus": Formula(softplus, softplus_slope, is_monotonic=True),
    "gelu": Formula(gelu, derivative=gelu_derivative),
    "silu": Formula(silu, derivative=silu_derivative),
    "mish": Formula(mish, derivative=mish_derivative),
    "hardswish": Formula(hardswish, derivative=hardswish_derivative),
}


class Activation(BaseEstimator):
    """An activation of one's own, compiled when a network first uses it.

    Parameters
    ----------
    function : callable
        The output of a unit, a number, for its weighted sum, a number.  It is compiled
        by Numba: arithmetic, comparisons and functions of :mod:`math` are fine, raising
        errors is not.
    derivative : callable
        The derivative of ``function`` at the same weighted sum.

    Examples
    --------
    >>> from sknn import MLPClassifier
    >>> from sknn.activations import Activation
    >>> def squared_relu(z):
    ...     return z * z if z > 0 else 0 * z
    >>> def squared_relu_derivative(z):
    ...     return 2 * z if z > 0 else 0 * z
    >>> activation = Activation(squared_relu, squared_relu_derivative)
    >>> net = MLPClassifier(activation=activation)
    """

    def __init__(self, function, derivative):
        self.function = function
        self.derivative = derivative

    def formula(self):
        """What the table of activations would hold of it."""
        return _own_formula(self.function, self.derivative)


@cache
def _own_formula(function, derivative):
    formula = Formula(compiled(function, 1), derivative=compiled(derivative, 1))
    warn_of_wrong_slope(function, derivative, [(-2.3,), (-0.7,), (0.3,), (1.9,)])
    return formula


class LeakyReLU(BaseEstimator):
    """z where it is positive, else a small multiple of it (Maas et al., 2013).

    Parameters
    ----------
    slope : float, default=0.01
        The multiple, not negative.
    """

    _parameter_constraints: dict = {"slope": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, slope=0.01):
        self.slope = slope

    def formula(self):
        """What the table of activations holds of it, with this slope."""
        self._validate_params()
        return ACTIVATIONS["leaky_relu"]._replace(setting=float(self.slope))


class ELU(BaseEstimator):
    """z where it is positive, else ``alpha * (exp(z) - 1)`` (Clevert et al., 2016).

    Parameters
    ----------
    alpha : float, default=1.0
        Minus the limit for large negative z; not negative.
    """

    _parameter_constraints: dict = {"alpha": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def formula(self):
        """What the table of activations holds of it, with this limit."""
        self._validate_params()
        return ACTIVATIONS["elu"]._replace(setting=float(self.alpha))


def formula_of(activation):
    """The formula of an activation, a name or an object; None for the identity."""
    if isinstance(activation, str):
        return ACTIVATIONS[activation]
    return activation.formula()


@cache
def kind_of(formula, is_changed):
    """The kind of layer that applies a formula.

    ``is_changed`` says that its outputs will not be there on the way back, for another
    layer changes them: then the slopes are kept.
    """
    function, predict = formula.function, apply_to_all(formula.function)
    if formula.slope is None:
        forward = apply_and_keep(function, formula.derivative, at_sum)
    elif is_changed:
        forward = apply_and_keep(function, formula.slope, at_output)
    else:
        backward, is_relu = scale_by(formula.slope), function is relu
        return Kind(predict, backward, predict=predict, by_unit=True, is_relu=is_relu)
    return Kind(forward, scale_by_kept, predict=predict, kept_rows=0, by_unit=True)
