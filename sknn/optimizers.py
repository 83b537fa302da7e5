"""An optimizer turns a gradient into a step of the parameters.

Its update rule works on a stretch of the flat vectors, element by element: on whole
rows with their padding, if they have any.  What it remembers is in `moments`:
stretches like that of the parameters, ``distance`` numbers apart.  The gradient is
``(grads + decay * params) * scale``: what the samples sum to and the L2 penalty, over
the sum of the sample weights.  A rule may overwrite the gradient.

What differs from step to step but not from weight to weight, such as the learning rate
with its bias correction, is worked out beforehand, in NumPy: these are the `rates`.
"""

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

from ._jit import INTEGER, REAL, SETTINGS, VECTOR, as_array, inlined, piece
from ._llvm import at, least, load, prefer_wide_vectors
from ._scaled_steps import take_adam_steps, take_scaled_steps
from .elementary import finite_divisor

UPDATE = (VECTOR, VECTOR, VECTOR, INTEGER, INTEGER, SETTINGS, SETTINGS, REAL, REAL)

# Numbers that are stepped at once: so few that a core, which works ahead, reads the
# next ones from the cache beyond its first while it still computes.
PORTION = 128

_A_DECAY = [Interval(Real, 0, 1, closed="left")]
_POSITIVE = [Interval(Real, 0, None, closed="neither")]


@inlined
def portion(numbers, start, n):
    """The next numbers of n."""
    return as_array(at(numbers, start), least(PORTION, n - start))


@piece(*UPDATE)
def update_sgd(p, g, moments, distance, n, settings, rates, scale, decay):
    """Gradient descent with momentum, Nesterov's if ``settings[1]``."""
    prefer_wide_vectors()
    p, g, velocity = as_array(p, n), as_array(g, n), as_array(moments, n)
    settings, rates = as_array(settings, 2), as_array(rates, 1)
    T = p.dtype.type
    momentum, rate, scale, decay = T(settings[0]), T(rates[0]), T(scale), T(decay)
    # Nesterov: the step looks ahead by one more application of the momentum.
    ahead = momentum if settings[1] else T(1)
    plain = rate if settings[1] else T(0)
    for i in range(n):
        gradient = (g[i] + decay * p[i]) * scale
        velocity[i] = momentum * velocity[i] - rate * gradient
        p[i] += ahead * velocity[i] - plain * gradient


@piece(*UPDATE)
def update_adam(params, grads, moments, distance, n, settings, rates, scale, decay):
    """The mean gradient over its root mean square: bias-corrected rate, epsilon."""
    prefer_wide_vectors()
    settings, rates = as_array(settings, 2), as_array(rates, 2)
    squares = at(moments, distance)
    T = type(load(params, 0))
    beta_1, rest_1 = T(settings[0]), T((1 - settings[0]) * scale)
    beta_2, root_of_rest_2 = T(settings[1]), T(np.sqrt(1 - settings[1]) * scale)
    rate, epsilon = T(rates[0]), finite_divisor(T(rates[1]))
    numbers = rate, epsilon, beta_1, rest_1, beta_2, root_of_rest_2, T(decay)
    take_adam_steps((params, grads, moments, squares), numbers, n)


@piece(*UPDATE)
def update_nadam(params, grads, moments, distance, n, settings, rates, scale, decay):
    """Adam whose mean looks ahead: rates of the gradient and the mean, epsilon."""
    prefer_wide_vectors()
    settings, rates = as_array(settings, 2), as_array(rates, 3)
    squares = at(moments, distance)
    T = type(load(params, 0))
    beta_1, rest_1 = T(settings[0]), T(1 - settings[0])
    beta_2, rest_2 = T(settings[1]), T(1 - settings[1])
    plain, rate, epsilon = T(rates[0]), T(rates[1]), finite_divisor(T(rates[2]))
    scale, decay = T(scale), T(decay)
    for start in range(0, n, PORTION):
        p, g = portion(params, start, n), portion(grads, start, n)
        m, v = portion(moments, start, n), portion(squares, start, n)
        for i in range(p.size):
            gradient = (g[i] + decay * p[i]) * scale
            m[i] = beta_1 * m[i] + rest_1 * gradient
            v[i] = beta_2 * v[i] + rest_2 * (gradient * gradient)
            g[i] = plain * gradient + rate * m[i]
        pointers = at(params, start), at(grads, start), at(squares, start)
        take_scaled_steps(pointers, (T(1), epsilon), p.size)


