"""Training decides how to go on: the epochs, the learning rate, when to stop, L-BFGS.

All of it is ordinary Python round one compiled call per epoch, or per several epochs of
a small network.
"""

import warnings
from dataclasses import dataclass, field

import numpy as np
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.optimize import _check_optimize_result

from .monotonic import bounds, required_signs
from .optimizer_state import (
    Copied,
    follow_statistics,
    plan_steps,
    schedule_rate,
    steps_of_epochs,
)
from .params import parts
from .plans import EPOCHS_AHEAD, TrainingPlan
from .shuffling import Shuffler
from .team import Team, team_size

# Below this rate an adaptive schedule stops the fit instead of dividing once more.
SMALLEST_RATE = 1e-6
# Work for some tens of milliseconds, as long as an interrupt from the keyboard may
# wait, and samples whose order may be drawn for it: those of a megabyte.
FLOPS_AHEAD, SAMPLES_AHEAD = 1e9, 2**17


@dataclass
class Progress(Copied):
    """What the fits of one estimator have seen so far, in scikit-learn's words."""

    n_iter: int = 0
    t: int = 0
    loss: float = np.inf
    loss_curve: list = field(default_factory=list)
    best_loss: float | None = np.inf
    validation_scores: list | None = None
    validation_loss_curve: list | None = None
    best_validation_score: float | None = None
    best_n_iter: int | None = None
    no_improvement_count: int = 0


