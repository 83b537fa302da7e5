"""A loss measures outputs against targets; its link makes outputs of weighted sums.

Most losses are written for one output and one target, as scalar functions that a loop
carries over a block of samples; only the softmax and the quantiles see all outputs of a
sample at once.  A block is a matrix with a row for each output and a column for each
sample, so that every loop runs along the samples; rows lie ``stride`` numbers apart.

What a loss has of settings it gives to its pieces as numbers: another ``delta``
compiles nothing again.
"""

from functools import cache, partial
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from ._jit import (
    INTEGER,
    SETTINGS,
    VECTOR,
    as_array,
    inlined,
    piece,
    piece_of,
    subroutine,
)
from ._llvm import at, load, prefer_wide_vectors, store
from .elementary import at_least_tiny, epsilon, exp, identity, log, logistic, tanh

LINK = (VECTOR, VECTOR, SETTINGS, INTEGER, INTEGER, INTEGER)
TRAIN = (VECTOR, VECTOR, VECTOR, VECTOR, VECTOR, SETTINGS, INTEGER, INTEGER, INTEGER)


# The loops round the scalar functions


@piece_of(*LINK)
def link_each(link):
    """Outputs of n samples, each from its own weighted sum, in place."""

    def link_block(z, scratch, settings, n_outputs, stride, n):
        prefer_wide_vectors()
        for j in range(n_outputs):
            row = as_array(at(z, j * stride), n)
            for i in range(n):
                row[i] = link(row[i])

    return link_block


@piece_of(*TRAIN)
def train_each(link, loss, derivative):
    """Losses and deltas of n samples for a loss summed over the outputs.

    `loss` and `derivative`, which is that with respect to the sum, are functions of an
    output, a target and, if they like, the first of the settings.
    """
    loss, derivative = _of_setting(loss), _of_setting(derivative)

    def train_block(
        z, targets, weights, deltas, losses, settings, n_outputs, stride, n
    ):
        prefer_wide_vectors()
        weights, losses = as_array(weights, n), as_array(losses, n)
        setting = losses.dtype.type(load(settings, 0))
        for i in range(n):
            losses[i] = 0
        for j in range(n_outputs):
            sums, delta = (
                as_array(at(z, j * stride), n),
                as_array(at(deltas, j * stride), n),
            )
            target = as_array(at(targets, j * stride), n)
            for i in range(n):
                output = link(sums[i])
                losses[i] += weights[i] * loss(output, target[i], setting)
                delta[i] = weights[i] * derivative(output, target[i], setting)

    return train_block


def _of_setting(function):
    """``function`` as one of an output, a target and a setting."""
    if function.py_func.__code__.co_argcount == 3:
        return function
    return inlined(lambda output, target, setting: function(output, target))


# Squared error


@inlined
def difference(output, target):
    """The derivative with respect to the sum, where loss and link are canonical."""
    return output - target


@inlined
def half_squared_error(output, target):
    error = target - output
    return type(output)(0.5) * error * error


# Errors that do not grow faster than linearly


@inlined
def distance(output, target):
    return abs(output - target)


@inlined
def direction(output, target):
    """The sign of the error; 0 where there is none, NaN where it is."""
    T, error = type(output), output - target
    sign = T(1) if error > T(0) else error
    return T(-1) if error < T(0) else sign


@inlined
def huber(output, target, delta):
    """Half the squared error up to ``delta``, and from there on its tangent."""
    error = abs(output - target)
    bounded = delta if error > delta else error
    return bounded * (error - type(output)(0.5) * bounded)


@inlined
def huber_slope(output, target, delta):
    error = output - target
    error = delta if error > delta else error
    return -delta if error < -delta else error


@inlined
def log_cosh(output, target):
    """log(cosh(error)) as log(1 + sinh**2) / 2 or, where that overflows, without."""
    T, error = type(output), abs(output - target)
    t, small = tanh(error), error < T(0.5)
    logarithm = _log1p(t * t / (T(1) - t * t) if small else t)
    return T(0.5) * logarithm if small else error - logarithm


