"""A loss measures outputs against targets, and owns the link that makes the outputs.

Most losses are written for one output and one target, as scalar functions that a loop
carries over a block of samples; only the softmax sees all outputs of a sample at once.
A block is a matrix with a row for each output and a column for each sample, so that
every loop runs along the samples; rows lie ``stride`` numbers apart.
"""

from ._jit import INTEGER, VECTOR, as_array, inlined, piece, piece_of
from ._llvm import at, load, prefer_wide_vectors, store
from .elementary import epsilon, exp, identity, log, logistic


class Loss:
    """The pieces of a loss.

    `link` turns weighted sums into outputs.  `train` does so too, and writes the
    weighted loss of each sample and its derivatives with respect to the sums.
    """

    def __init__(self, out_activation, link, train, is_mean=False):
        self.out_activation, self.link, self.train = out_activation, link, train
        self.is_mean = is_mean  # over the outputs, where others are a sum


@piece_of(VECTOR, VECTOR, INTEGER, INTEGER, INTEGER)
def link_each(link):
    """Outputs of n samples, each from its own weighted sum, in place."""

    def link_block(z, scratch, n_outputs, stride, n):
        prefer_wide_vectors()
        for j in range(n_outputs):
            row = as_array(at(z, j * stride), n)
            for i in range(n):
                row[i] = link(row[i])

    return link_block


TRAIN = (VECTOR, VECTOR, VECTOR, VECTOR, VECTOR, INTEGER, INTEGER, INTEGER)


@piece_of(*TRAIN)
def train_each(link, loss, derivative):
    """Outputs, losses and deltas of n samples for a loss summed over the outputs."""

    def train_block(z, targets, weights, deltas, losses, n_outputs, stride, n):
        prefer_wide_vectors()
        weights, losses = as_array(weights, n), as_array(losses, n)
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
                losses[i] += weights[i] * loss(output, target[i])
                delta[i] = weights[i] * derivative(output, target[i])

    return train_block


@inlined
def difference(output, target):
    """The derivative with respect to the sum, where loss and link are canonical."""
    return output - target


@inlined
def half_squared_error(output, target):
    error = target - output
    return type(output)(0.5) * error * error


@inlined
def half_poisson_deviance(output, target):
    """The logarithm of the likelihood; y log y counts as 0 where y is 0."""
    T = type(output)
    ratio = target / output if target > T(0) else T(1)
    return target * log(ratio) - target + output


@inlined
def log_loss_of_label(output, target):
    """Minus the logarithm of the probability of what the label is, 0 or 1."""
    T = type(output)
    return -log(_clip(output if target > T(0) else T(1) - output))


@inlined
def _clip(p):
    """Keep the logarithm finite, as scikit-learn does; NaN stays NaN."""
    T = type(p)
    p = epsilon(p) if p < epsilon(p) else p
    return T(1) - epsilon(p) if p > T(1) - epsilon(p) else p


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


@piece(VECTOR, VECTOR, INTEGER, INTEGER, INTEGER)
def link_classes(z, scratch, n_outputs, stride, n):
    """Probabilities of the classes for n samples, in place."""
    prefer_wide_vectors()
    _softmax(z, scratch, n_outputs, stride, n)


@piece(*TRAIN)
def train_classes(z, targets, weights, deltas, losses, n_outputs, stride, n):
    """Probabilities, log-losses and deltas of n samples of one class each."""
    prefer_wide_vectors()
    _softmax(z, losses, n_outputs, stride, n)
    weights, losses = as_array(weights, n), as_array(losses, n)
    for j in range(n_outputs):
        row, delta = as_array(at(z, j * stride), n), as_array(at(deltas, j * stride), n)
        for i in range(n):
            delta[i] = weights[i] * row[i]
    for i in range(n):
        of_class = int(load(targets, i)) * stride + i
        losses[i] = load(z, of_class)
        store(deltas, of_class, load(deltas, of_class) - weights[i])
    for i in range(n):
        losses[i] = -log(_clip(losses[i])) * weights[i]


SQUARED_ERROR, POISSON = "squared_error", "poisson"
BINARY_CROSS_ENTROPY, CROSS_ENTROPY = "binary_cross_entropy", "cross_entropy"
LOSSES = {
    SQUARED_ERROR: Loss(
        "identity",
        link_each(identity),
        train_each(identity, half_squared_error, difference),
        is_mean=True,
    ),
    POISSON: Loss(
        "exp", link_each(exp), train_each(exp, half_poisson_deviance, difference)
    ),
    BINARY_CROSS_ENTROPY: Loss(
        "logistic",
        link_each(logistic),
        train_each(logistic, log_loss_of_label, difference),
    ),
    CROSS_ENTROPY: Loss("softmax", link_classes, train_classes),
}
REGRESSION_LOSSES = [SQUARED_ERROR, POISSON]
OF_OUT_ACTIVATION = {loss.out_activation: name for name, loss in LOSSES.items()}
