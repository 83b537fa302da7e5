"""Threads: the same numbers for any count, no more of them than there are cores."""

import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import current_process

import joblib
import numpy as np
import pytest
import scipy.sparse
from sklearn.model_selection import GridSearchCV
from test_kernels import Case

from sknn import MLPClassifier, MLPRegressor, plans, team
from sknn.losses import SQUARED_ERROR
from sknn.optimizers import OPTIMIZERS
from sknn.plans import Plan
from sknn.team import Team, team_size

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
WORK = 1e12  # flops: enough for any number of threads


@pytest.fixture
def eager(monkeypatch):
    """Small fits take as many threads as they are allowed."""
    monkeypatch.setattr(team, "FLOPS_OF_A_STEP", 1e-9)
    monkeypatch.setattr(team, "FLOPS_OF_A_START", 1e-9)


@pytest.fixture
def sizes(monkeypatch):
    """The sizes of all teams that are made during the test."""
    made = []
    original = Team.__init__

    def spy(self, size):
        made.append(size)
        original(self, size)

    monkeypatch.setattr(Team, "__init__", spy)
    return made


def _fit(n_jobs, X, y, weights=None, **settings):
    settings = {"max_iter": 3, **settings}
    net = MLPRegressor(random_state=0, n_jobs=n_jobs, **settings)
    return net.fit(X, y, weights)


def _assert_identical(net, other):
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(net, name), getattr(other, name), strict=True):
            assert np.array_equal(a, b)
    assert net.loss_ == other.loss_


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("kind", ["dense", "sparse", "weighted", "float32"])
@pytest.mark.parametrize("hidden", [(), (9,), (300, 150), (1500,)])
@pytest.mark.parametrize("batch_size", [30, 200, 600])
def test_the_number_of_threads_changes_no_bit(
    eager, sizes, solver, kind, hidden, batch_size
):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(610, 21)) * (rng.random((610, 21)) < 0.4)
    y, weights = X[:, :2] + X[:, 5:7], None
    if kind == "sparse":
        X = scipy.sparse.csr_array(X)
    elif kind == "weighted":
        weights = rng.uniform(0, 2, len(y))
    elif kind == "float32":
        X = X.astype(np.float32)
    settings = {"hidden_layer_sizes": hidden, "solver": solver}
    settings["batch_size"] = batch_size
    one, *others = [_fit(n, X, y, weights, **settings) for n in (1, 2, 3, 5)]
    assert sizes == [1, 2, 3, 5]
    for other in others:
        _assert_identical(one, other)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_all_rows_are_predicted_by_however_many(eager, monkeypatch, activation):
    X = np.random.default_rng(0).normal(size=(11_000, 7))
    net = _fit(1, X[:300], X[:300, 0], hidden_layer_sizes=20, activation=activation)
    expected = net.predict(X)
    monkeypatch.setattr(plans, "ROWS_AT_ONCE", 2500)
    for n_jobs in (2, 5):
        assert np.array_equal(expected, net.set_params(n_jobs=n_jobs).predict(X))


def test_members_take_the_rows_that_a_slow_one_leaves(eager, monkeypatch):
    """One is late, and finds that there is nothing left to do."""
    X = np.random.default_rng(0).normal(size=(11_000, 7))
    net = _fit(1, X[:300], X[:300, 0], hidden_layer_sizes=20)
    expected = net.predict(X)
    first_is_done, call = threading.Event(), Plan._call

    def late(plan, function, number):
        if number == 0:
            call(plan, function, number)
            results.append(plan._kept["outputs"].copy())
            first_is_done.set()
        else:
            assert first_is_done.wait(60)
            call(plan, function, number)

    results = []
    monkeypatch.setattr(Plan, "_call", late)
    assert np.array_equal(expected, net.set_params(n_jobs=2).predict(X))
    assert np.array_equal(expected, results[0].ravel())


def test_conventions_of_joblib():
    assert team_size(None, WORK, 1) == team_size(1, WORK, 1) == 1
    assert team_size(3, WORK, 1) == 3
    assert team_size(-1, WORK, 1) == joblib.cpu_count()
    with joblib.parallel_config(n_jobs=2):
        assert team_size(None, WORK, 1) == 2
        assert team_size(1, WORK, 1) == 1


def test_little_work_takes_few_threads():
    assert team_size(4, 1e3, 1e9) == 1  # steps too small
    assert team_size(4, 1e7, 1) == 1  # too few of them
    assert team_size(4, 1e7, 1e3) == 4