@inlined
def log_cosh_slope(output, target):
    return tanh(output - target)


@inlined
def _log1p(x):
    """log(1 + x) for x >= 0: the last term is what rounding 1 + x has lost."""
    T = type(x)
    y = T(1) + x
    return log(y) + (x - (y - T(1))) / y


@inlined
def pinball(output, target, level):
    """The smallest on average where the share ``level`` of the targets lies below."""
    T, error = type(output), output - target
    return -level * error if error < T(0) else (T(1) - level) * error


@inlined
def pinball_slope(output, target, level):
    T, error = type(output), output - target
    slope = T(1) - level if error > T(0) else error
    return -level if error < T(0) else slope


# Deviances, whose link is the exponential


@inlined
def half_poisson_deviance(output, target):
    """The logarithm of the likelihood; y log y counts as 0 where y is 0."""
    T = type(output)
    ratio = target / output if target > T(0) else T(1)
    return target * log(ratio) - target + output


@inlined
def half_gamma_deviance(output, target):
    T = type(output)
    ratio = target / output
    return (ratio - T(1)) - log(ratio)


@inlined
def gamma_slope(output, target):
    return type(output)(1) - target / output


@inlined
def half_tweedie_deviance(output, target, power):
    """Jorgensen's, for powers other than 0, 1 and 2."""
    T = type(output)
    a, b = T(1) - power, T(2) - power
    best = _power(target, b) if target > T(0) else T(0)
    output = at_least_tiny(output)  # 0 has no logarithm
    return best / (a * b) - (target / a - output / b) * _power(output, a)


@inlined
def tweedie_slope(output, target, power):
    T, positive = type(output), at_least_tiny(output)
    return (positive - target) * _power(positive, T(1) - power)


@partial(subroutine, forceinline=True)
def _power(x, exponent):
    """x**exponent, compiled once for all three calls, and put into their loop after."""
    return exp(exponent * log(x))


@inlined
def squared_error_slope(output, target):
    """The derivative of half the squared error with respect to log(output)."""
    return (output - target) * output


# Cross entropy of labels, each 0 or 1


@inlined
def log_loss_of_label(output, target):
    """Minus the logarithm of the probability of what the label is, 0 or 1."""
    T = type(output)
    return -log(_clip(output if target > T(0) else T(1) - output))


@inlined
def log_loss_of_smooth_label(output, target, smoothing):
    T, target = type(output), _smooth(target, smoothing)
    others = (T(1) - target) * log(_clip(T(1) - output))
    return -(target * log(_clip(output)) + others)


@inlined
def smooth_label_slope(output, target, smoothing):
    return output - _smooth(target, smoothing)


@inlined
def _smooth(target, smoothing):
    """A label that is not quite certain."""
    T = type(target)
    return target * (T(1) - smoothing) + T(0.5) * smoothing


@inlined
def _clip(p):
    """Keep the logarithm finite, as scikit-learn does; NaN stays NaN."""
    T = type(p)
    p = epsilon(p) if p < epsilon(p) else p
    return T(1) - epsilon(p) if p > T(1) - epsilon(p) else p


# Cross entropy of classes.  Settings: the smoothing, the number of groups, where each
# group of outputs starts, and where the last one stops.


@piece(*LINK)
def link_classes(z, scratch, settings, n_outputs, stride, n):
    """Probabilities of the classes of each group for n samples, in place."""
    prefer_wide_vectors()
    for group in range(int(load(settings, 1))):
        start, stop = _group(settings, group)
        _softmax(at(z, start * stride), scratch, stop - start, stride, n)


