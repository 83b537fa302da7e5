"""Callbacks: those of scikit-learn where it has them, and those of this package."""

import os
import pickle
import subprocess
import sys
import time
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn import MLPClassifier, MLPRegressor
from sknn.callbacks import (
    EarlyStopping,
    History,
    LearningRateScheduler,
    ModelCheckpoint,
    TerminateOnNaN,
    TimeBudget,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, LABELS = load_iris(return_X_y=True)
LABELS = np.array(["setosa", "versicolor", "virginica"])[LABELS]
X, TARGET = X[:, :3] - X[:, :3].mean(axis=0), X[:, 3]
SOLVERS = ["adam", "sgd", "lbfgs"]
ENDLESS = {"tol": 0.0, "n_iter_no_change": 10**9}


def regressor(*callbacks, **params):
    net = MLPRegressor(hidden_layer_sizes=(4,), random_state=0, max_iter=8)
    return net.set_params(**params).set_callbacks(*callbacks)


def classifier(*callbacks, **params):
    net = MLPClassifier((4,), random_state=0, max_iter=8, learning_rate_init=0.02)
    return net.set_params(**params).set_callbacks(*callbacks)


def same(a, b):
    for ours, theirs in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_):
        np.testing.assert_array_equal(ours, theirs)
    assert (a.n_iter_, a.loss_, a.t_) == (b.n_iter_, b.loss_, b.t_)


