"""What an optimizer carries from one minibatch, or one partial_fit, to the next.

Moments, the learning rate, the weights behind an average: and, made of them, what the
steps of the next epoch read.
"""

from copy import copy
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone

from .architecture import Architecture, layers_of
from .averaging import EMA, SWA, as_average
from .optimizers import SGD, Optimizer, as_optimizer
from .params import pack, parts, views, zeros
from .plans import Network, TrainingPlan
from .rate_groups import groups_of_layers
from .schedules import Schedule, as_schedule, checked_factors

# scikit-learn's own schedules, which only sgd reads
OF_SGD = "invscaling", "adaptive"
STEPS_AHEAD = 512  # that rates are worked out for at once


class Copied:
    """A record whose copies have lists and arrays of their own, and share the rest.

    A deep copy would take longer than an epoch of a small network.
    """

    def copy(self):
        return type(self)(**{name: copy(value) for name, value in vars(self).items()})


@dataclass
class OptimizerState(Copied):
    """What an optimizer carries from one minibatch, or one partial_fit, to the next.

    The solver's settings and the schedule of its rate are those of the estimator when
    it was made; regularization, factors of the rate and max_iter are read anew.
    """

    solver: Optimizer
    average: EMA | SWA | None
    layout: Architecture
    settings: np.ndarray
    moments: np.ndarray  # and, behind them, the weights that an average follows
    schedule: str | Schedule
    learning_rate_init: float
    power_t: float
    learning_rate: float
    n_steps: int = 0
    n_epochs: int = 0  # calls of partial_fit may differ in their steps
    rate_of_epoch: float = np.nan  # its first, for callbacks to record

    @property
    def ends_at_max_iter(self):
        """Whether the schedule goes by the steps that are left, and so has an end."""
        return self.schedule not in OF_SGD and self.schedule.spans_the_fit

    @property
    def foresees_rates(self):
        """Whether no learning rate depends on what the epochs before it brought."""
        if self.schedule in OF_SGD:
            return self.schedule == "adaptive"  # which waits until a fit would end
        return type(self.schedule).after_epoch is Schedule.after_epoch

    def copy(self):
        """A copy whose moments lie where kernels may read them."""
        copied = super().copy()
        copied.moments = zeros(self.moments.size, self.moments.dtype)
        copied.moments[:] = self.moments
        return copied

    def averages_as(self, average):
        """Whether it has this average of the weights, or none if that is None."""
        if self.average is None or average is None:
            return self.average is average
        same_kind = type(self.average) is type(average)
        return same_kind and self.average.get_params() == average.get_params()

    def trained(self, network):
        """The network whose parameters steps change: itself, or one behind it."""
        if self.average is None:
            return network
        behind = self.moments[-network.params.size :]
        return Network(behind, network.layers, network.loss)

    def __getstate__(self):
        """The state with its moments as lists of arrays, without their padding."""
        layers = layers_of(self.layout, self.moments.dtype)
        moments = self.moments.reshape(-1, layers.n_params)
        lists = [views(each, layers) for each in moments]
        return vars(self) | {"moments": lists, "dtype": self.moments.dtype}

    def __setstate__(self, state):
        dtype = state.pop("dtype")
        layers = layers_of(state["layout"], dtype)
        moments = zeros(len(state["moments"]) * layers.n_params, dtype)
        rows = moments.reshape(-1, layers.n_params)
        for row, lists in zip(rows, state["moments"], strict=True):
            row[:] = pack(lists, layers)
        vars(self).update(state, moments=moments)


def optimizer_state(mlp, network):
    """A fresh state for ``mlp.solver`` and this network."""
    params, optimizer = network.params, clone(as_optimizer(mlp.solver))
    average = as_average(mlp.averaging)
    n_vectors = optimizer.n_moments + (average is not None)
    moments = zeros(n_vectors * params.size, params.dtype)
    if average:
        moments[-params.size :] = params
    return OptimizerState(
        solver=optimizer,
        average=clone(average) if average else None,
        layout=network.layers.architecture.layout(),
        settings=optimizer.settings(mlp),
        moments=moments,
        schedule=schedule_for(optimizer, mlp.learning_rate),
        learning_rate_init=float(mlp.learning_rate_init),
        power_t=mlp.power_t,
        learning_rate=float(mlp.learning_rate_init),
    )


def schedule_for(optimizer, learning_rate):
    """A schedule of its own for this optimizer, or the name of one of sgd's."""
    if learning_rate not in OF_SGD:
        return clone(as_schedule(learning_rate))
    return learning_rate if isinstance(optimizer, SGD) else as_schedule("constant")