@pytest.mark.parametrize("net", [MLPClassifier(), MLPRegressor()])
def test_no_jobs_is_an_error(net):
    X, y = np.eye(4), np.array([0, 1, 0, 1])
    with pytest.raises(ValueError, match="n_jobs == 0"):
        net.set_params(n_jobs=0).fit(X, y)
    with pytest.raises(ValueError, match="'n_jobs' parameter"):
        net.set_params(n_jobs="all").fit(X, y)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_workers_of_joblib_are_alone(backend):
    with joblib.parallel_config(backend, n_jobs=2):
        sizes = joblib.Parallel()(
            joblib.delayed(team_size)(n, WORK, 1) for n in (2, -1, None)
        )
    assert sizes == [1, 1, 1]


def test_workers_of_a_pool_are_alone(monkeypatch):
    """And joblib, which would warn there, is not asked."""
    monkeypatch.setitem(current_process()._config, "daemon", True)
    assert team_size(-1, WORK, 1) == team_size(2, WORK, 1) == 1


def test_grid_search_in_threads_does_not_oversubscribe(eager, sizes):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 4)), rng.normal(size=300)
    net = MLPRegressor(hidden_layer_sizes=(5,), n_jobs=2, max_iter=2, random_state=0)
    with joblib.parallel_config("threading"):
        GridSearchCV(net, {"alpha": [0, 1]}, cv=2, n_jobs=2, refit=False).fit(X, y)
    assert set(sizes) == {1}
    sizes.clear()
    GridSearchCV(net, {"alpha": [0, 1]}, cv=2, refit=False).fit(X, y)
    assert set(sizes) == {2}  # one after the other, each has both cores


def test_concurrent_fits_are_correct(eager):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 6)), rng.normal(size=400)
    expected = _fit(1, X, y)
    with ThreadPoolExecutor(4) as pool:
        fits = [pool.submit(_fit, 1 + i % 3, X, y) for i in range(12)]
        for one in fits:
            _assert_identical(expected, one.result())


def test_a_thread_that_cannot_start_leaves_nobody_waiting(eager, monkeypatch):
    original, started = ThreadPoolExecutor.submit, []

    def submit(self, *arguments):
        if started:
            raise RuntimeError("can't start new thread")
        started.append(original(self, *arguments))
        return started[0]

    monkeypatch.setattr(ThreadPoolExecutor, "submit", submit)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 6)), rng.normal(size=400)
    net = MLPRegressor(n_jobs=3)
    before, threads_before = set(vars(net)), threading.active_count()
    with pytest.raises(RuntimeError, match="can't start new thread"):
        net.fit(X, y)
    assert set(vars(net)) == before
    assert started[0].done()
    assert threading.active_count() <= threads_before


@pytest.mark.parametrize("failing", [1, 2])
def test_a_member_that_fails_leaves_nobody_waiting(eager, monkeypatch, failing):
    original = Plan._call

    def call(self, function, number):
        if number == failing:
            raise MemoryError("no room")
        original(self, function, number)

    monkeypatch.setattr(Plan, "_call", call)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 6)), rng.normal(size=400)
    with pytest.raises(MemoryError, match="no room"):
        _fit(3, X, y)


def test_an_interrupt_leaves_an_epoch_to_the_others(eager, monkeypatch):
    original, members = Plan._call, []

    def call(self, function, number):
        members.append(number)
        if number == 0 and members.count(0) == 2:
            raise KeyboardInterrupt
        original(self, function, number)

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 6)), rng.normal(size=400)
    expected = _fit(1, X, y, max_iter=2)
    monkeypatch.setattr(Plan, "_call", call)
    with pytest.warns(UserWarning, match="interrupted"):
        net = _fit(3, X, y, verbose=True)  # which takes a call for each epoch
    assert sorted(members) == [0, 0, 1, 1, 2, 2]
    assert net.n_iter_ == 2
    _assert_identical(expected, net)


@pytest.mark.parametrize("verbose", [False, True])  # a call for each epoch, or for all
@pytest.mark.parametrize("is_known", [False, True])
def test_an_interrupt_waits_for_the_members(eager, monkeypatch, verbose, is_known):
    """One comes while a member starts; or two, the second during the wait for it."""
    submit, call, wait = ThreadPoolExecutor.submit, Plan._call, team.wait
    interrupts = []

    def interrupt(place):
        if place not in interrupts:
            interrupts.append(place)
            raise KeyboardInterrupt

    def interrupted_submit(self, *arguments):
        future = submit(self, *arguments)
        if not is_known:
            interrupt("submit")
        return future

    def interrupted_call(self, function, number):
        if number == 0 and is_known:
            interrupt("call")
        call(self, function, number)

    def interrupted_wait(calls):
        if is_known:
            interrupt("wait")
        wait(calls)

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(4000, 20)), rng.normal(size=4000)
    params = {"hidden_layer_sizes": 60, "batch_size": 400}
    monkeypatch.setattr(ThreadPoolExecutor, "submit", interrupted_submit)
    monkeypatch.setattr(Plan, "_call", interrupted_call)
    monkeypatch.setattr(team, "wait", interrupted_wait)
    with pytest.warns(UserWarning, match="interrupted"):
        net = _fit(2, X, y, max_iter=6, verbose=verbose, **params)
    monkeypatch.undo()
    assert interrupts == (["call", "wait"] if is_known else ["submit"])
    _assert_identical(net, _fit(1, X, y, max_iter=net.n_iter_, **params))
    assert len(net.loss_curve_) == net.n_iter_ == (1 if verbose else 6)


