"""An activation turns a layer's weighted sums into its outputs, one unit at a time.

Forward and slope stand side by side; the slope is written from the output, so that
nothing else has to be kept for the way back.
"""

from ._jit import INTEGER, VECTOR, as_array, inlined, piece_of
from ._llvm import prefer_wide_vectors
from .elementary import logistic, tanh


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


# None changes nothing, on the way there and on the way back.
ACTIVATIONS = {
    "identity": None,
    "logistic": Activation(logistic, logistic_slope),
    "tanh": Activation(tanh, tanh_slope),
    "relu": Activation(relu, relu_slope),
}
