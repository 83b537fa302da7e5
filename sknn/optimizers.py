"""An optimizer turns a gradient into a step of the parameters.

Its update rule works on any stretch of the flat vectors, element by element, and keeps
what it remembers in `moments`: stretches like that of the parameters, ``distance``
numbers apart.  The gradient is ``(grads + decay * params) * scale``: what the samples
sum to and the L2 penalty, over the sum of the sample weights.
"""

import numpy as np

from ._jit import INTEGER, REAL, SETTINGS, VECTOR, as_array, piece
from ._llvm import at, prefer_wide_vectors
from .elementary import at_least_tiny

UPDATE = (VECTOR, VECTOR, VECTOR, INTEGER, INTEGER, SETTINGS, REAL, REAL, REAL)


class Optimizer:
    """An update rule, how many moments it keeps, and which parameters it reads."""

    def __init__(self, update, n_moments, *settings):
        self.update, self.n_moments, self._settings = update, n_moments, settings

    def settings(self, mlp):
        """The numbers that the update rule reads."""
        return np.array([getattr(mlp, name) for name in self._settings], dtype=float)


@piece(*UPDATE)
def update_sgd(p, g, moments, distance, n, settings, rate, scale, decay):
    """Gradient descent with momentum, Nesterov's if ``settings[1]``."""
    prefer_wide_vectors()
    p, g, velocity = as_array(p, n), as_array(g, n), as_array(moments, n)
    settings = as_array(settings, 2)
    T = p.dtype.type
    momentum, rate, scale, decay = T(settings[0]), T(rate), T(scale), T(decay)
    # Nesterov: the step looks ahead by one more application of the momentum.
    ahead = momentum if settings[1] else T(1)
    plain = rate if settings[1] else T(0)
    for i in range(n):
        gradient = (g[i] + decay * p[i]) * scale
        velocity[i] = momentum * velocity[i] - rate * gradient
        p[i] += ahead * velocity[i] - plain * gradient


@piece(*UPDATE)
def update_adam(p, g, moments, distance, n, settings, rate, scale, decay):
    """Kingma and Ba (2014); the bias corrections of m and v are part of ``rate``."""
    prefer_wide_vectors()
    p, g, settings = as_array(p, n), as_array(g, n), as_array(settings, 3)
    m, v = as_array(moments, n), as_array(at(moments, distance), n)
    T = p.dtype.type
    beta_1, rest_1 = T(settings[0]), T(1 - settings[0])
    beta_2, rest_2 = T(settings[1]), T(1 - settings[1])
    rate, scale, decay = T(rate), T(scale), T(decay)
    epsilon = at_least_tiny(T(settings[2]))
    for i in range(n):
        gradient = (g[i] + decay * p[i]) * scale
        m[i] = beta_1 * m[i] + rest_1 * gradient
        v[i] = beta_2 * v[i] + rest_2 * (gradient * gradient)
        p[i] -= rate * m[i] / (np.sqrt(v[i]) + epsilon)


OPTIMIZERS = {
    "lbfgs": Optimizer(None, 0),
    "sgd": Optimizer(update_sgd, 1, "momentum", "nesterovs_momentum"),
    "adam": Optimizer(update_adam, 2, "beta_1", "beta_2", "epsilon"),
}