def steps_of_epochs(mlp, optimizer, factors_and_decays, n_steps, n_epochs):
    """For each coming epoch what its steps read: rates and, if wanted, other numbers.

    They are worked out for some epochs at once, for those of a small network take no
    longer than that; and anew when something else has changed the learning rate.  With
    them comes for how many epochs they are known.
    """
    first, last, base_rate = 0, 0, np.nan
    n_epochs += optimizer.n_epochs
    while True:
        if optimizer.n_steps == last or optimizer.learning_rate != base_rate:
            first, base_rate = optimizer.n_steps, optimizer.learning_rate
            n_left = n_epochs - optimizer.n_epochs
            n_ahead = min(max(1, STEPS_AHEAD // n_steps), n_left)
            last = first + n_ahead * n_steps
            learning_rates = learning_rates_of(mlp, optimizer, n_steps, last - first)
            steps = numbers_of_steps(
                mlp, optimizer, factors_and_decays, learning_rates, n_steps
            )
        first_step = optimizer.n_steps - first
        optimizer.rate_of_epoch = learning_rates[first_step]
        n_known = (last - optimizer.n_steps) // n_steps
        yield steps | {"first_step": first_step, "n_steps": n_steps}, n_known


def numbers_of_steps(mlp, optimizer, factors_and_decays, learning_rates, n_steps):
    """Arrays with a row for each coming step, ``n_steps`` in an epoch."""
    (factors, decays), size = factors_and_decays, learning_rates.size
    rule, first, settings = optimizer.solver, optimizer.n_steps, optimizer.settings
    rates = [rule.rates(each * learning_rates, first, settings) for each in factors]
    intensities = intensities_of(mlp, optimizer, n_steps, size)
    steps = {"rates": np.hstack(rates)}
    if decays.any():
        steps["shrinkages"] = np.multiply.outer(intensities * learning_rates, decays)
    if mlp.regularization_schedule is not None:
        steps["intensities"] = intensities
    if optimizer.average:
        steps["shares"] = shares_of(mlp, optimizer, n_steps, size // n_steps)
    return steps


def shares_of(mlp, optimizer, n_steps, n_epochs):
    """How far the average goes towards the weights, in each step of coming epochs."""
    shares = []
    for i in range(n_epochs):
        done = optimizer.n_steps + i * n_steps, optimizer.n_epochs + i
        shares.append(optimizer.average.shares(n_steps, *done, mlp.max_iter))
    return np.concatenate(shares)


def learning_rates_of(mlp, optimizer, n_steps, size):
    """The learning rate of each of ``size`` coming steps, ``n_steps`` in an epoch."""
    learning_rates = np.full(size, optimizer.learning_rate)
    if optimizer.ends_at_max_iter:
        done = done_before(mlp, optimizer, n_steps, size)
        learning_rates *= checked_factors(optimizer.schedule, done)
    return learning_rates


def done_before(mlp, optimizer, n_steps, size):
    """What share of the fit is done before each of the coming steps."""
    n_done = optimizer.n_epochs * n_steps + np.arange(size)
    return np.minimum(n_done / (mlp.max_iter * n_steps), 1)


def intensities_of(mlp, optimizer, n_steps, size):
    """How much of dropout and decay there is in coming steps."""
    if mlp.regularization_schedule is None:
        return 1.0
    schedule = as_schedule(mlp.regularization_schedule)
    factors = checked_factors(schedule, done_before(mlp, optimizer, n_steps, size))
    if factors.max() * np.max(mlp.dropout, initial=0) >= 1:
        raise ValueError(
            f"regularization_schedule has factors up to {factors.max()}, with which "
            f"dropout={mlp.dropout!r} would leave nothing."
        )
    return factors


def schedule_rate(optimizer, progress):
    """Set the learning rate of the next epoch; adaptive waits until it is finished."""
    if optimizer.schedule == "invscaling":
        decay = (progress.t + 1) ** optimizer.power_t
        optimizer.learning_rate = optimizer.learning_rate_init / decay
    elif optimizer.schedule != "adaptive":
        rate, in_vain = optimizer.learning_rate, progress.no_improvement_count
        optimizer.learning_rate = optimizer.schedule.after_epoch(rate, in_vain)


def rate_groups(mlp, solver, layers):
    """Factors and decays of the groups of rates, and each layer's groups."""
    decays = solver.weight_decay if mlp.weight_decay is None else mlp.weight_decay
    pairs, groups = groups_of_layers(layers, mlp.learning_rate_factors, decays)
    return pairs.T, groups


def follow_statistics(network, optimizer):
    """Give an average the running statistics of now, which no step changes."""
    if optimizer.average:
        now = parts(optimizer.trained(network).params, network.layers)
        for (part, own), (_, trained) in zip(
            parts(network.params, network.layers), now
        ):
            if not part.is_trained:
                own[:] = trained


def plan_steps(mlp, network, samples, batch_size, team, optimizer):
    """A plan for training as the parameters have it; factors and decays of groups."""
    solver, trained = optimizer.solver, optimizer.trained(network)
    plan = TrainingPlan(trained, samples, batch_size, team, solver.update)
    plan.remember(optimizer.moments, optimizer.settings)
    (factors, decays), groups = rate_groups(mlp, solver, network.layers)
    plan.group_rates(len(factors), groups[:, 0], groups[:, 1])
    average = network.params if optimizer.average else None
    plan.regularize(mlp.l1, mlp.max_grad_norm, decays.any(), average)
    return plan, (factors, decays)
