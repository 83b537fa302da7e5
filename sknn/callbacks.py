"""Callbacks: objects that a fit calls after every epoch, and that may stop it.

They speak scikit-learn's callback protocol, and ask for the estimator as if its fit had
stopped now (``fitted_estimator``): so they can be set on any estimator that speaks it
and has what they read.  One callback may serve several fits at the same time, as clones
share it; what it remembers of a fit it therefore keeps under that fit's estimator.
"""

import os
import pickle
import uuid
from copy import copy
from numbers import Integral, Real
from pathlib import Path
from time import perf_counter

import numpy as np

__all__ = [
    "EarlyStopping",
    "History",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "TerminateOnNaN",
    "TimeBudget",
]

# Where a fitted estimator has what can be monitored, and which way is better.
MONITORS = {
    "loss": (lambda net: net.loss_, "min"),
    "validation_loss": (lambda net: net.validation_loss_curve_[-1], "min"),
    "validation_score": (lambda net: net.validation_scores_[-1], "max"),
}

# What scikit-learn writes on an estimator with callbacks; no part of a saved one.
ATTRIBUTES_OF_CALLBACKS = (
    "_skl_callbacks",
    "_skl_callbacks_to_teardown",
    "_callback_fit_ctx",
    "_parent_callback_ctx",
)


class _Callback:
    """Hooks that do nothing, and a memory of each fit that is under way."""

    def __init__(self):
        self._memories = {}

    def _new_memory(self):
        """What there is to remember when a fit begins."""
        return {}

    def _memory(self, estimator):
        """What is remembered of this fit; in a worker process it begins with a task."""
        if id(estimator) not in self._memories:
            self._memories[id(estimator)] = self._new_memory()
        return self._memories[id(estimator)]

    def setup(self, estimator, context):
        """Begin to remember a fit."""
        self._memories[id(estimator)] = self._new_memory()

    def teardown(self, estimator, context):
        """Forget a fit."""
        self._memories.pop(id(estimator), None)

    def on_fit_task_begin(self, estimator, context):
        """Do nothing when an epoch begins."""

    def on_fit_task_end(self, estimator, context):
        """Do nothing when an epoch ends."""

    def __getstate__(self):
        return vars(self) | {"_memories": {}}


class EarlyStopping(_Callback):
    """Stop when what is monitored no longer improves.

    It comes on top of the estimator's own rule (``tol`` and ``n_iter_no_change``), and
    the weights of the last epoch are kept; :class:`ModelCheckpoint` can keep the best.

    Parameters
    ----------
    monitor : {'loss', 'validation_score', 'validation_loss'}, callable, default='loss'
        What to watch: the training loss, the score or the loss on validation samples
        (where the fit has some), or what a function of the fitted estimator returns.
    patience : int, default=10
        Epochs in a row without an improvement after which the fit stops.
    min_delta : float, default=0.0
        An improvement must be larger than this.
    mode : {'min', 'max'} or None, default=None
        Whether smaller or larger is better.  None is 'min' for losses and 'max' for
        scores and functions.

    References
    ----------
    .. [1] L. Prechelt, "Early stopping - but when?", Neural Networks: Tricks of the
       Trade, 1998.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknn import MLPClassifier
    >>> from sknn.callbacks import EarlyStopping
    >>> X, y = load_iris(return_X_y=True)
    >>> held_out = EarlyStopping(lambda net: net.score(X[::3], y[::3]), patience=5)
    >>> net = MLPClassifier(random_state=0).set_callbacks(held_out)
    >>> net.fit(X, y).n_iter_ < net.max_iter
    True
    """

    def __init__(self, monitor="loss", *, patience=10, min_delta=0.0, mode=None):
        super().__init__()
        _check_number("patience", patience, Integral, 1)
        self.monitor, self.patience = monitor, patience
        self.min_delta, self.mode = min_delta, mode
        _mode(monitor, mode)

    def _new_memory(self):
        return {"best": -np.inf, "n_in_vain": 0}

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        """Stop after ``patience`` epochs without an improvement."""
        if not _is_epoch(context) or fitted_estimator is None:
            return False
        memory = self._memory(estimator)
        improved = _improves(self, memory, fitted_estimator, self.min_delta)
        memory["n_in_vain"] = 0 if improved else memory["n_in_vain"] + 1
        return memory["n_in_vain"] >= self.patience


