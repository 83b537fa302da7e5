"""Parameters that are fine by themselves may make no sense together: said here."""

import numpy as np

from .activations import ACTIVATIONS, formula_of
from .averaging import as_average
from .losses import loss_of
from .optimizer_state import OF_SGD
from .optimizers import is_stochastic
from .rate_groups import check_decays, check_factors
from .schedules import Constant, as_schedule

# What needs steps from minibatch to minibatch, and when it is off.
OF_MINIBATCHES = {
    "dropout": lambda value: not np.any(value),
    "input_noise": lambda value: value == 0,
    "normalization": lambda value: value != "batch",
    "l1": lambda value: value == 0,
    "weight_decay": lambda value: not value,
    "max_grad_norm": lambda value: value is None,
    "averaging": lambda value: value is None,
    "learning_rate_factors": lambda value: not value,
    "regularization_schedule": lambda value: value is None,
    "learning_rate": lambda value: value in ("constant", *OF_SGD),
}


def check_combination(mlp, architecture, loss):
    """Raise a ValueError where parameters of an estimator exclude one another."""
    if not is_stochastic(mlp.solver):
        _check_lbfgs(mlp)
    as_average(mlp.averaging)
    noisy = architecture.noise or architecture.dropout[0]
    check_factors(mlp.learning_rate_factors or {})
    check_decays(mlp.weight_decay)
    _check_spans_the_fit(mlp.regularization_schedule)
    if architecture.is_parametric and None in architecture.activations:
        raise ValueError(
            "parametric_activation mixes activations with the identity, so it excludes "
            "activation='identity'."
        )
    if architecture.sparse_input and noisy:
        raise ValueError(
            "Noise on the inputs, and dropout of them, need a dense X: of a sparse one "
            "only the numbers that are not zero are read. Use input_noise=0 and no "
            "dropout of the inputs, or X.toarray()."
        )
    if architecture.monotonic:
        _check_monotonic(mlp, architecture, loss)


def _check_lbfgs(mlp):
    for name, is_off in OF_MINIBATCHES.items():
        value = getattr(mlp, name)
        if not is_off(value):
            raise ValueError(
                f"{name}={value!r} needs a solver that goes by minibatches, got "
                "solver='lbfgs'. Use 'adam', say, or leave it out."
            )


def _check_spans_the_fit(schedule):
    """Only functions of progress say what a penalty is at some time."""
    schedule = as_schedule("constant" if schedule is None else schedule)
    if not schedule.spans_the_fit and not isinstance(schedule, Constant):
        raise ValueError(
            f"regularization_schedule={schedule!r} does not depend on progress. Use "
            "'flat_cos', say, or a function of progress."
        )


def _check_monotonic(mlp, architecture, loss):
    """Only increasing functions of increasing functions are increasing."""
    for name in ("input_scaling", "parametric_activation"):
        if getattr(mlp, name):
            raise ValueError(
                f"{name}={getattr(mlp, name)!r} is not monotonic, so it excludes "
                "monotonic_cst."
            )
    if loss_of(loss).out_activation == "softmax":
        raise ValueError(
            "monotonic_cst is not supported for multiclass classification: there is no "
            "positive class whose probability could increase."
        )
    if architecture.normalization == "layer":
        raise ValueError(
            "normalization='layer' is not monotonic, so it excludes monotonic_cst; "
            "normalization='batch' does not."
        )
    for formula in filter(None, architecture.activations):
        if not formula.is_monotonic:
            fine = sorted(
                name
                for name, each in ACTIVATIONS.items()
                if not each or each.is_monotonic
            )
            raise ValueError(
                f"activation={mlp.activation!r} is not known to be monotonic, which "
                f"monotonic_cst needs. These are: {fine}."
            )


def activations_of_layers(activation, n_hidden):
    """The formula of each hidden layer, from one activation for all or a list."""
    if not isinstance(activation, (list, tuple)):
        return (_checked_formula(activation),) * n_hidden
    if len(activation) != n_hidden:
        raise ValueError(
            f"activation has {len(activation)} entries, but there are {n_hidden} "
            "hidden layers; it must be a single activation or a list with one for each."
        )
    return tuple(map(_checked_formula, activation))


def _checked_formula(activation):
    if isinstance(activation, type):
        name = activation.__name__
        raise ValueError(f"activation must be an object: write {name}().")
    is_known = isinstance(activation, str) and activation in ACTIVATIONS
    if not is_known and not hasattr(activation, "formula"):
        raise ValueError(
            f"activation must be among {sorted(ACTIVATIONS)} or an object of "
            f"sknn.activations, got {activation!r}."
        )
    return formula_of(activation)


def dropout_of_levels(dropout, n_hidden):
    """The rates of dropout of the inputs and of each hidden layer."""
    try:
        rates = np.asarray(dropout, dtype=float).tolist()
    except (TypeError, ValueError):
        raise ValueError(f"dropout must be numbers, got {dropout!r}.") from None
    if isinstance(rates, float):
        rates = [rates] * n_hidden
    if len(rates) == n_hidden:
        rates = [0.0, *rates]
    if len(rates) != n_hidden + 1:
        raise ValueError(
            f"dropout has {len(rates)} entries, but there are {n_hidden} hidden "
            f"layers; it must be a number, a list of {n_hidden} for the hidden layers, "
            f"or one of {n_hidden + 1} with that of the inputs first."
        )
    if not all(0 <= rate < 1 for rate in rates):
        raise ValueError(f"dropout must be at least 0 and less than 1, got {dropout}.")
    return tuple(rates)