class Recorder:
    """Notes every call of a hook; stops, or fails, when told to."""

    def __init__(self, stop_after=None, fail_at=None):
        self.calls, self.epochs = [], []
        self.stop_after, self.fail_at = stop_after, fail_at

    def setup(self, estimator, context):
        self.note("setup")

    def teardown(self, estimator, context):
        self.note("teardown")

    def on_fit_task_begin(self, estimator, context, *, X, y, metadata):
        self.note(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.note(f"end {context.task_name}")
        if context.task_name == "epoch" and fitted_estimator is not None:
            self.epochs.append(fitted_estimator)
        return len(self.epochs) == self.stop_after

    def note(self, call):
        self.calls.append(call)
        if call == self.fail_at:
            raise LookupError(call)


# The protocol


@pytest.mark.parametrize("solver", SOLVERS)
def test_hooks_are_called_in_order(solver):
    recorder = Recorder()
    net = regressor(recorder, solver=solver).fit(X, TARGET)
    epochs = ["begin epoch", "end epoch"] * net.n_iter_
    expected = ["setup", "begin fit", *epochs, "end fit", "teardown"]
    assert recorder.calls == expected
    assert [name for name in vars(net) if "callback" in name] == ["_skl_callbacks"]


def test_every_task_that_begins_ends_where_lbfgs_converges():
    recorder = Recorder()
    net = regressor(recorder, solver="lbfgs", max_iter=10**4, alpha=10.0)
    net.fit(X, TARGET)
    assert len(recorder.epochs) == net.n_iter_ < net.max_iter
    assert recorder.calls.count("begin epoch") == recorder.calls.count("end epoch")


@pytest.mark.parametrize("make, y", [(regressor, TARGET), (classifier, LABELS)])
@pytest.mark.parametrize(
    "params",
    [{"solver": solver} for solver in SOLVERS]
    + [{"early_stopping": True}, {"solver": "sgd", "learning_rate": "adaptive"}],
)
def test_the_fitted_estimator_is_what_a_shorter_fit_returns(make, y, params):
    recorder = Recorder()
    net = make(recorder, **params).fit(X, y)
    assert len(recorder.epochs) == net.n_iter_
    for n_epochs, epoch in enumerate(recorder.epochs, start=1):
        shorter = make(**params, max_iter=n_epochs).fit(X, y)
        same(epoch, shorter)
        assert epoch.score(X, y) == shorter.score(X, y)
        for name in ("loss_curve_", "validation_scores_", "best_loss_", "classes_"):
            expected = getattr(shorter, name, "none")
            np.testing.assert_array_equal(getattr(epoch, name, "none"), expected)
    same(net, make(**params).fit(X, y))


@pytest.mark.parametrize("solver", SOLVERS)
def test_true_stops_the_fit_without_a_warning(solver, capsys):
    net = regressor(Recorder(stop_after=3), solver=solver, verbose=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.fit(X, TARGET)
    same(net, regressor(solver=solver, max_iter=3).fit(X, TARGET))
    printed = f"Iteration 3, loss = {net.loss_:.8f}\n"
    assert capsys.readouterr().out.endswith(printed)


@pytest.mark.parametrize("call", ["setup", "begin fit", "begin epoch", "end epoch"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_failing_callback_leaves_the_estimator_as_it_was(call, solver):
    net = regressor(solver=solver).fit(X, TARGET)
    recorder = Recorder(fail_at=call)
    net.set_callbacks(recorder).set_params(warm_start=True, max_iter=3)
    before = vars(net).copy()
    coefs = [coef.copy() for coef in net.coefs_]
    with pytest.raises(LookupError, match=call):
        net.fit(X, TARGET)
    assert vars(net) == before
    assert all(map(np.array_equal, net.coefs_, coefs))
    assert recorder.calls[-1] == "teardown"


def test_a_callback_that_fails_at_the_very_end_leaves_nothing_behind():
    net = regressor(Recorder(fail_at="end fit"))
    before = vars(net).copy()
    with pytest.raises(LookupError):
        net.fit(X, TARGET)
    assert vars(net) == before


def test_clones_share_callbacks_and_partial_fit_calls_none():
    recorder = Recorder()
    clone(regressor(recorder)).partial_fit(X, TARGET)
    assert not recorder.calls
    clone(regressor(recorder)).fit(X, TARGET)
    assert recorder.calls
    recorder.calls.clear()
    regressor(recorder).set_callbacks().fit(X, TARGET)
    assert not recorder.calls


@pytest.mark.parametrize("callback", [History, print])
def test_what_is_no_callback_is_refused(callback):
    with pytest.raises(TypeError, match="FitCallback"):
        regressor(callback)


# scikit-learn's own callbacks


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize(
    "make, y, scoring", [(regressor, TARGET, "r2"), (classifier, LABELS, "accuracy")]
)
def test_scoring_monitor(make, y, scoring, early_stopping):
    callback = pytest.importorskip("sklearn.callback")
    pandas = pytest.importorskip("pandas")
    monitor = callback.ScoringMonitor(scoring=scoring)
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    weights = np.arange(1.0, len(y) + 1)
    net = make(monitor, early_stopping=early_stopping)
    net.fit(frame, y, sample_weight=weights)
    scores = [row[scoring] for row in monitor.get_logs().data]
    # the fit itself, then its epochs
    assert len(scores) == 1 + net.n_iter_
    assert scores[0] == scores[-1] == net.score(frame, y, sample_weight=weights)


def test_scoring_monitor_in_a_pipeline_in_a_grid_search_in_processes():
    callback = pytest.importorskip("sklearn.callback")
    monitor, history = callback.ScoringMonitor(scoring="accuracy"), History()
    pipeline = make_pipeline(StandardScaler(), classifier(monitor, history))
    grid = {"mlpclassifier__alpha": [1e-4, 1e-2]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(X, LABELS)
    rows = monitor.get_logs().data
    assert len(rows) == (2 * 2 + 1) * (8 + 1)
    assert len({row["parent_task_id_path"] for row in rows}) > 5
    final = search.best_estimator_[-1]
    assert history.curves["loss"] == final.loss_curve_


@pytest.mark.parametrize("solver", SOLVERS)
def test_progress_bar(solver, capsys):
    pytest.importorskip("rich")
    callback = pytest.importorskip("sklearn.callback")
    classifier(callback.ProgressBar(), solver=solver).fit(X, LABELS)
    assert "MLPClassifier - fit" in capsys.readouterr().out


def test_progress_bar_of_a_pipeline_in_a_grid_search(capsys):
    pytest.importorskip("rich")
    callback = pytest.importorskip("sklearn.callback")
    pipeline = make_pipeline(StandardScaler(), classifier())
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4, 1e-2]}, cv=2)
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=None))
    search.fit(X, LABELS)
    assert "MLPClassifier - fit" in capsys.readouterr().out


# EarlyStopping


def epochs_with_patience(values, patience, min_delta):
    """When a fit stops whose losses are these."""
    best, n_in_vain = np.inf, 0
    for n_epochs, value in enumerate(values, start=1):
        improved = value < best - min_delta
        best, n_in_vain = (value, 0) if improved else (best, n_in_vain + 1)
        if n_in_vain == patience:
            return n_epochs
    return len(values)


@pytest.mark.parametrize("patience, min_delta", [(1, 0.0), (2, 0.0), (3, 0.02)])
@pytest.mark.parametrize(
    "monitor, mode",
    [
        ("loss", None),
        (lambda net: net.loss_, "min"),
        (lambda net: -net.loss_, None),
    ],
)
def test_early_stopping(monitor, mode, patience, min_delta):
    params = {**ENDLESS, "learning_rate_init": 0.5, "max_iter": 40}
    stop = EarlyStopping(monitor, patience=patience, min_delta=min_delta, mode=mode)
    net = regressor(stop, **params).fit(X, TARGET)
    whole = regressor(**params).fit(X, TARGET).loss_curve_
    assert net.n_iter_ == epochs_with_patience(whole, patience, min_delta) < 40