class TerminateOnNaN(_Callback):
    """Stop when the loss overflows or is not a number.

    A fit of this package stops by itself at a loss that is NaN, and fails where the
    weights are no longer finite.  This callback stops it as soon as the loss is
    infinite, when the weights may still be finite.

    Examples
    --------
    >>> from sknn import MLPRegressor
    >>> from sknn.callbacks import TerminateOnNaN
    >>> net = MLPRegressor(random_state=0).set_callbacks(TerminateOnNaN())
    """

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        """Stop if the loss of this epoch is not finite."""
        if not _is_epoch(context) or fitted_estimator is None:
            return False
        return not np.isfinite(_value("loss", fitted_estimator))


class TimeBudget(_Callback):
    """Stop after some time.

    Parameters
    ----------
    seconds : float
        The epoch in which the fit has lasted this long is its last.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknn import MLPClassifier
    >>> from sknn.callbacks import TimeBudget
    >>> net = MLPClassifier(max_iter=10**9, tol=0, n_iter_no_change=10**9)
    >>> net = net.set_callbacks(TimeBudget(0.1)).fit(*load_iris(return_X_y=True))
    """

    def __init__(self, seconds):
        super().__init__()
        _check_number("seconds", seconds, Real, 0)
        self.seconds = seconds

    def _new_memory(self):
        return perf_counter()

    def on_fit_task_end(self, estimator, context):
        """Stop if the time is up."""
        return perf_counter() - self._memory(estimator) >= self.seconds


class History(_Callback):
    """Record the losses, scores, learning rates and times of every epoch.

    Fits in other processes, as in ``GridSearchCV(n_jobs=2)``, record in copies that end
    with them; the last fit, on all samples, is recorded here.

    Attributes
    ----------
    runs : list of dict of list
        What was recorded of each fit, in the order in which they began.  The keys are
        'loss', 'validation_score' and 'validation_loss' (of a fit that has them),
        'learning_rate' (not with 'lbfgs') and 'seconds' since the fit began.
    curves : dict of list
        The last of them.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknn import MLPClassifier
    >>> from sknn.callbacks import History
    >>> history = History()
    >>> net = MLPClassifier(solver="lbfgs", random_state=0).set_callbacks(history)
    >>> net = net.fit(*load_iris(return_X_y=True))
    >>> sorted(history.curves), len(history.curves["loss"]) == net.n_iter_
    (['loss', 'seconds'], True)
    """

    def __init__(self):
        super().__init__()
        self.runs = []

    @property
    def curves(self):
        """What was recorded of the fit that began last."""
        return self.runs[-1] if self.runs else {}

    def _new_memory(self):
        memory = {"start": perf_counter(), "curves": {}}
        self.runs.append(memory["curves"])
        return memory

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        """Record an epoch."""
        if not _is_epoch(context) or fitted_estimator is None:
            return
        memory = self._memory(estimator)
        values = {name: _value(name, fitted_estimator, None) for name in MONITORS}
        optimizer = getattr(estimator, "_optimizer", None)
        values["learning_rate"] = getattr(optimizer, "rate_of_epoch", None)
        values["seconds"] = perf_counter() - memory["start"]
        for name, value in values.items():
            if value is not None:
                memory["curves"].setdefault(name, []).append(value)


class ModelCheckpoint(_Callback):
    """Save the estimator while it is being fitted.

    The file is replaced in one step by a complete new one, so whenever the process is
    killed there is a whole estimator (and perhaps a ``.tmp`` beside it, to be deleted).
    It is a pickle of what ``fit`` would have returned, had it stopped then, without its
    callbacks: it predicts, goes on with ``warm_start=True`` (from its weights, with
    fresh moments and up to ``max_iter`` more epochs), and with ``partial_fit`` (from
    its weights, moments and learning rate).  Load only pickles that you trust.

    Parameters
    ----------
    path : str or path-like
        The file.
    every : int, default=1
        Save after every so many epochs; and when the fit ends.
    save_best_only : bool, default=False
        Whether to save only epochs that improve on all earlier ones of the fit.
    monitor : {'loss', 'validation_score', 'validation_loss'}, callable, default='loss'
        What is to improve, as for :class:`EarlyStopping`.
    mode : {'min', 'max'} or None, default=None
        Whether smaller or larger is better.  None is 'min' for losses and 'max' for
        scores and functions.

    Examples
    --------
    >>> import pickle, tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> from sknn import MLPClassifier
    >>> from sknn.callbacks import ModelCheckpoint
    >>> X, y = load_iris(return_X_y=True)
    >>> path = Path(tempfile.mkdtemp()) / "net.pickle"
    >>> net = MLPClassifier(solver="lbfgs", max_iter=1000, random_state=0)
    >>> net = net.set_callbacks(ModelCheckpoint(path)).fit(X, y)
    >>> resumed = pickle.loads(path.read_bytes())
    >>> resumed.set_params(warm_start=True).fit(X, y).n_iter_ < net.n_iter_
    True
    """

    def __init__(
        self, path, *, every=1, save_best_only=False, monitor="loss", mode=None
    ):
        super().__init__()
        _check_number("every", every, Integral, 1)
        self.path, self.every, self.save_best_only = path, every, save_best_only
        self.monitor, self.mode = monitor, mode
        _mode(monitor, mode)

    def _new_memory(self):
        return {"best": -np.inf}

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        """Save the estimator, if it is time to."""
        if fitted_estimator is None:
            return
        if _is_epoch(context) and (context.task_id + 1) % self.every:
            return
        memory = self._memory(estimator)
        if not self.save_best_only or _improves(self, memory, fitted_estimator):
            _save(_without_callbacks(fitted_estimator), Path(self.path))


