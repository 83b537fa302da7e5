"""A loss measures outputs against targets; its link makes outputs of weighted sums.

What a loss has of settings it gives to its pieces as numbers: another ``delta``
compiles nothing again.
"""

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from .elementary import exp, identity, logistic
from .loss_pieces import (
    certain,
    difference,
    direction,
    distance,
    gamma_slope,
    half_gamma_deviance,
    half_poisson_deviance,
    half_squared_error,
    half_tweedie_deviance,
    huber,
    huber_slope,
    log_cosh,
    log_cosh_slope,
    log_loss_of_label,
    log_loss_of_smooth_label,
    pinball,
    pinball_slope,
    smooth_label_slope,
    spread,
    squared_error_slope,
    train_classes,
    train_each,
    train_own,
    train_quantiles,
    tweedie_slope,
)
from .parameters import Parametrized


class Loss(Parametrized):
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
    _of_certain_classes = train_classes(certain)
    _of_smooth_classes = train_classes(spread)

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
        return train_own(self.loss, self.derivative, self.link)


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
