"""Initial parameters: draws whose variance keeps signals alive through many layers."""

import numpy as np

from .params import parts, zeros

# The variance of a weight, as a fraction of the units it comes from and leads to.
VARIANCES = {
    "glorot": lambda fan_in, fan_out: (2, fan_in + fan_out),  # Glorot, Bengio (2010)
    "he": lambda fan_in, fan_out: (2, fan_in),  # He et al. (2015)
    "lecun": lambda fan_in, fan_out: (1, fan_in),  # LeCun et al. (1998)
}
DEFAULT = "glorot_uniform"
DATA_DRIVEN = "data_driven"  # and then as data_driven.py has it
SCHEMES = [f"{name}_{kind}" for name in VARIANCES for kind in ("uniform", "normal")]
SCHEMES += ["orthogonal", "zeros", DATA_DRIVEN]


def initialize(layers, random_state, scheme=DEFAULT, factor=1.0):
    """Draw a flat vector, layer by layer, the weights before the intercepts.

    ``factor`` multiplies the variances.  Only the default scheme draws intercepts, as
    scikit-learn does; with the others they start from zero.
    """
    params = zeros(layers.n_params, layers.dtype)
    for part, view in parts(params, layers):
        if callable(part.fill):
            view[:] = part.fill(random_state, view.shape)
        elif part.fill is not None:
            view[:] = part.fill
        elif view.ndim == 2:
            shape = view.shape
            view[:] = draw(scheme, shape, shape, random_state, factor)
        elif scheme == DEFAULT:
            view[:] = draw(scheme, shape, view.shape, random_state, factor)
    return params


def draw(scheme, fans, shape, random_state, factor=1.0):
    """Numbers of this shape for a layer with these numbers of inputs and outputs."""
    if scheme == "zeros":
        return np.zeros(shape)
    if scheme == "orthogonal":
        return np.sqrt(factor) * orthogonal(shape, random_state)
    scheme = "lecun_normal" if scheme == DATA_DRIVEN else scheme
    name, distribution = scheme.split("_")
    numerator, denominator = VARIANCES[name](*fans)
    if distribution == "normal":
        deviation = np.sqrt(factor * numerator / denominator)
        return random_state.normal(0, deviation, shape)
    bound = np.sqrt(3 * factor * numerator / denominator)
    return random_state.uniform(-bound, bound, shape)


def orthogonal(shape, random_state):
    """Rows or columns, whichever are fewer, at right angles (Saxe et al., 2014)."""
    tall = max(shape), min(shape)
    q, r = np.linalg.qr(random_state.normal(size=tall))
    q *= np.sign(np.diag(r))  # or some rotations would be more likely than others
    return q if shape == tall else q.T
