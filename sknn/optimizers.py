"""An optimizer turns a gradient into a step of the parameters.

It works on any stretch of the flat vectors, element by element, and keeps what it
remembers in `moments`: one row for each of the vectors in `N_MOMENTS`.
"""

import numpy as np

from ._jit import inlined, kernel

NONE, SGD, ADAM = range(3)
OPTIMIZERS = {"lbfgs": NONE, "sgd": SGD, "adam": ADAM}
N_MOMENTS = {"lbfgs": 0, "sgd": 1, "adam": 2}

HYPER = np.dtype(
    [
        ("optimizer", np.int64),
        ("alpha", np.float64),
        ("momentum", np.float64),
        ("nesterov", np.bool_),
        ("beta_1", np.float64),
        ("beta_2", np.float64),
        ("epsilon", np.float64),
    ],
    align=True,
)


@kernel
def update(hyper, rate, scale, decay, params, grads, moments, start, stop):
    """Step ``params[start:stop]``, in place.

    The gradient is ``(grads + decay * params) * scale``: what the samples sum to and
    the L2 penalty, over the sum of the sample weights.
    """
    p, g = params[start:stop], grads[start:stop]
    if hyper.optimizer == SGD:
        _sgd(hyper, rate, scale, decay, p, g, moments[0, start:stop])
    elif hyper.optimizer == ADAM:
        _adam(
            hyper, rate, scale, decay,
            p, g, moments[0, start:stop], moments[1, start:stop],
        )  # fmt: skip


@inlined
def _sgd(hyper, rate, scale, decay, p, g, velocity):
    T = p.dtype.type
    momentum, rate, scale, decay = T(hyper.momentum), T(rate), T(scale), T(decay)
    # Nesterov: the step looks ahead by one more application of the momentum.
    ahead = momentum if hyper.nesterov else T(1)
    plain = rate if hyper.nesterov else T(0)
    for i in range(p.size):
        gradient = (g[i] + decay * p[i]) * scale
        velocity[i] = momentum * velocity[i] - rate * gradient
        p[i] += ahead * velocity[i] - plain * gradient


@inlined
def _adam(hyper, rate, scale, decay, p, g, m, v):
    """Kingma and Ba (2014); the bias corrections of m and v are part of ``rate``."""
    T = p.dtype.type
    rate, scale, decay, epsilon = T(rate), T(scale), T(decay), T(hyper.epsilon)
    beta_1, beta_2 = T(hyper.beta_1), T(hyper.beta_2)
    rest_1, rest_2 = T(1 - hyper.beta_1), T(1 - hyper.beta_2)
    for i in range(p.size):
        gradient = (g[i] + decay * p[i]) * scale
        m[i] = beta_1 * m[i] + rest_1 * gradient
        v[i] = beta_2 * v[i] + rest_2 * (gradient * gradient)
        p[i] -= rate * m[i] / (np.sqrt(v[i]) + epsilon)