@piece_of(*TRAIN)
def train_classes(smooth):
    """Log-losses and deltas of n samples of one class in each group."""

    def train_block(
        z, targets, weights, deltas, losses, settings, n_outputs, stride, n
    ):
        prefer_wide_vectors()
        losses = as_array(losses, n)
        smoothing = losses.dtype.type(load(settings, 0))
        for i in range(n):
            losses[i] = 0
        for group in range(int(load(settings, 1))):
            start, stop = _group(settings, group)
            p, delta = at(z, start * stride), at(deltas, start * stride)
            of_class, n_classes = at(targets, group * stride), stop - start
            _softmax(p, delta, n_classes, stride, n)
            _weigh(p, weights, delta, n_classes, stride, n)
            certainty = smooth(
                p, weights, delta, losses, smoothing, n_classes, stride, n
            )
            _train_class(p, of_class, weights, delta, losses, certainty, stride, n)

    return train_block


@inlined
def _group(settings, group):
    """The first output of a group, and the first one after it."""
    return int(load(settings, 2 + group)), int(load(settings, 3 + group))


@inlined
def _weigh(p, weights, deltas, n_classes, stride, n):
    """The part of the deltas that does not depend on the classes."""
    weights = as_array(weights, n)
    for j in range(n_classes):
        row, delta = as_array(at(p, j * stride), n), as_array(at(deltas, j * stride), n)
        for i in range(n):
            delta[i] = weights[i] * row[i]


@inlined
def _train_class(p, targets, weights, deltas, losses, share, stride, n):
    """Give the class its share of the target."""
    targets, weights, of_class = (
        as_array(targets, n),
        as_array(weights, n),
        as_array(p, n),
    )
    for i in range(n):
        place = int(targets[i]) * stride + i
        of_class[i] = load(p, place)
        store(deltas, place, load(deltas, place) - share * weights[i])
    for i in range(n):
        losses[i] -= log(_clip(of_class[i])) * weights[i] * share


@inlined
def _certain(p, weights, deltas, losses, smoothing, n_classes, stride, n):
    """Give the class the whole of the target."""
    return type(smoothing)(1)


@inlined
def _spread(p, weights, deltas, losses, smoothing, n_classes, stride, n):
    """Give all classes alike their share of the target; returns what is left of it."""
    T = type(smoothing)
    share, weights = smoothing / T(n_classes), as_array(weights, n)
    for j in range(n_classes):
        row, delta = as_array(at(p, j * stride), n), as_array(at(deltas, j * stride), n)
        for i in range(n):
            delta[i] -= share * weights[i]
            losses[i] -= log(at_least_tiny(row[i])) * weights[i] * share
    return T(1) - smoothing


@inlined
def _softmax(z, scratch, n_outputs, stride, n):
    """Probabilities of the classes, from exponentials that cannot overflow."""
    first, scratch = as_array(z, n), as_array(scratch, n)
    for i in range(n):
        scratch[i] = first[i]
    for j in range(1, n_outputs):
        row = as_array(at(z, j * stride), n)
        for i in range(n):
            scratch[i] = row[i] if row[i] > scratch[i] else scratch[i]
    for j in range(n_outputs):
        row = as_array(at(z, j * stride), n)
        for i in range(n):
            row[i] = exp(row[i] - scratch[i])
    for i in range(n):
        scratch[i] = first[i]
    for j in range(1, n_outputs):
        row = as_array(at(z, j * stride), n)
        for i in range(n):
            scratch[i] += row[i]
    for j in range(n_outputs):
        row = as_array(at(z, j * stride), n)
        for i in range(n):
            row[i] /= scratch[i]


# Several quantiles of one target: each is the one before it and a softplus more, so
# that they cannot cross.  Settings: the levels.


@piece(*LINK)
def link_increasing(z, scratch, settings, n_outputs, stride, n):
    """Outputs of n samples that increase from each to the next, in place."""
    prefer_wide_vectors()
    for j in range(1, n_outputs):
        before, row = (
            as_array(at(z, (j - 1) * stride), n),
            as_array(at(z, j * stride), n),
        )
        for i in range(n):
            row[i] = before[i] + _softplus(row[i])