@pytest.mark.parametrize("late", [0, 1, 2])
@pytest.mark.parametrize("params", [{}, {"max_grad_norm": 0.1}, {"solver": "lbfgs"}])
def test_others_do_what_is_left_by_one_that_is_late(eager, monkeypatch, late, params):
    original, n_done = Plan._call, threading.Semaphore(0)

    def call(self, function, number):
        if number == late:
            assert all(n_done.acquire(timeout=60) for _ in range(2))
        original(self, function, number)
        if number != late:
            n_done.release()

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(700, 6)), rng.normal(size=700)
    weights = rng.uniform(0, 2, 700)
    params = {"hidden_layer_sizes": (40, 30), "batch_size": 300} | params
    expected = _fit(1, X, y, weights, **params)
    monkeypatch.setattr(Plan, "_call", call)
    _assert_identical(expected, _fit(3, X, y, weights, **params))


@pytest.mark.parametrize("late", [None, 0, 1])
def test_members_stop_at_a_loss_that_is_no_number(eager, monkeypatch, late):
    original, is_done = Plan._call, threading.Event()

    def call(self, function, number):
        if number == late:
            assert is_done.wait(60)
        original(self, function, number)
        is_done.set()

    X = np.full((400, 6), 1e200)
    monkeypatch.setattr(Plan, "_call", call)
    for n_jobs in (1, 2) if late is None else (2,):
        with (
            pytest.raises(ValueError, match="non-finite"),
            np.errstate(all="ignore"),
        ):
            _fit(n_jobs, X, X[:, 0], max_iter=50)


def test_a_call_holds_its_plan(eager, monkeypatch):
    """Whoever waits may be interrupted and leave: the arrays must outlive the call."""
    held = []
    original = Team.run

    def run(self, call):
        held.append(call.func.__self__)
        return original(self, call)

    monkeypatch.setattr(Team, "run", run)
    X = np.random.default_rng(0).normal(size=(400, 6))
    net = _fit(2, X, X[:, 0], verbose=True)  # which takes a call for each epoch
    assert all("params" in plan._kept and "grads" in plan._kept for plan in held)
    assert len(held) == net.n_iter_


@pytest.mark.parametrize(
    "options",
    [
        {"dropout": (0.2, 0.3, 0.5)},
        {"noise": 0.5},
        {"monotonic": (1, 0, -1, 0)},
        {"normalization": "layer"},
        {"skip_connections": True, "normalization": "batch"},
        {"skip_connections": True, "hidden": (3, 9, 2)},
    ],
)
@pytest.mark.parametrize("n_samples", [40, 700])
def test_layers_do_not_depend_on_the_number_of_threads(options, n_samples):
    results, samples = [], np.arange(n_samples)
    for n_threads in (1, 2, 3):
        case = Case("relu", SQUARED_ERROR, n_samples=n_samples, **options)
        n_steps = -(-n_samples // 300)
        case.run(samples, "adam", 300, n_steps, n_threads=n_threads)
        results.append(case.params)
    assert all(np.array_equal(results[0], other) for other in results[1:])


@pytest.mark.parametrize("solver", [name for name in OPTIMIZERS if name != "lbfgs"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("params", [{}, {"averaging": "ema", "l1": 1e-3}], ids=str)
def test_steps_in_vectors_and_beside_them_are_the_same(eager, params, dtype, solver):
    # members share 302 rows of three numbers, which lie side by side
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 6)).astype(dtype), rng.normal(size=(300, 3))
    nets = [
        MLPRegressor(
            hidden_layer_sizes=(301,), solver=solver, batch_size=300, max_iter=3,
            random_state=0, n_jobs=n_jobs, **params,
        ).fit(X, y)
        for n_jobs in (1, 2, 3)
    ]  # fmt: skip
    for net in nets[1:]:
        _assert_identical(nets[0], net)


@pytest.mark.parametrize(
    "params",
    [{"max_grad_norm": 0.1}, {"averaging": "ema", "weight_decay": 0.1, "l1": 1e-3}],
)
def test_steps_do_not_depend_on_the_number_of_threads(eager, params):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(700, 6)), rng.normal(size=700)
    nets = [
        MLPRegressor(
            hidden_layer_sizes=(40, 30), batch_size=300, max_iter=5, random_state=0,
            n_jobs=n_jobs, **params,
        ).fit(X, y)
        for n_jobs in (1, 2, 3)
    ]  # fmt: skip
    for net in nets[1:]:
        _assert_identical(nets[0], net)
