"""Training decides how to go on: the epochs, the learning rate, when to stop, L-BFGS.

All of it is ordinary Python round one compiled call per epoch.
"""

import warnings
from dataclasses import dataclass, field

import numpy as np
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.optimize import _check_optimize_result

from .losses import SQUARED_ERROR
from .network import run_epoch, workspace
from .optimizers import HYPER, N_MOMENTS, OPTIMIZERS
from .params import layer_units, views, zeros

# Below this rate an adaptive schedule stops the fit instead of dividing once more.
SMALLEST_RATE = 1e-6


@dataclass
class Progress:
    """What the fits of one estimator have seen so far, in scikit-learn's words."""

    n_iter: int = 0
    t: int = 0
    loss: float = np.inf
    loss_curve: list = field(default_factory=list)
    best_loss: float | None = np.inf
    validation_scores: list | None = None
    best_validation_score: float | None = None
    no_improvement_count: int = 0


@dataclass
class OptimizerState:
    """What an optimizer carries from one minibatch, or one partial_fit, to the next.

    Its settings are those of the estimator when it was made; only alpha is read anew.
    """

    solver: str
    layer_units: list
    hyper: np.ndarray
    moments: np.ndarray
    schedule: str
    learning_rate_init: float
    power_t: float
    learning_rate: float
    n_steps: int = 0


def hyper_record(mlp, dtype):
    """The numbers of the update rule, as the kernels read them."""
    return np.array(
        [
            (
                OPTIMIZERS[mlp.solver],
                mlp.alpha,
                mlp.momentum,
                mlp.nesterovs_momentum,
                mlp.beta_1,
                mlp.beta_2,
                max(mlp.epsilon, np.finfo(dtype).tiny),
            )
        ],
        dtype=HYPER,
    )


def optimizer_state(mlp, network):
    """A fresh state for ``mlp.solver`` and this network."""
    params, n_moments = network.params, N_MOMENTS[mlp.solver]
    moments = zeros(n_moments * params.size, params.dtype)
    return OptimizerState(
        solver=mlp.solver,
        layer_units=layer_units(views(params, network.layers)[0]),
        hyper=hyper_record(mlp, params.dtype),
        moments=moments.reshape(n_moments, params.size),
        schedule=mlp.learning_rate,
        learning_rate_init=float(mlp.learning_rate_init),
        power_t=mlp.power_t,
        learning_rate=float(mlp.learning_rate_init),
    )


def fit_stochastic(
    mlp, network, samples, rows, random_state, progress, optimizer,
    score=None, max_iter=None,
):  # fmt: skip
    """Train by minibatches over ``rows`` of the samples until a stopping rule holds.

    ``network.params``, ``progress`` and ``optimizer`` are written in place.  With a
    ``score`` (a function of nothing, better when larger) the parameters end up as
    they were when it was best.  ``max_iter`` epochs without the warning that they
    were too few; by default ``mlp.max_iter`` with it.
    """
    batch_size = clipped_batch_size(mlp.batch_size, rows.size)
    work = workspace(network.layers, batch_size, network.params.dtype)
    best_params = network.params.copy() if score else None
    optimizer.hyper["alpha"] = mlp.alpha
    progress.n_iter = 0
    try:
        for _ in range(max_iter or mlp.max_iter):
            if mlp.shuffle:
                rows = shuffled(rows, random_state)
            rates = step_rates(optimizer, -(-rows.size // batch_size))
            loss, penalty = run_epoch(
                network.params, network.layers, samples, rows, batch_size,
                network.loss, optimizer.hyper[0], rates, optimizer.moments, work,
            )  # fmt: skip
            optimizer.n_steps += rates.size
            record_loss(mlp, progress, mean_loss(network, loss) + penalty, rows.size)
            if score:
                record_score(mlp, network, progress, score(), best_params)
            else:
                count_improvement(mlp, progress)
            schedule_rate(optimizer, progress.t)
            if np.isnan(progress.loss) or is_finished(mlp, progress, optimizer):
                break
            if progress.n_iter == mlp.max_iter and max_iter is None:
                warn_not_converged(mlp)
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=2)
    if score:
        network.params[:] = best_params


def clipped_batch_size(batch_size, n_samples):
    """Rows in a minibatch, for scikit-learn's ``batch_size``."""
    if batch_size == "auto":
        return min(200, n_samples)
    if batch_size > n_samples:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than "
            "sample size. It is going to be clipped",
            stacklevel=2,
        )
    return int(np.clip(batch_size, 1, n_samples))


def shuffled(rows, random_state):
    """``sklearn.utils.shuffle``, draw for draw, without the cost of its checks."""
    order = np.arange(rows.size)
    random_state.shuffle(order)
    return rows[order]


def step_rates(optimizer, n_steps):
    """The learning rate of each step of the coming epoch."""
    if optimizer.solver != "adam":
        return np.full(n_steps, optimizer.learning_rate)
    hyper = optimizer.hyper[0]
    t = optimizer.n_steps + np.arange(1, n_steps + 1)
    correction = np.sqrt(1 - hyper["beta_2"] ** t) / (1 - hyper["beta_1"] ** t)
    return optimizer.learning_rate_init * correction


