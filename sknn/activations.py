"""An activation turns a layer's weighted sums into its outputs, one unit at a time.

Forward and slope stand side by side; the slope is written from the output, so that
nothing else has to be kept for the way back.
"""

from ._jit import kernel
from .elementary import logistic, tanh

IDENTITY, LOGISTIC, TANH, RELU = range(4)
ACTIVATIONS = {"identity": IDENTITY, "logistic": LOGISTIC, "tanh": TANH, "relu": RELU}


@kernel
def activate(code, z):
    """Turn the weighted sums ``z`` into outputs, in place."""
    zero = z.dtype.type(0)
    if code == RELU:
        for i in range(z.size):
            z[i] = zero if z[i] < zero else z[i]  # NaN fails the test and stays
    elif code == TANH:
        for i in range(z.size):
            z[i] = tanh(z[i])
    elif code == LOGISTIC:
        for i in range(z.size):
            z[i] = logistic(z[i])


@kernel
def scale_by_slope(code, outputs, deltas):
    """Multiply ``deltas`` by the activation's slope at ``outputs``, in place."""
    zero = outputs.dtype.type(0)
    one = outputs.dtype.type(1)
    if code == RELU:
        for i in range(deltas.size):
            deltas[i] = zero if outputs[i] == zero else deltas[i]
    elif code == TANH:
        for i in range(deltas.size):
            deltas[i] *= one - outputs[i] * outputs[i]
    elif code == LOGISTIC:
        for i in range(deltas.size):
            deltas[i] *= outputs[i] * (one - outputs[i])
