"""An activation turns a layer's weighted sums into its outputs, one unit at a time.

Forward and slope stand side by side; the slope is written from the output, so that
nothing else has to be kept for the way back.
"""

from functools import cache
from typing import NamedTuple

from sklearn.base import BaseEstimator

from ._jit import foreign, inlined, piece, piece_of, with_setting
from ._llvm import at, pointer, prefer_wide_vectors
from .elementary import logistic, tanh
from .layers import PASS, Kind, as_array, record


@inlined
def kept_of(zero, block, layer, plan):
    """What a layer keeps for each of its outputs, as one array."""
    start, size = layer.kept * plan.stride, layer.fan_out * plan.stride
    return as_array(at(pointer(block.kept, zero), start), size)


@inlined
def outputs_of(vectors, layer, plan):
    """All outputs of a layer, units or deltas, as one array."""
    start, size = layer.outputs * plan.stride, layer.fan_out * plan.stride
    return as_array(at(vectors, start), size)


@piece_of(*PASS)
def apply_to_all(function):
    """Replace each weighted sum z by ``function(z, setting)``."""
    function = with_setting(function)

    def apply(zero, plan, layer, block, first, n):
        prefer_wide_vectors()
        plan, layer, block = record(plan), record(layer), record(block)
        z, setting = (
            outputs_of(pointer(block.units, zero), layer, plan),
            type(zero)(layer.setting),
        )
        for i in range(z.size):
            z[i] = function(z[i], setting)

    return apply


@piece_of(*PASS)
def scale_by(slope):
    """Multiply each delta by the ``slope`` at its unit's output."""
    slope = with_setting(slope)

    def scale(zero, plan, layer, block, first, n):
        prefer_wide_vectors()
        plan, layer, block = record(plan), record(layer), record(block)
        outputs = outputs_of(pointer(block.units, zero), layer, plan)
        deltas = outputs_of(pointer(block.deltas, zero), layer, plan)
        setting = type(zero)(layer.setting)
        for i in range(deltas.size):
            deltas[i] *= slope(outputs[i], setting)

    return scale


@piece_of(*PASS)
def apply_and_keep_slope(function, slope):
    """The same, and keep the ``slope`` at each output for the way back."""
    function, slope = with_setting(function), with_setting(slope)

    def apply(zero, plan, layer, block, first, n):
        prefer_wide_vectors()
        plan, layer, block = record(plan), record(layer), record(block)
        z = outputs_of(pointer(block.units, zero), layer, plan)
        kept, setting = kept_of(zero, block, layer, plan), type(zero)(layer.setting)
        for i in range(z.size):
            z[i] = function(z[i], setting)
            kept[i] = slope(z[i], setting)

    return apply


@piece_of(*PASS)
def apply_and_keep_derivative(function, derivative):
    """The same, and keep the ``derivative`` at each sum for the way back."""
    function, derivative = with_setting(function), with_setting(derivative)

    def apply(zero, plan, layer, block, first, n):
        prefer_wide_vectors()
        plan, layer, block = record(plan), record(layer), record(block)
        z = outputs_of(pointer(block.units, zero), layer, plan)
        kept, setting = kept_of(zero, block, layer, plan), type(zero)(layer.setting)
        for i in range(z.size):
            kept[i] = derivative(z[i], setting)
            z[i] = function(z[i], setting)

    return apply


@piece(*PASS)
def scale_by_kept(zero, plan, layer, block, first, n):
    """Multiply each delta by what the layer has kept for it."""
    prefer_wide_vectors()
    plan, layer, block = record(plan), record(layer), record(block)
    deltas = outputs_of(pointer(block.deltas, zero), layer, plan)
    kept = kept_of(zero, block, layer, plan)
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


# None changes nothing, on the way there and on the way back.
ACTIVATIONS = {
    "identity": None,
    "logistic": Formula(logistic, slope=logistic_slope, is_monotonic=True),
    "tanh": Formula(tanh, slope=tanh_slope, is_monotonic=True),
    "relu": Formula(relu, slope=relu_slope, is_monotonic=True),
}


class Activation(BaseEstimator):
    """An activation of one's own, compiled when a network first uses it.

    Parameters
    ----------
    function : callable
        The output of a unit, a number, for its weighted sum, a number.  It is compiled
        by Numba: arithmetic, comparisons and functions of :mod:`math` are fine.
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
        return Formula(foreign(self.function), derivative=foreign(self.derivative))


class LeakyReLU(BaseEstimator):
    """z where it is positive, else a small multiple of it (Maas et al., 2013).

    Parameters
    ----------
    slope : float, default=0.01
        The multiple.
    """

    def __init__(self, slope=0.01):
        self.slope = slope

    def formula(self):
        """What the table of activations holds of it, with this slope."""
        return ACTIVATIONS["leaky_relu"]._replace(setting=float(self.slope))


class ELU(BaseEstimator):
    """z where it is positive, else ``alpha * (exp(z) - 1)`` (Clevert et al., 2016).

    Parameters
    ----------
    alpha : float, default=1.0
        Minus the limit for large negative z.
    """

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def formula(self):
        """What the table of activations holds of it, with this limit."""
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
    if formula.slope is not None and not is_changed:
        return Kind(predict, scale_by(formula.slope), predict=predict)
    if formula.slope is not None:
        forward = apply_and_keep_slope(function, formula.slope)
    else:
        forward = apply_and_keep_derivative(function, formula.derivative)
    return Kind(forward, scale_by_kept, predict=predict, kept_rows=0)