def mean_loss(network, loss):
    """scikit-learn's loss of a sample: squared errors are a mean over the outputs."""
    if network.loss == SQUARED_ERROR:
        return loss / int(network.layers[-1]["fan_out"])
    return loss


def record_loss(mlp, progress, loss, n_samples):
    """Take note of a finished epoch."""
    loss = np.float64(loss)
    progress.n_iter += 1
    progress.t += n_samples
    progress.loss = loss
    progress.loss_curve.append(loss)
    if mlp.verbose:
        print(f"Iteration {progress.n_iter}, loss = {loss:.8f}")


def record_score(mlp, network, progress, score, best_params):
    """Take note of a validation score, and of the parameters if it is the best."""
    progress.validation_scores.append(score)
    if mlp.verbose:
        print(f"Validation score: {score:f}")
    improved = not score < progress.best_validation_score + mlp.tol
    progress.no_improvement_count = 0 if improved else progress.no_improvement_count + 1
    if score > progress.best_validation_score:
        progress.best_validation_score = score
        best_params[:] = network.params


def count_improvement(mlp, progress):
    """Count the epochs since the training loss last fell by more than ``tol``."""
    improved = not progress.loss > progress.best_loss - mlp.tol
    progress.no_improvement_count = 0 if improved else progress.no_improvement_count + 1
    if progress.loss < progress.best_loss:
        progress.best_loss = progress.loss


def schedule_rate(optimizer, t):
    """Set the learning rate of the next epoch; only sgd has a schedule."""
    if optimizer.solver == "sgd" and optimizer.schedule == "invscaling":
        decay = (t + 1) ** optimizer.power_t
        optimizer.learning_rate = optimizer.learning_rate_init / decay


def is_finished(mlp, progress, optimizer):
    """Whether too many epochs brought nothing; an adaptive rate is divided first."""
    if progress.no_improvement_count <= mlp.n_iter_no_change:
        return False
    adaptive = optimizer.solver == "sgd" and optimizer.schedule == "adaptive"
    if not adaptive:
        return explain(mlp, " Stopping.")
    if optimizer.learning_rate <= SMALLEST_RATE:
        return explain(mlp, " Learning rate too small. Stopping.")
    optimizer.learning_rate /= 5.0
    progress.no_improvement_count = 0
    return not explain(mlp, f" Setting learning rate to {optimizer.learning_rate:f}")


def explain(mlp, consequence):
    """Print which rule has fired; returns True, for it has."""
    if mlp.verbose:
        what = "Validation score" if mlp.early_stopping else "Training loss"
        print(
            f"{what} did not improve more than tol={mlp.tol:f} for "
            f"{mlp.n_iter_no_change} consecutive epochs.{consequence}"
        )
    return True


def warn_not_converged(mlp):
    """Say that the epochs ran out."""
    warnings.warn(
        f"Stochastic Optimizer: Maximum iterations ({mlp.max_iter}) "
        "reached and the optimization hasn't converged yet.",
        ConvergenceWarning,
        stacklevel=2,
    )


def fit_lbfgs(mlp, network, samples, progress):
    """Minimise the loss over all samples by L-BFGS; ``network.params`` in place."""
    n_samples = samples.targets.shape[0]
    rows = np.arange(n_samples)
    dtype = network.params.dtype
    work = workspace(network.layers, n_samples, dtype)
    hyper, no_moments = hyper_record(mlp, dtype)[0], np.zeros((0, 0), dtype)
    weight = samples.weights.sum() if samples.weights.size else n_samples
    if weight == 0:
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    coefs, _ = views(network.params, network.layers)
    coef_grads, _ = views(work.grads, network.layers)

    def loss_and_grad(x):
        # With several outputs the reported loss is a mean over them, its gradient
        # that of a sum: the line search needs the two to agree.
        network.params[:] = x
        loss, penalty = run_epoch(
            network.params, network.layers, samples, rows, n_samples,
            network.loss, hyper, np.zeros(1), no_moments, work,
        )  # fmt: skip
        for coef, grad in zip(coefs, coef_grads, strict=True):
            grad += mlp.alpha * coef
        progress.loss = mean_loss(network, loss) + penalty
        return loss + penalty, work.grads / weight

    def report(_):
        progress.n_iter += 1
        print(f"Iteration {progress.n_iter}, loss = {progress.loss:.8f}")

    progress.n_iter = 0
    result = scipy.optimize.minimize(
        loss_and_grad,
        network.params.copy(),
        method="L-BFGS-B",
        jac=True,
        callback=report if mlp.verbose else None,
        options={"maxfun": mlp.max_fun, "maxiter": mlp.max_iter, "gtol": mlp.tol},
    )
    progress.n_iter = _check_optimize_result("lbfgs", result, mlp.max_iter)
    loss_and_grad(result.x)