def test_early_stopping_by_the_validation_score():
    params = {**ENDLESS, "early_stopping": True, "max_iter": 40}
    stop = EarlyStopping("validation_score", patience=3)
    net = classifier(stop, **params).fit(X, LABELS)
    scores = classifier(**params).fit(X, LABELS).validation_scores_
    assert net.n_iter_ == epochs_with_patience(-np.array(scores), 3, 0) < 40


def test_early_stopping_begins_anew_with_every_fit():
    net = regressor(EarlyStopping(patience=3, min_delta=9.9))
    assert [net.fit(X, TARGET).n_iter_ for _ in range(2)] == [4, 4]


def test_what_cannot_be_monitored_is_refused():
    with pytest.raises(ValueError, match="monitor must be one of"):
        EarlyStopping("accuracy")
    with pytest.raises(ValueError, match="mode must be"):
        ModelCheckpoint("net.pickle", mode="best")
    with pytest.raises(ValueError, match="MLPRegressor has no validation_score"):
        regressor(EarlyStopping("validation_score")).fit(X, TARGET)


@pytest.mark.parametrize("next_fit", [{"solver": "lbfgs"}, {"warm_start": True}])
def test_what_an_earlier_fit_recorded_is_not_monitored(next_fit):
    net = regressor(early_stopping=True).fit(X, TARGET)
    net.set_params(early_stopping=False, **next_fit)
    net.set_callbacks(EarlyStopping("validation_score"))
    with pytest.raises(ValueError, match="MLPRegressor has no validation_score"):
        net.fit(X, TARGET)


# History, TimeBudget, TerminateOnNaN, LearningRateScheduler


def test_history_of_every_fit():
    history = History()
    assert history.curves == {}
    net = classifier(history, warm_start=True, solver="sgd", learning_rate="invscaling")
    losses = net.fit(X, LABELS).loss_curve_
    net.set_params(early_stopping=True).fit(X, LABELS)
    first, second = history.runs
    assert (first["loss"], second["loss"]) == (losses, net.loss_curve_[len(losses) :])
    assert second["validation_score"] == net.validation_scores_
    samples = np.arange(8) * len(X)
    np.testing.assert_allclose(first["learning_rate"], 0.02 / np.sqrt(samples + 1))
    assert first.keys() == {"loss", "learning_rate", "seconds"}
    assert history.curves is second
    assert (np.diff(second["seconds"]) > 0).all()


def test_one_history_of_fits_side_by_side():
    history = History()
    grid = GridSearchCV(classifier(history), {"alpha": [0.1, 1, 10]}, cv=2, n_jobs=2)
    with joblib.parallel_config("threading"):
        grid.fit(X, LABELS)
    assert [len(run["loss"]) for run in history.runs] == [8] * 7
    assert len({tuple(run["loss"]) for run in history.runs}) == 7
    assert pickle.loads(pickle.dumps(history)).runs == history.runs


def test_time_budget():
    assert regressor(TimeBudget(0)).fit(X, TARGET).n_iter_ == 1
    assert regressor(TimeBudget(10**9)).fit(X, TARGET).n_iter_ == 8
    net = regressor(TimeBudget(0.05), **ENDLESS, max_iter=10**9)
    assert net.fit(X, TARGET).n_iter_ > 1


def test_terminate_on_nan():
    params = {"batch_size": len(X), **ENDLESS}
    net = regressor(TerminateOnNaN(), **params).fit(X, np.full(len(X), 1e160))
    assert np.isinf(net.loss_) and net.n_iter_ == 1
    assert regressor(TerminateOnNaN(), **params).fit(X, TARGET).n_iter_ == 8


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_learning_rate_scheduler(solver):
    asked, history = [], History()

    def schedule(epoch, rate):
        asked.append((epoch, rate))
        return 0.01

    scheduler = LearningRateScheduler(schedule)
    net = regressor(scheduler, history, solver=solver).fit(X, TARGET)
    same(net, regressor(solver=solver, learning_rate_init=0.01).fit(X, TARGET))
    assert asked == [(0, 0.001)] + [(epoch, 0.01) for epoch in range(1, 8)]
    assert history.curves["learning_rate"] == [0.01] * 8


def test_schedules_take_effect_in_their_epoch():
    then_nothing = LearningRateScheduler(lambda epoch, rate: rate * (epoch < 3))
    net = regressor(then_nothing, solver="sgd", momentum=0.0, **ENDLESS)
    same_as = regressor(solver="sgd", momentum=0.0, max_iter=3).fit(X, TARGET)
    net.fit(X, TARGET)
    assert all(map(np.array_equal, net.coefs_, same_as.coefs_))


@pytest.mark.parametrize(
    "solver, rate, message",
    [
        ("lbfgs", 0.1, "no learning rate to schedule"),
        ("adam", -0.1, "must return a learning rate, got -0.1"),
        ("adam", np.nan, "must return a learning rate, got nan"),
    ],
)
def test_impossible_schedules_are_refused(solver, rate, message):
    net = regressor(LearningRateScheduler(lambda epoch, _: rate), solver=solver)
    with pytest.raises(ValueError, match=message):
        net.fit(X, TARGET)


