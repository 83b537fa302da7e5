"""A schedule says how the learning rate changes in the course of a fit.

Most are functions of progress, the share of all steps that are done; what they give are
factors of ``learning_rate_init``.  One goes by what the epochs have brought instead.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

_SHARE = [Interval(Real, 0, 1, closed="both")]
_POSITIVE_SHARE = [Interval(Real, 0, 1, closed="right")]
_INNER_SHARE = [Interval(Real, 0, 1, closed="neither")]


class Schedule(BaseEstimator):
    """What all schedules have, and a user's own may override."""

    _parameter_constraints: dict = {}

    def factors(self, progress):
        """Factors of the initial learning rate.

        Parameters
        ----------
        progress : ndarray of shape (n_steps,)
            Steps done before each of these steps over all steps, from 0 to 1.

        Returns
        -------
        factors : ndarray of shape (n_steps,)
            The factor of each step; 1 unless a subclass says otherwise.
        """
        return np.ones_like(progress)

    @property
    def spans_the_fit(self):
        """Whether it has an end, the last of ``max_iter`` epochs."""
        return type(self).factors is not Schedule.factors

    def after_epoch(self, rate, n_in_vain):
        """The rate that the factors are of from now on.

        Parameters
        ----------
        rate : float
            What it was: the initial learning rate at first.
        n_in_vain : int
            Epochs in a row up to this one without improvement.

        Returns
        -------
        rate : float
            What it shall be; unchanged unless a subclass says otherwise.
        """
        return rate


class Constant(Schedule):
    """The initial learning rate throughout."""


class Cosine(Schedule):
    """Fall along half a cosine wave.

    Parameters
    ----------
    final : float, default=0.0
        The last factor of ``learning_rate_init``, in [0, 1].

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm
       restarts", ICLR 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.schedules import Cosine
    >>> Cosine(final=0.1).factors(np.array([0.0, 0.5, 1.0]))
    array([1.  , 0.55, 0.1 ])
    """

    _parameter_constraints: dict = {"final": _SHARE}

    def __init__(self, final=0.0):
        self.final = final

    def factors(self, progress):
        """Factors of the initial learning rate."""
        return _half_wave(1, self.final, progress)


class FlatCos(Schedule):
    """Stay at the initial learning rate for half of the fit, then fall to 0.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.schedules import FlatCos
    >>> FlatCos().factors(np.array([0.0, 0.5, 0.75, 1.0]))
    array([1. , 1. , 0.5, 0. ])
    """

    def factors(self, progress):
        """Factors of the initial learning rate."""
        return _half_wave(1, 0, np.maximum(2 * progress - 1, 0))


class OneCycle(Schedule):
    """Rise to the initial learning rate, its largest here, and fall far below it.

    Both ways go along half a cosine wave.

    Parameters
    ----------
    rise : float, default=0.3
        Share of the fit that the rise takes, in (0, 1).
    start : float, default=0.04
        The first factor of ``learning_rate_init``, in [0, 1].
    final : float, default=0.0001
        The last one, in [0, 1].

    References
    ----------
    .. [1] L. N. Smith and N. Topin, "Super-convergence: very fast training of neural
       networks using large learning rates", 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.schedules import OneCycle
    >>> OneCycle(rise=0.5, start=0.2).factors(np.array([0.0, 0.25, 0.5, 1.0]))
    array([2.e-01, 6.e-01, 1.e+00, 1.e-04])
    """

    _parameter_constraints: dict = {
        "rise": _INNER_SHARE,
        "start": _SHARE,
        "final": _SHARE,
    }

    def __init__(self, rise=0.3, start=1 / 25, final=1e-4):
        self.rise = rise
        self.start = start
        self.final = final

    def factors(self, progress):
        """Factors of the initial learning rate."""
        up = _half_wave(self.start, 1, progress / self.rise)
        down = _half_wave(1, self.final, (progress - self.rise) / (1 - self.rise))
        return np.where(progress < self.rise, up, down)


class Exponential(Schedule):
    """Fall by the same share in every step.

    Parameters
    ----------
    final : float, default=0.01
        The last factor of ``learning_rate_init``, in (0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.schedules import Exponential
    >>> Exponential().factors(np.array([0.0, 0.5, 1.0]))
    array([1.  , 0.1 , 0.01])
    """

    _parameter_constraints: dict = {"final": _POSITIVE_SHARE}

    def __init__(self, final=0.01):
        self.final = final

    def factors(self, progress):
        """Factors of the initial learning rate."""
        return self.final**progress


class CosLog4(Schedule):
    """Four waves from 0 to 1 and back, each twice as long as the one before.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.schedules import CosLog4
    >>> CosLog4().factors(np.array([0.0, 1 / 15, 1.0])).round(12)
    array([0., 0., 0.])
    """

    def factors(self, progress):
        """Factors of the initial learning rate."""
        return _half_wave(0, 1, 2 * np.log2(1 + 15 * progress))