class StochasticFit:
    """A fit by minibatches over ``rows`` of the samples, epoch by epoch.

    ``network.params``, ``progress`` and ``optimizer`` are written in place.
    ``validation`` is a function of nothing that returns a score, better when larger,
    and a loss; with early stopping, the parameters that are `kept` are those of the
    best score, which the network gets in the `end`.  ``max_iter`` epochs without the
    warning that they were too few; by default ``mlp.max_iter`` with it.
    """

    def __init__(
        self, mlp, network, samples, rows, random_state, progress, optimizer,
        validation=None, max_iter=None,
    ):  # fmt: skip
        self.network, self.progress, self.optimizer = network, progress, optimizer
        self.validation = validation
        self._mlp, self._samples, self._losses = mlp, samples, []
        self._warns = max_iter is None
        self.n_epochs = max_iter or mlp.max_iter
        self._batch_size = clipped_batch_size(mlp.batch_size, rows.size)
        self._n_used = n_used_samples(network, rows.size, self._batch_size)
        self._n_steps = -(-self._n_used // self._batch_size)
        by_work = 1 + int(FLOPS_AHEAD / n_flops(network, self._n_used))
        by_order = 1 + SAMPLES_AHEAD // self._n_used
        self._most_ahead = min(EPOCHS_AHEAD, self.n_epochs, by_work, by_order)
        self._rows = rows
        self._shuffle = Shuffler(random_state, rows)
        self._seed = seed_for(network, random_state)
        self.kept = network.params.copy() if mlp.early_stopping else network.params
        progress.n_iter = 0

    def n_threads(self):
        """Threads to train in; the results are the same for any number."""
        return n_threads(self._mlp, self.network, self._batch_size, self._rows.size)

    def begin(self, team):
        """Get ready to train in the threads of a team."""
        mlp, optimizer = self._mlp, self.optimizer
        self._plan, groups = plan_steps(
            mlp, self.network, self._samples, self._batch_size, team, optimizer
        )
        numbers = groups, self._n_steps, self.n_epochs
        self._steps = steps_of_epochs(mlp, optimizer, *numbers)

    def run_epoch(self, ahead=False):
        """Train for an epoch; returns whether a rule says that it was the last.

        With ``ahead``, others may be trained with it where that makes no difference:
        their losses wait for the next calls.
        """
        mlp, network, progress = self._mlp, self.network, self.progress
        optimizer = self.optimizer
        if not self._losses:
            self._losses = self._train(ahead)
        loss, penalty = self._losses.pop(0)
        optimizer.n_steps += self._n_steps
        optimizer.n_epochs += 1
        follow_statistics(network, optimizer)
        record_loss(mlp, progress, mean_loss(network, loss) + penalty, self._n_used)
        if self.validation:
            record_validation(mlp, progress, *self.validation())
        if mlp.early_stopping:
            keep_best(mlp, network, progress, self.kept)
        else:
            count_improvement(mlp, progress)
        schedule_rate(optimizer, progress)
        return has_failed(progress) or is_finished(mlp, progress, optimizer)

    def _train(self, ahead):
        """Losses and penalties of the next epoch, and of others that come for sure."""
        numbers, n_known = next(self._steps)
        numbers["seed"] = self._seed + self.optimizer.n_steps
        n_epochs = min(n_known, self._n_undisturbed()) if ahead else 1
        orders = self._orders(n_epochs)
        return self._plan.run_epochs(orders, alpha=self._mlp.alpha, **numbers)

    def _orders(self, n_epochs):
        """The samples that coming epochs use, in the order of each."""
        if self._mlp.shuffle:
            orders = self._shuffle(n_epochs)
        else:
            orders = np.broadcast_to(self._rows, (n_epochs, self._rows.size))
        return orders[:, : self._n_used]

    def _n_undisturbed(self):
        """Epochs from now on between which there is nothing to decide or to say."""
        is_noisy = self.network.layers.architecture.is_noisy  # with a seed for each
        is_watched = self.validation or self._mlp.verbose
        if is_watched or is_noisy or not self.optimizer.foresees_rates:
            return 1
        n_bad = self.progress.no_improvement_count
        n_before_end = self._mlp.n_iter_no_change + 1 - n_bad
        return max(min(self._most_ahead, n_before_end), 1)

    def run(self, report=None):
        """Train until a rule, or ``report``, says that it is enough.

        After every epoch ``report`` is told the parameters that would be kept, and
        whether it was the last; True stops.
        """
        team = Team(self.n_threads())
        self.begin(team)
        try:
            with team:
                for _ in range(self.n_epochs):
                    finished = self.run_epoch(ahead=report is None)
                    if (report and report(self.kept, finished)) or finished:
                        break
                    self._warn_if_last()
        except KeyboardInterrupt:  # now no member is at work any more
            warnings.warn("Training interrupted by user.", stacklevel=2)
            self._losses += self._plan.take_results()  # where it came too soon
            while self._losses:
                self.run_epoch()
        self.end()

    def end(self):
        """Let the network have the parameters that are kept."""
        if self._mlp.early_stopping:
            check_scores(self.progress)
            self.network.params[:] = self.kept

    def _warn_if_last(self):
        is_last = self.progress.n_iter == self._mlp.max_iter and self._warns
        if is_last and not self.optimizer.ends_at_max_iter:
            warn_not_converged(self._mlp)


def n_threads(mlp, network, batch_size, n_samples):
    """Threads to train in; the results are the same for any number."""
    flops_of_step = n_flops(network, batch_size)
    return team_size(mlp.n_jobs, flops_of_step, n_samples / batch_size)


def n_flops(network, n_samples):
    """Floating-point operations of training on so many samples once, about."""
    return 6 * n_samples * network.params.size


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


def n_used_samples(network, n_samples, batch_size):
    """How many of the samples, shuffled, an epoch takes.

    Where minibatches are normalised, a last one of few samples would make noise of the
    statistics and ruin a deep network: it is left out.
    """
    if network.layers.architecture.normalization != "batch":
        return n_samples
    if batch_size == 1:
        raise ValueError(
            "normalization='batch' needs minibatches of more than one sample: one "
            "alone has no variance. Use a larger batch_size, more samples, or 'layer'."
        )
    rest = n_samples % batch_size
    few = n_samples > batch_size and (rest == 1 or 2 * rest < batch_size)
    return n_samples - rest if few else n_samples


def seed_for(network, random_state):
    """A seed for the noise of a fit, drawn only where there is some."""
    if not network.layers.architecture.is_noisy:
        return 0
    return int(random_state.randint(np.iinfo(np.int32).max))


def mean_loss(network, loss):
    """scikit-learn's loss of a sample: squared errors are a mean over the outputs."""
    if network.loss.is_mean:
        return loss / network.layers.architecture.units[-1]
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


def record_validation(mlp, progress, score, loss):
    """Take note of the score and the loss on the validation samples."""
    progress.validation_scores.append(score)
    progress.validation_loss_curve.append(loss)
    if mlp.verbose:
        print(f"Validation score: {score:f}")


def keep_best(mlp, network, progress, best_params):
    """Take note of the parameters, if their score is the best so far."""
    score = progress.validation_scores[-1]
    improved = score >= progress.best_validation_score + mlp.tol  # NaN is not
    progress.no_improvement_count = 0 if improved else progress.no_improvement_count + 1
    if score > progress.best_validation_score:
        progress.best_validation_score = score
        progress.best_n_iter = len(progress.validation_scores)
        best_params[:] = network.params


def check_scores(progress):
    """Refuse to call the initial weights the best where no score says anything."""
    scores = progress.validation_scores[-progress.n_iter :]
    if scores and np.isnan(scores).all():  # an interrupted fit may have none
        raise ValueError(
            "No validation score was a number, so that no epoch was better than "
            "another: the network diverged, or the scorer cannot score these samples "
            "(R² needs two of them)."
        )


def count_improvement(mlp, progress):
    """Count the epochs since the training loss last fell by more than ``tol``."""
    improved = not progress.loss > progress.best_loss - mlp.tol
    progress.no_improvement_count = 0 if improved else progress.no_improvement_count + 1
    if progress.loss < progress.best_loss:
        progress.best_loss = progress.loss


def has_failed(progress):
    """Whether the loss is no longer a number, and never will be again."""
    return progress.loss != progress.loss


def is_finished(mlp, progress, optimizer):
    """Whether too many epochs brought nothing; an adaptive rate is divided first."""
    if progress.no_improvement_count <= mlp.n_iter_no_change:
        return False
    if optimizer.schedule != "adaptive":
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


class Stopped(Exception):  # noqa: N818 (as StopIteration)
    """A callback stops L-BFGS: SciPy 1.10 does not know StopIteration there."""


class LBFGSFit:
    """A fit that minimises the loss over all samples by L-BFGS.

    ``network.params`` are written in place; after every iteration what ``validation``
    returns is recorded.
    """

    optimizer = None

    def __init__(self, mlp, network, samples, progress, validation=None):
        self.network, self.progress, self.validation = network, progress, validation
        self._mlp, self._samples = mlp, samples
        progress.n_iter = 0

    def run(self, report=None):
        """Minimise; ``report`` is told the parameters of each iteration: True stops."""
        mlp, network, progress = self._mlp, self.network, self.progress
        n_samples, weight = len(self._samples.targets), total_weight(self._samples)
        with Team(n_threads(mlp, network, n_samples, n_samples)) as team:
            plan = TrainingPlan(network, self._samples, n_samples, team)
            loss_and_grad = objective(mlp, network, plan, n_samples, weight, progress)
            watched = mlp.verbose or self.validation or report
            watch = watcher(mlp, network, progress, self.validation, report)
            signs = required_signs(network.layers)
            options = {"maxfun": mlp.max_fun, "maxiter": mlp.max_iter, "gtol": mlp.tol}
            try:
                result = scipy.optimize.minimize(
                    loss_and_grad,
                    network.params.copy(),
                    method="L-BFGS-B",
                    jac=True,
                    bounds=None if signs is None else np.transpose(bounds(signs)),
                    callback=watch if watched else None,
                    options=options,
                )
            except Stopped:
                return
            progress.n_iter = _check_optimize_result("lbfgs", result, mlp.max_iter)
            loss_and_grad(result.x)


def total_weight(samples):
    """The sum of the samples' weights, which is what a mean divides by."""
    weight = samples.weights.sum() if samples.weights.size else len(samples.targets)
    if weight == 0:
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    return weight


def objective(mlp, network, plan, n_samples, weight, progress):
    """A function of the flat parameters: the loss over all samples, its gradient."""
    rows, no_rate = np.arange(n_samples)[np.newaxis], np.zeros((1, 1))
    pairs = zip(
        parts(network.params, network.layers), parts(plan.grads, network.layers)
    )
    penalized = [(w, grad) for (part, w), (_, grad) in pairs if part.is_penalized]

    def loss_and_grad(x):
        # With several outputs the reported loss is a mean over them, its gradient
        # that of a sum: the line search needs the two to agree.
        network.params[:] = x
        ((loss, penalty),) = plan.run_epochs(rows, no_rate, mlp.alpha)
        for weights, grads in penalized:
            grads += mlp.alpha * weights
        progress.loss = mean_loss(network, loss) + penalty
        return loss + penalty, plan.grads / weight

    return loss_and_grad


def watcher(mlp, network, progress, validation, report):
    """A function that prints, records and reports each iteration of L-BFGS."""

    def watch(x):
        progress.n_iter += 1
        if mlp.verbose:
            print(f"Iteration {progress.n_iter}, loss = {progress.loss:.8f}")
        network.params[:] = x
        if validation:
            record_validation(mlp, progress, *validation())
        if report and report(network.params):
            raise Stopped

    return watch