@piece(*TRAIN)
def train_quantiles(
    z, targets, weights, deltas, losses, settings, n_outputs, stride, n
):
    """Pinball losses and deltas of n samples."""
    prefer_wide_vectors()
    targets, weights = as_array(targets, n), as_array(weights, n)
    losses, above = as_array(losses, n), as_array(deltas, n)
    for j in range(1, n_outputs):
        before, row = (
            as_array(at(z, (j - 1) * stride), n),
            as_array(at(z, j * stride), n),
        )
        slope = as_array(at(deltas, j * stride), n)
        for i in range(n):
            slope[i] = logistic(row[i])
            row[i] = before[i] + _softplus(row[i])
    for i in range(n):
        losses[i], above[i] = 0, 0
    # from the last to the first: what raises a quantile raises those above it
    for j in range(n_outputs - 1, -1, -1):
        row, delta = as_array(at(z, j * stride), n), as_array(at(deltas, j * stride), n)
        level = losses.dtype.type(load(settings, j))
        for i in range(n):
            losses[i] += weights[i] * pinball(row[i], targets[i], level)
            above[i] += weights[i] * pinball_slope(row[i], targets[i], level)
        if j > 0:
            for i in range(n):
                delta[i] *= above[i]


@inlined
def _softplus(z):
    """log(1 + e**z)."""
    T = type(z)
    return (T(0) if z < T(0) else z) + _log1p(exp(-abs(z)))


# What makes outputs of sums, by the name of the outputs' activation.
LINKS = {
    "identity": link_each(identity),
    "exp": link_each(exp),
    "logistic": link_each(logistic),
    "softmax": link_classes,
    "increasing": link_increasing,
}


class Loss(BaseEstimator):
    """What kernels and estimators ask of a loss; subclasses say what is different.

    `LINKS` has the piece that turns weighted sums into outputs under `out_activation`.
    The piece `train` takes the sums, and writes the weighted loss of each sample and
    its derivatives with respect to them; what it leaves in their place is of no use.
    """

    _parameter_constraints: dict = {}
    out_activation = "identity"
    is_mean = False  # over the outputs, where others are a sum

    def settings(self, n_outputs):
        """Check the parameters, and give the numbers that the pieces read."""
        self._validate_params()
        return np.array(self._settings(n_outputs), dtype=np.float64)

    def _settings(self, n_outputs):
        return [0.0]  # the loop reads one, if only for others

    def n_outputs(self, n_targets):
        """How many outputs a network needs for so many columns of targets."""
        return n_targets

    def unsmoothed(self):
        """The loss for validation samples, whose targets are taken as they are."""
        return self

    def check_targets(self, y):
        """Raise a ValueError where the loss of these targets is not defined."""
        self._validate_params()


def _require_positive(y, loss, strictly):
    smallest = np.min(y)
    if smallest < 0 or (strictly and smallest == 0):
        kind = "positive" if strictly else "non-negative"
        raise ValueError(
            f"loss={loss} requires {kind} y, got a smallest value of {smallest}."
        )


class SquaredError(Loss):
    """Half the squared error, a mean over the outputs."""

    train = train_each(identity, half_squared_error, difference)
    is_mean = True


class AbsoluteError(Loss):
    """The absolute error: of all predictions the median has the smallest."""

    train = train_each(identity, distance, direction)


class LogCosh(Loss):
    """log(cosh(error)): a Huber loss of ``delta=1`` whose corner is smooth."""

    train = train_each(identity, log_cosh, log_cosh_slope)


class Poisson(Loss):
    """Half the Poisson deviance, with exponential outputs and for ``y >= 0``."""

    out_activation = "exp"
    train = train_each(exp, half_poisson_deviance, difference)

    def check_targets(self, y):
        """Raise a ValueError where y is negative."""
        _require_positive(y, "'poisson'", strictly=False)