# ModelCheckpoint


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"solver": "sgd", "learning_rate": "invscaling"},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 10.0},
    ],
)
def test_a_checkpoint_goes_on_as_if_nothing_had_happened(tmp_path, params):
    """Without shuffling, for ``partial_fit`` does not know where the shuffles were."""
    params = {"shuffle": False, "n_iter_no_change": 2, **params}
    path = tmp_path / "net.pickle"
    callbacks = (
        ModelCheckpoint(path, every=5),
        LearningRateScheduler(lambda epoch, rate: rate),  # which has no pickle
        Recorder(fail_at="end fit"),
    )
    net = regressor(*callbacks, max_iter=5, **params)
    with pytest.raises(LookupError):
        net.fit(X, TARGET)
    resumed = pickle.loads(path.read_bytes())
    for _ in range(3):
        resumed.partial_fit(X, TARGET)
    whole = regressor(max_iter=8, **params).fit(X, TARGET)
    assert all(map(np.array_equal, resumed.coefs_, whole.coefs_))
    assert resumed.loss_curve_ == whole.loss_curve_
    assert not any("callback" in name for name in vars(resumed))


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_checkpoint_goes_on_with_a_warm_start(tmp_path, solver):
    path = tmp_path / "net.pickle"
    net = regressor(ModelCheckpoint(path), solver=solver, max_iter=5).fit(X, TARGET)
    models = [net.set_callbacks(), pickle.loads(path.read_bytes())]
    for model in models:
        model.set_params(warm_start=True, max_iter=3).fit(X, TARGET)
    same(*models)


def test_checkpoints_of_every_few_epochs_and_of_the_end(tmp_path, monkeypatch):
    saved = []
    replace = os.replace

    def spy(source, target):
        replace(source, target)
        saved.append(pickle.loads(target.read_bytes()).n_iter_)

    monkeypatch.setattr(os, "replace", spy)
    net = regressor(ModelCheckpoint(tmp_path / "net.pickle", every=3))
    net.fit(X, TARGET)
    assert saved == [3, 6, 8]
    assert [path.name for path in tmp_path.iterdir()] == ["net.pickle"]


def test_the_best_checkpoint_is_kept(tmp_path):
    path = tmp_path / "net.pickle"
    keep_best = ModelCheckpoint(str(path), save_best_only=True)
    params = {**ENDLESS, "learning_rate_init": 0.5, "max_iter": 40}
    net = regressor(keep_best, **params).fit(X, TARGET)
    best = pickle.loads(path.read_bytes())
    assert best.loss_ == min(net.loss_curve_) < net.loss_
    assert best.n_iter_ == 1 + np.argmin(net.loss_curve_)


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(tmp_path, monkeypatch):
    path = tmp_path / "net.pickle"
    regressor(ModelCheckpoint(path)).fit(X, TARGET)
    before = path.read_bytes()

    def no_space(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        regressor(ModelCheckpoint(path), max_iter=2).fit(X, TARGET)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_killed_process_leaves_a_whole_checkpoint(tmp_path):
    path = tmp_path / "net.pickle"
    program = (
        "import sys, numpy as np; from sknn import MLPRegressor;"
        "from sknn.callbacks import ModelCheckpoint;"
        "net = MLPRegressor(hidden_layer_sizes=(300, 300), max_iter=10**9, tol=0,"
        "                   n_iter_no_change=10**9);"
        "net.set_callbacks(ModelCheckpoint(sys.argv[1]));"
        "net.fit(np.eye(60, 3), np.arange(60.0))"
    )
    process = subprocess.Popen([sys.executable, "-c", program, path])
    try:
        while not path.exists():
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    net = pickle.loads(path.read_bytes())
    n_samples_seen = net.t_
    net.partial_fit(np.eye(60, 3), np.arange(60.0))
    net.set_params(warm_start=True, max_iter=1).fit(np.eye(60, 3), np.arange(60.0))
    assert net.t_ == n_samples_seen + 2 * 60


def test_on_an_estimator_of_scikit_learn(tmp_path):
    pytest.importorskip("sklearn.callback")
    path, history = tmp_path / "net.pickle", History()
    callbacks = (
        history,
        ModelCheckpoint(path, every=2, monitor=lambda net: net.score(X, LABELS)),
        EarlyStopping(lambda net: net.score(X, LABELS)),
        TimeBudget(10**9),
    )
    model = LogisticRegression().set_callbacks(*callbacks).fit(X, LABELS)
    assert len(history.curves["seconds"]) == model.n_iter_[0]
    saved = pickle.loads(path.read_bytes())
    np.testing.assert_array_equal(saved.predict(X), model.predict(X))