@piece(*UPDATE)
def update_rmsprop(params, grads, squares, distance, n, settings, rates, scale, decay):
    """The gradient over the root of the mean of its recent squares."""
    prefer_wide_vectors()
    settings, rates = as_array(settings, 2), as_array(rates, 1)
    T = type(load(params, 0))
    rho, rest, epsilon = T(settings[0]), T(1 - settings[0]), T(settings[1])
    rate, scale, decay = T(rates[0]), T(scale), T(decay)
    epsilon = finite_divisor(epsilon)
    for start in range(0, n, PORTION):
        p, g = portion(params, start, n), portion(grads, start, n)
        v = portion(squares, start, n)
        for i in range(p.size):
            g[i] = (g[i] + decay * p[i]) * scale
            v[i] = rho * v[i] + rest * (g[i] * g[i])
        pointers = at(params, start), at(grads, start), at(squares, start)
        take_scaled_steps(pointers, (rate, epsilon), p.size)


@piece(*UPDATE)
def update_adagrad(params, grads, squares, distance, n, settings, rates, scale, decay):
    """The gradient over the root of the sum of all its squares."""
    prefer_wide_vectors()
    settings, rates = as_array(settings, 1), as_array(rates, 1)
    T = type(load(params, 0))
    rate, scale, decay = T(rates[0]), T(scale), T(decay)
    epsilon = finite_divisor(T(settings[0]))
    for start in range(0, n, PORTION):
        p, g = portion(params, start, n), portion(grads, start, n)
        v = portion(squares, start, n)
        for i in range(p.size):
            g[i] = (g[i] + decay * p[i]) * scale
            v[i] += g[i] * g[i]
        pointers = at(params, start), at(grads, start), at(squares, start)
        take_scaled_steps(pointers, (rate, epsilon), p.size)


@piece(*UPDATE)
def update_lion(p, g, moments, distance, n, settings, rates, scale, decay):
    """The sign of a mean that weighs the new gradient more than what is kept does."""
    prefer_wide_vectors()
    p, g, m = as_array(p, n), as_array(g, n), as_array(moments, n)
    settings, rates = as_array(settings, 2), as_array(rates, 1)
    T = p.dtype.type
    beta_1, rest_1 = T(settings[0]), T(1 - settings[0])
    beta_2, rest_2 = T(settings[1]), T(1 - settings[1])
    rate, scale, decay = T(rates[0]), T(scale), T(decay)
    for i in range(n):
        gradient = (g[i] + decay * p[i]) * scale
        mean = beta_1 * m[i] + rest_1 * gradient
        m[i] = beta_2 * m[i] + rest_2 * gradient
        # zero and NaN fail both tests and stay
        sign = T(1) if mean > T(0) else mean
        p[i] -= rate * (T(-1) if mean < T(0) else sign)