class Gamma(Loss):
    """Half the gamma deviance, with exponential outputs and for ``y > 0``."""

    out_activation = "exp"
    train = train_each(exp, half_gamma_deviance, gamma_slope)

    def check_targets(self, y):
        """Raise a ValueError where y is not positive."""
        _require_positive(y, "'gamma'", strictly=True)


class Tweedie(Loss):
    """Half the Tweedie deviance, with exponential outputs.

    It belongs to distributions whose variance is proportional to
    ``mean ** power`` [1]_; between 1 and 2 these have a mass at zero, like the cost
    of the insurance claims of a year.

    Parameters
    ----------
    power : float, default=1.5
        0 is the normal distribution, 1 Poisson's, 2 the gamma distribution, 3 the
        inverse Gaussian; there is none between 0 and 1.  Targets must be
        non-negative from 1 on, and positive from 2 on.

    References
    ----------
    .. [1] B. Jorgensen, "Exponential dispersion models", Journal of the Royal
       Statistical Society B 49, 1987.

    Examples
    --------
    >>> from sknn.losses import Tweedie
    >>> Tweedie(power=1.9)
    Tweedie(power=1.9)
    """

    _parameter_constraints: dict = {
        "power": [
            Interval(Real, -np.inf, 0, closed="right"),
            Interval(Real, 1, np.inf, closed="left"),
        ]
    }
    out_activation = "exp"
    _of_power = {
        0: train_each(exp, half_squared_error, squared_error_slope),
        1: Poisson.train,
        2: Gamma.train,
    }
    _of_other_powers = train_each(exp, half_tweedie_deviance, tweedie_slope)

    def __init__(self, power=1.5):
        self.power = power

    @property
    def train(self):
        """The formula has no value for 0, 1 and 2, only limits."""
        return self._of_power.get(self.power, self._of_other_powers)

    def _settings(self, n_outputs):
        return [self.power]

    def check_targets(self, y):
        """Raise a ValueError where the deviance of y is not defined."""
        self._validate_params()
        if self.power >= 1:
            name = f"'tweedie' with power={self.power}"
            _require_positive(y, name, strictly=self.power >= 2)


class Huber(Loss):
    """Half the squared error, but linear in errors larger than ``delta``.

    Outliers pull no harder than an error of ``delta`` does [1]_.

    Parameters
    ----------
    delta : float, default=1.0
        Where the parabola ends and its tangent begins, in the unit of y.

    References
    ----------
    .. [1] P. J. Huber, "Robust estimation of a location parameter", The Annals of
       Mathematical Statistics 35, 1964.

    Examples
    --------
    >>> from sknn.losses import Huber
    >>> Huber(delta=2.0)
    Huber(delta=2.0)
    """

    _parameter_constraints: dict = {
        "delta": [Interval(Real, 0, np.inf, closed="neither")]
    }
    train = train_each(identity, huber, huber_slope)

    def __init__(self, delta=1.0):
        self.delta = delta

    def _settings(self, n_outputs):
        return [self.delta]