class Warmup(Schedule):
    """Rise linearly from 0 to another schedule, which takes the rest of the fit.

    Parameters
    ----------
    schedule : str, schedule or callable, default="constant"
        What comes after the rise; any of those that depend on progress, or
        "reduce_on_plateau".
    fraction : float, default=0.05
        Share of the fit that the rise takes, in (0, 1).

    Examples
    --------
    >>> import numpy as np
    >>> from sknn.schedules import Warmup
    >>> Warmup("cosine", fraction=0.5).factors(np.array([0.0, 0.25, 0.5, 0.75, 1.0]))
    array([0. , 0.5, 1. , 0.5, 0. ])
    """

    _parameter_constraints: dict = {"fraction": _INNER_SHARE}

    def __init__(self, schedule="constant", fraction=0.05):
        self.schedule = schedule
        self.fraction = fraction

    def factors(self, progress):
        """Factors of the initial learning rate."""
        rest = np.maximum((progress - self.fraction) / (1 - self.fraction), 0)
        factors = as_schedule(self.schedule).factors(rest)
        return np.minimum(progress / self.fraction, 1) * factors

    def after_epoch(self, rate, n_in_vain):
        """The rate that the factors are of from now on."""
        return as_schedule(self.schedule).after_epoch(rate, n_in_vain)

    def _validate_params(self):
        super()._validate_params()
        as_schedule(self.schedule)


class ReduceOnPlateau(Schedule):
    """Reduce the learning rate whenever too many epochs have brought nothing.

    What counts is what stops a fit: the score of the validation set, where there is
    one, else the loss, either with the estimator's ``tol``.  The fit stops after
    ``n_iter_no_change`` such epochs all the same, so that has to be larger.

    Parameters
    ----------
    factor : float, default=0.1
        What the learning rate is multiplied by, in (0, 1).
    patience : int, default=5
        Epochs in a row without improvement that are borne.
    min_rate : float, default=1e-6
        The learning rate is not reduced to less than this.

    Examples
    --------
    >>> from sknn.schedules import ReduceOnPlateau
    >>> schedule = ReduceOnPlateau(factor=0.5, patience=2)
    >>> [schedule.after_epoch(1.0, n_in_vain) for n_in_vain in range(4)]
    [1.0, 1.0, 1.0, 0.5]
    """

    _parameter_constraints: dict = {
        "factor": _INNER_SHARE,
        "patience": [Interval(Integral, 0, None, closed="left")],
        "min_rate": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, factor=0.1, patience=5, min_rate=1e-6):
        self.factor = factor
        self.patience = patience
        self.min_rate = min_rate

    def after_epoch(self, rate, n_in_vain):
        """The rate that the factors are of from now on."""
        if n_in_vain == 0 or n_in_vain % (self.patience + 1):
            return rate
        return min(rate, max(rate * self.factor, self.min_rate))


class Function(Schedule):
    """The schedule of a user's function, from a progress to a factor."""

    def __init__(self, function):
        self.function = function

    def factors(self, progress):
        """Factors of the initial learning rate."""
        return np.array([float(self.function(t)) for t in progress.tolist()])


def _half_wave(start, end, t):
    """From ``start`` to ``end`` along a cosine, for ``t`` from 0 to 1."""
    return end + (start - end) * 0.5 * (1 + np.cos(np.pi * t))


SCHEDULES = {
    "constant": Constant(),
    "cosine": Cosine(),
    "flat_cos": FlatCos(),
    "one_cycle": OneCycle(),
    "exponential": Exponential(),
    "coslog4": CosLog4(),
    "reduce_on_plateau": ReduceOnPlateau(),
}


def is_function(value):
    """Whether it can be called to get a factor; a class is a forgotten ``()``."""
    return callable(value) and not isinstance(value, type)


def as_schedule(value):
    """The schedule that a ``learning_rate`` names, is, or calls.

    Parameters
    ----------
    value : str, schedule or callable
        A name in `SCHEDULES`, a `Schedule`, or a function from a progress to a factor.

    Returns
    -------
    schedule : Schedule
        The schedule, whose parameters are good.

    Raises
    ------
    ValueError
        If it is none of these, or if a parameter of it is bad.
    """
    if isinstance(value, str) and value in SCHEDULES:
        return SCHEDULES[value]
    if isinstance(value, Schedule):
        value._validate_params()
        return value
    if is_function(value):
        return Function(value)
    raise ValueError(
        f"A schedule must be a str among {list(SCHEDULES)}, a schedule or a callable. "
        f"Got {value!r} instead."
    )


def checked_factors(schedule, progress):
    """The factors of these steps; a user's function can return anything."""
    factors = np.broadcast_to(schedule.factors(progress), progress.shape)
    good = np.isfinite(factors) & (factors >= 0)
    if not good.all():
        bad = np.argmin(good)
        raise ValueError(
            "A schedule must give finite, non-negative factors of the learning rate. "
            f"Got {factors[bad]} at a progress of {progress[bad]}."
        )
    return factors
