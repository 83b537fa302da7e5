"""What losses are made of: links, losses and derivatives, and the loops round them.

Most losses are written for one output and one target, as scalar functions that a loop
carries over a block of samples; only the softmax and the quantiles see all outputs of a
sample at once.  A block is a matrix with a row for each output and a column for each
sample, so that every loop runs along the samples; rows lie ``stride`` numbers apart.
"""

from functools import cache

from ._jit import (
    INTEGER,
    SETTINGS,
    VECTOR,
    as_array,
    inlined,
    piece,
    piece_of,
    scalar,
    subroutine,
)
from ._llvm import at, load, prefer_wide_vectors, store
from .activations import logistic_slope
from .elementary import (
    at_least_tiny,
    epsilon,
    exp,
    identity,
    log,
    logistic,
    moderate_exp,
    softplus,
    tanh,
)
from .own_functions import compiled, warn_of_wrong_slope

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
    """log(cosh(error)) of small errors as log(1 + sinh**2) / 2, as exact as they are.

    Of others as error - log(1 + tanh(error)), which cannot overflow.
    """
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
    """How much more log-likelihood y itself has as a prediction; 0 log 0 is 0."""
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


@scalar
def _power(x, exponent):
    """x**exponent."""
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
def certain(p, weights, deltas, losses, smoothing, n_classes, stride, n):
    """Give the class the whole of the target."""
    return type(smoothing)(1)


@inlined
def spread(p, weights, deltas, losses, smoothing, n_classes, stride, n):
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
            row[i] = moderate_exp(row[i] - scratch[i])
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
            row[i] = before[i] + softplus(row[i])


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
            row[i] = before[i] + softplus(row[i])
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


# What makes outputs of sums, by the name of the outputs' activation.
LINKS = {
    "identity": link_each(identity),
    "exp": link_each(exp),
    "logistic": link_each(logistic),
    "softmax": link_classes,
    "increasing": link_increasing,
}


# A user's own


@cache
def train_own(loss, derivative, link):
    """A piece that the cache on disk, which cannot see users' sources, leaves alone."""
    link, slope = _LINKS_OF_OWN[link]
    points = [(0.3, 0.8), (0.6, 0.2), (0.9, 0.4), (0.2, 0.5)]  # in any link's range
    own_loss, own_derivative = compiled(loss, 2), compiled(derivative, 2)
    warn_of_wrong_slope(loss, derivative, points)

    def chained(output, target):
        return own_derivative(output, target) * slope(output)

    return train_each(link, own_loss, subroutine(chained))


@inlined
def _one(output):
    return type(output)(1)


_LINKS_OF_OWN = {
    "identity": (identity, _one),
    "exp": (exp, identity),
    "logistic": (logistic, logistic_slope),
}