class Quantile(Loss):
    """The pinball loss, of which a quantile of the targets has the smallest [1]_.

    Parameters
    ----------
    level : float or array-like of shape (n_levels,), default=0.5
        The share of the targets that is to lie below the prediction, between 0 and 1;
        0.5 is the median.  Increasing levels give one output each for a y of one
        column, and the predicted quantiles do not cross: each is the one before it
        and something positive.

    References
    ----------
    .. [1] R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46, 1978.

    Examples
    --------
    >>> from sknn.losses import Quantile
    >>> Quantile([0.05, 0.5, 0.95]).n_outputs(1)
    3
    """

    _parameter_constraints: dict = {
        "level": [Interval(Real, 0, 1, closed="neither"), "array-like"]
    }
    _train_one = train_each(identity, pinball, pinball_slope)

    def __init__(self, level=0.5):
        self.level = level

    def _validate_params(self):
        super()._validate_params()
        levels = np.atleast_1d(np.asarray(self.level, dtype=float))
        edges = np.concatenate([[0], levels.ravel(), [1]])
        if levels.ndim != 1 or levels.size == 0 or not np.all(np.diff(edges) > 0):
            raise ValueError(
                "The levels of Quantile must be in the range (0.0, 1.0) and increase "
                f"from each to the next. Got {self.level!r} instead."
            )

    @property
    def out_activation(self):
        """What keeps several quantiles apart, or nothing."""
        return "increasing" if np.ndim(self.level) else "identity"

    @property
    def train(self):
        """One quantile of each target, or several of one."""
        return train_quantiles if np.ndim(self.level) else self._train_one

    def _settings(self, n_outputs):
        return np.atleast_1d(self.level)

    def n_outputs(self, n_targets):
        """One for each level, or for each target."""
        self._validate_params()
        if np.ndim(self.level) == 0:
            return n_targets
        if n_targets != 1:
            raise ValueError(
                f"A Quantile loss of several levels needs a y of one column, got "
                f"{n_targets}. Fit one network for each column, or give one level."
            )
        return len(self.level)


class BinaryCrossEntropy(Loss):
    """The log-loss of labels that are 0 or 1, summed over the labels.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        How uncertain the labels are: a 1 is taken for ``1 - label_smoothing / 2``, a 0
        for ``label_smoothing / 2``.
    """

    _parameter_constraints: dict = {
        "label_smoothing": [Interval(Real, 0, 1, closed="both")]
    }
    out_activation = "logistic"
    _of_certain_labels = train_each(logistic, log_loss_of_label, difference)
    _of_smooth_labels = train_each(
        logistic, log_loss_of_smooth_label, smooth_label_slope
    )

    def __init__(self, label_smoothing=0.0):
        self.label_smoothing = label_smoothing

    @property
    def train(self):
        """A piece of its own for soft labels, which take two logarithms."""
        if self.label_smoothing == 0:
            return self._of_certain_labels
        return self._of_smooth_labels

    def unsmoothed(self):
        """The loss of labels that are certain."""
        return BinaryCrossEntropy()

    def _settings(self, n_outputs):
        return [self.label_smoothing]


class CrossEntropy(Loss):
    """The log-loss of classes, summed over the targets.

    Parameters
    ----------
    label_smoothing : float, default=0.0
        The share of each target that is spread evenly over all its classes [1]_.
    n_classes : array-like of shape (n_targets,), default=None
        How many classes, and so outputs, each target has; None is one target whose
        classes are all the outputs.

    References
    ----------
    .. [1] C. Szegedy et al., "Rethinking the Inception architecture for computer
       vision", CVPR 2016.
    """

    _parameter_constraints: dict = {
        "label_smoothing": [Interval(Real, 0, 1, closed="both")],
        "n_classes": [None, "array-like"],
    }
    out_activation = "softmax"
    _of_certain_classes = train_classes(_certain)
    _of_smooth_classes = train_classes(_spread)

    def __init__(self, label_smoothing=0.0, n_classes=None):
        self.label_smoothing = label_smoothing
        self.n_classes = n_classes

    @property
    def train(self):
        """A piece of its own for smoothed targets, which take more logarithms."""
        if self.label_smoothing == 0:
            return self._of_certain_classes
        return self._of_smooth_classes

    def unsmoothed(self):
        """The loss of classes that are certain."""
        return CrossEntropy(n_classes=self.n_classes)

    def _settings(self, n_outputs):
        n_classes = [n_outputs] if self.n_classes is None else self.n_classes
        return [self.label_smoothing, len(n_classes), *np.cumsum([0, *n_classes])]

    def n_outputs(self, n_targets):
        """One for each class of each target."""
        if self.n_classes is None or len(self.n_classes) != n_targets:
            raise ValueError(
                f"n_classes of CrossEntropy must have one number for each of "
                f"{n_targets} targets. Got {self.n_classes!r} instead."
            )
        return int(np.sum(self.n_classes))