class Optimizer(BaseEstimator):
    """What all optimizers have: an update rule, its settings, the rates of its steps.

    The base class has none: L-BFGS makes its own steps.
    """

    update = None  # a piece of `UPDATE` arguments
    n_moments = 0  # vectors as long as the parameters that it keeps
    reads: tuple[str, ...] = ()  # names of its settings
    weight_decay = 0.0  # where the estimator has none
    _parameter_constraints: dict = {}

    def settings(self, mlp):
        """The numbers that stay: here the estimator's, who has checked them."""
        return np.array([getattr(mlp, name) for name in self.reads], dtype=float)

    def rates(self, learning_rates, first_step, settings):
        """The numbers that each step has to itself.

        Parameters
        ----------
        learning_rates : ndarray of shape (n_steps,)
            The learning rates of some steps in a row.
        first_step : int
            How many steps were made before them.
        settings : ndarray
            What `settings` has returned.

        Returns
        -------
        rates : ndarray of shape (n_steps, n_rates), C-contiguous
            What the update rule reads, step by step.
        """
        return learning_rates.reshape(-1, 1)

    def is_like(self, other):
        """Whether the other is of the same kind, with the same parameters."""
        return type(self) is type(other) and self.get_params() == other.get_params()


class SGD(Optimizer):
    """Stochastic gradient descent with the estimator's momentum."""

    update, n_moments, reads = update_sgd, 1, ("momentum", "nesterovs_momentum")


class Adam(Optimizer):
    """Kingma and Ba's optimizer, with epsilon beside the uncorrected denominator."""

    update, n_moments, reads = update_adam, 2, ("beta_1", "beta_2", "epsilon")

    def rates(self, learning_rates, first_step, settings):
        beta_1, beta_2, epsilon = settings
        t = steps(learning_rates, first_step)
        rates = np.empty((t.size, 2))
        of_m, of_v = bias_correction(beta_1, t), bias_correction(beta_2, t)
        rates[:, 0] = learning_rates * (np.sqrt(of_v) / of_m)
        rates[:, 1] = epsilon
        return rates


class AdamW(Adam):
    """Adam as PyTorch has it, with epsilon beside the corrected denominator.

    ``sqrt(v / c) + epsilon`` is ``(sqrt(v) + epsilon * sqrt(c)) / sqrt(c)``, so that
    the update rule is the same.
    """

    weight_decay = 0.01

    def rates(self, learning_rates, first_step, settings):
        rates = super().rates(learning_rates, first_step, settings)
        t = steps(learning_rates, first_step)
        rates[:, 1] *= np.sqrt(bias_correction(settings[1], t))
        return rates


class NAdam(Optimizer):
    """Adam with Nesterov's momentum, which grows with the steps [1]_, as in PyTorch.

    References
    ----------
    .. [1] T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop.
    """

    update, n_moments, reads = update_nadam, 2, ("beta_1", "beta_2", "epsilon")
    momentum_decay = 4e-3

    def rates(self, learning_rates, first_step, settings):
        beta_1, beta_2, epsilon = settings
        n_steps = first_step + learning_rates.size
        t = np.arange(1, n_steps + 2)
        momenta = beta_1 * (1 - 0.5 * 0.96 ** (t * self.momentum_decay))
        unbiased = 1 - np.cumprod(momenta)
        now, ahead = slice(first_step, n_steps), slice(first_step + 1, None)
        correction = np.sqrt(bias_correction(beta_2, t[now]))
        plain = learning_rates * correction * (1 - momenta[now]) / unbiased[now]
        rate = learning_rates * correction * momenta[ahead] / unbiased[ahead]
        return np.column_stack([plain, rate, epsilon * correction])


class _Own(Optimizer):
    """An optimizer whose settings are its own parameters."""

    def settings(self, mlp):
        self._validate_params()
        return super().settings(self)


class RMSprop(_Own):
    """Divide the gradient by the root mean square of its recent values.

    Parameters
    ----------
    rho : float, default=0.99
        Decay of the mean of the squared gradients, in [0, 1).
    epsilon : float, default=1e-8
        Added to the denominator.

    See Also
    --------
    sknn.MLPClassifier : Takes it as its ``solver``.

    References
    ----------
    .. [1] T. Tieleman and G. Hinton, "Lecture 6.5: rmsprop", COURSERA: Neural Networks
       for Machine Learning, 2012.

    Examples
    --------
    >>> from sknn import MLPClassifier
    >>> from sknn.optimizers import RMSprop
    >>> MLPClassifier(solver=RMSprop(rho=0.9)).get_params()["solver__rho"]
    0.9
    """

    update, n_moments, reads = update_rmsprop, 1, ("rho", "epsilon")
    _parameter_constraints: dict = {"rho": _A_DECAY, "epsilon": _POSITIVE}

    def __init__(self, rho=0.99, epsilon=1e-8):
        self.rho = rho
        self.epsilon = epsilon