class LearningRateScheduler(_Callback):
    """Set the learning rate of every epoch.

    Parameters
    ----------
    schedule : callable
        A function of the number of the epoch, from 0, and of its learning rate so far
        that returns its learning rate.

    Notes
    -----
    It sets ``estimator._optimizer.learning_rate``, which ``fit`` reads before every
    epoch.  A fit by 'lbfgs' has none and raises a ValueError.

    Examples
    --------
    >>> from sknn import MLPClassifier
    >>> from sknn.callbacks import LearningRateScheduler
    >>> halve = LearningRateScheduler(lambda epoch, r: r / 2 if epoch % 10 == 9 else r)
    >>> net = MLPClassifier(learning_rate_init=0.01).set_callbacks(halve)
    """

    def __init__(self, schedule):
        super().__init__()
        self.schedule = schedule

    def on_fit_task_begin(self, estimator, context):
        """Set the learning rate of the epoch that begins."""
        if not _is_epoch(context):
            return
        optimizer = getattr(estimator, "_optimizer", None)
        if not hasattr(optimizer, "learning_rate"):
            raise ValueError(f"{estimator} has no learning rate to schedule.")
        rate = float(self.schedule(context.task_id, optimizer.learning_rate))
        if not 0 <= rate < np.inf:
            raise ValueError(f"schedule must return a learning rate, got {rate}.")
        optimizer.learning_rate = rate


def _check_number(name, value, kind, least):
    if not isinstance(value, kind) or value < least:
        what = "an integer" if kind is Integral else "a number"
        raise ValueError(f"{name} must be {what} from {least} on, got {value!r}.")


def _is_epoch(context):
    """Whether a task has no parts: an epoch has none, a fit has epochs."""
    return context.max_subtasks == 0


def _mode(monitor, mode):
    """'min' or 'max', by default the usual one."""
    if not callable(monitor) and monitor not in MONITORS:
        raise ValueError(
            f"monitor must be one of {list(MONITORS)} or a function of the fitted "
            f"estimator, got {monitor!r}."
        )
    if mode not in (None, "min", "max"):
        raise ValueError(f"mode must be 'min', 'max' or None, got {mode!r}.")
    return mode or ("max" if callable(monitor) else MONITORS[monitor][1])


def _value(monitor, fitted_estimator, *default):
    """What is monitored, of this estimator; or a default if it has no such thing."""
    if callable(monitor):
        return monitor(fitted_estimator)
    try:
        return MONITORS[monitor][0](fitted_estimator)
    except (AttributeError, IndexError, TypeError):
        if default:
            return default[0]
        raise ValueError(
            f"{type(fitted_estimator).__name__} has no {monitor} in this fit; give a "
            "function of the fitted estimator as monitor, or validation samples."
        ) from None


def _improves(callback, memory, fitted_estimator, min_delta=0.0):
    """Whether this is better than the best so far, which it then becomes."""
    sign = 1 if _mode(callback.monitor, callback.mode) == "max" else -1
    value = sign * _value(callback.monitor, fitted_estimator)
    improved = value > memory["best"] + min_delta
    if improved:
        memory["best"] = value
    return improved


def _without_callbacks(estimator):
    """A copy of the estimator as if it had never had callbacks."""
    bare = copy(estimator)
    for name in ATTRIBUTES_OF_CALLBACKS:
        vars(bare).pop(name, None)
    return bare


def _save(estimator, path):
    """Write a pickle so that at any time there is the old one or the new one."""
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            pickle.dump(estimator, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