class PointwiseLoss(Loss):
    """A loss of your own, from a function of one output and one target.

    It is compiled by Numba at the first fit of each process, and summed over outputs.

    Parameters
    ----------
    loss : callable
        A function of an output and a target, both numbers, that Numba can compile;
        the loss that it returns should not be negative.
    derivative : callable
        The same for the derivative of the loss with respect to the output.
    link : {'identity', 'exp', 'logistic'}, default='identity'
        What makes outputs of the network's weighted sums: 'exp' makes them positive,
        'logistic' probabilities.

    Notes
    -----
    An estimator with such a loss can be pickled, and fitted in other processes, if the
    functions are defined in a module.

    Examples
    --------
    >>> from sknn.losses import PointwiseLoss
    >>> def squared_log_error(output, target):
    ...     return (np.log1p(output) - np.log1p(target)) ** 2
    >>> def derivative(output, target):
    ...     return 2 * (np.log1p(output) - np.log1p(target)) / (1 + output)
    >>> PointwiseLoss(squared_log_error, derivative, link="exp").out_activation
    'exp'
    """

    _parameter_constraints: dict = {
        "loss": [callable],
        "derivative": [callable],
        "link": [StrOptions({"identity", "exp", "logistic"})],
    }

    def __init__(self, loss, derivative, link="identity"):
        self.loss = loss
        self.derivative = derivative
        self.link = link

    @property
    def out_activation(self):
        """The link."""
        return self.link

    @property
    def train(self):
        """The piece for these functions, the same one for each copy of the loss."""
        self._validate_params()
        return _train_own(self.loss, self.derivative, self.link)


@cache
def _train_own(loss, derivative, link):
    """A piece that the cache on disk, which cannot see users' sources, leaves alone."""
    link, slope = _LINKS_OF_OWN[link]
    loss, derivative = _compiled(loss), _compiled(derivative)

    def chained(output, target):
        return derivative(output, target) * slope(output)

    return train_each(link, loss, subroutine(chained))


def _compiled(function):
    """A user's function, of Numba's or not, with the flags of this package."""
    return subroutine(getattr(function, "py_func", function))


@inlined
def _one(output):
    return type(output)(1)


@inlined
def _logistic_slope(output):
    return output * (type(output)(1) - output)


_LINKS_OF_OWN = {
    "identity": (identity, _one),
    "exp": (exp, identity),
    "logistic": (logistic, _logistic_slope),
}

SQUARED_ERROR, POISSON = "squared_error", "poisson"
BINARY_CROSS_ENTROPY, CROSS_ENTROPY = "binary_cross_entropy", "cross_entropy"
LOSSES = {
    SQUARED_ERROR: SquaredError(),
    POISSON: Poisson(),
    "absolute_error": AbsoluteError(),
    "gamma": Gamma(),
    "huber": Huber(),
    "log_cosh": LogCosh(),
    "quantile": Quantile(),
    "tweedie": Tweedie(),
    BINARY_CROSS_ENTROPY: BinaryCrossEntropy(),
    CROSS_ENTROPY: CrossEntropy(),
}
REGRESSION_LOSSES = [
    name for name in LOSSES if name not in (BINARY_CROSS_ENTROPY, CROSS_ENTROPY)
]
# the first loss of those with the same link: what predicts needs no more than that
OF_OUT_ACTIVATION = {
    loss.out_activation: name for name, loss in reversed(LOSSES.items())
}


def loss_of(loss):
    """The loss of this name, or the loss itself if it is one."""
    return LOSSES[loss] if isinstance(loss, str) else loss