class Adagrad(_Own):
    """Divide the gradient by the root of the sum of all its squares so far.

    It wants a larger learning rate than others do, such as 0.01 or 0.1.

    Parameters
    ----------
    epsilon : float, default=1e-10
        Added to the denominator.

    See Also
    --------
    sknn.MLPClassifier : Takes it as its ``solver``.

    References
    ----------
    .. [1] J. Duchi, E. Hazan and Y. Singer, "Adaptive subgradient methods for online
       learning and stochastic optimization", JMLR 2011.

    Examples
    --------
    >>> from sknn import MLPRegressor
    >>> from sknn.optimizers import Adagrad
    >>> MLPRegressor(solver=Adagrad(epsilon=1e-6), learning_rate_init=0.1)
    MLPRegressor(learning_rate_init=0.1, solver=Adagrad(epsilon=1e-06))
    """

    update, n_moments, reads = update_adagrad, 1, ("epsilon",)
    _parameter_constraints: dict = {"epsilon": _POSITIVE}

    def __init__(self, epsilon=1e-10):
        self.epsilon = epsilon


class Lion(_Own):
    """Step by the sign of a running mean of the gradients.

    All weights move by the learning rate itself, which should be three to ten times
    smaller than Adam's therefore.

    Parameters
    ----------
    beta_1 : float, default=0.9
        Weight of the running mean in what the sign is taken of, in [0, 1).
    beta_2 : float, default=0.99
        Decay of the running mean, in [0, 1).

    See Also
    --------
    sknn.MLPClassifier : Takes it as its ``solver``.

    References
    ----------
    .. [1] X. Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS
       2023.

    Examples
    --------
    >>> from sknn import MLPClassifier
    >>> from sknn.optimizers import Lion
    >>> MLPClassifier(solver=Lion(beta_2=0.98), learning_rate_init=1e-4)
    MLPClassifier(learning_rate_init=0.0001, solver=Lion(beta_2=0.98))
    """

    update, n_moments, reads = update_lion, 1, ("beta_1", "beta_2")
    _parameter_constraints: dict = {"beta_1": _A_DECAY, "beta_2": _A_DECAY}

    def __init__(self, beta_1=0.9, beta_2=0.99):
        self.beta_1 = beta_1
        self.beta_2 = beta_2


def steps(learning_rates, first_step):
    """The numbers of these steps, from 1."""
    return np.arange(first_step + 1, first_step + learning_rates.size + 1)


def bias_correction(beta, t):
    """1 - beta**t, what t steps make of a moving average that begins with 0.

    It is 1 long before the power is too small for a number, which takes NumPy 20 times
    as long.
    """
    return 1 - beta ** np.minimum(t, 60 / (1 - beta))


OPTIMIZERS = {
    "lbfgs": Optimizer(),
    "sgd": SGD(),
    "adam": Adam(),
    "adamw": AdamW(),
    "nadam": NAdam(),
    "rmsprop": RMSprop(),
    "adagrad": Adagrad(),
    "lion": Lion(),
}


def as_optimizer(solver):
    """The optimizer that an estimator's ``solver`` names or is; None if it is none."""
    if isinstance(solver, Optimizer):
        if solver.update is None:
            raise ValueError(f"{solver} has no update rule, see docs/extending.rst.")
        return solver
    return OPTIMIZERS.get(solver) if isinstance(solver, str) else None


def is_stochastic(solver):
    """Whether a ``solver`` goes through minibatches."""
    optimizer = as_optimizer(solver)
    return optimizer is not None and optimizer.update is not None
