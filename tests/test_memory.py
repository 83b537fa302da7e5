"""Memory: what fits, predictions and pickles take beyond their data."""

import copy
import ctypes
import mmap
import pickle
import sys
import tracemalloc

import numpy as np
import pytest
import scipy.sparse

from sknn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N_FEATURES, WIDTH = 20, 400
PARAMETERS = (N_FEATURES + 1) * WIDTH + WIDTH + 1


def _peak(action):
    """Bytes that are held at the worst moment of the action, beyond those before."""
    action()  # whatever is compiled, loaded or cached for good
    tracemalloc.start()
    action()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def _data(n):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, N_FEATURES)), rng.normal(size=n)


def _before_a_guard_page(X):
    """A copy of X, behind whose last number nobody can read."""
    page, size = mmap.PAGESIZE, -(-X.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, size + page)
    copied = np.frombuffer(memory, X.dtype, X.size, size - X.nbytes).reshape(X.shape)
    copied[:] = X
    behind = ctypes.addressof(ctypes.c_char.from_buffer(memory, size))
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(behind), page, 0) == 0
    return copied


@pytest.mark.skipif(sys.platform == "win32", reason="needs mprotect")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_features", [1, 5, 7, 9, 15, 17])
def test_nothing_is_read_behind_x(n_features, dtype):
    X = np.random.default_rng(0).normal(size=(301, n_features)).astype(dtype)
    guarded, y = _before_a_guard_page(X), X[:, 0].copy()
    net = MLPRegressor(hidden_layer_sizes=5, max_iter=2, random_state=0)
    nets = [copy.copy(net).fit(data, y) for data in (X, guarded)]
    for n in (1, 3, 301):
        expected = nets[0].predict(X[-n:])
        assert np.array_equal(nets[1].predict(guarded[-n:]), expected)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_fit_takes_a_few_minibatches_and_copies_of_the_parameters(solver):
    X, y = _data(20_000)
    net = MLPRegressor(hidden_layer_sizes=WIDTH, solver=solver, max_iter=2, max_fun=4)
    peak = _peak(lambda: net.fit(X, y))
    block = 256 * (N_FEATURES + 3 * WIDTH) * 8
    copies = (30 if solver == "lbfgs" else 4) * PARAMETERS * 8  # L-BFGS remembers steps
    per_sample = 5 * 8 * len(X)  # the order, the targets, the losses
    assert peak < 2 * block + copies + per_sample
    assert peak < len(X) * WIDTH * 8 / 4  # never samples times units


@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
def test_predict_goes_by_blocks(kind):
    X, y = _data(20_000)
    net = MLPRegressor(hidden_layer_sizes=WIDTH, max_iter=1).fit(X[:100], y[:100])
    X = kind(X)
    # a copy has no network yet, and so no plan of an earlier prediction
    peak = _peak(lambda: copy.deepcopy(net).predict(X))
    assert 240 * WIDTH * 8 < peak < len(y) * WIDTH * 8 / 4


@pytest.mark.parametrize("n", [1, 17, 5000])
def test_little_stays_after_a_prediction(n):
    X, y = _data(5000)
    net = MLPRegressor(hidden_layer_sizes=WIDTH, max_iter=1).fit(X[:100], y[:100])
    net.predict(X[:n])
    twins = [copy.deepcopy(net) for _ in range(10)]
    for twin in twins:
        twin._ready(X[:n])  # which makes a network of the weights
    tracemalloc.start()
    for twin in twins:
        twin.predict(X[:n])
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept / 10 < 20 * (N_FEATURES + 2 * WIDTH) * 8 + 10_000


def test_sparse_x_is_never_made_dense():
    X = scipy.sparse.random(300, 50_000, 0.001, "csr", rng=0)
    y = np.arange(300) % 2
    net = MLPClassifier(3, max_iter=2, early_stopping=True)
    assert _peak(lambda: net.fit(X, y).predict(X)) < X.shape[0] * X.shape[1] * 8 / 4


@pytest.mark.parametrize("solver, copies", [("lbfgs", 1), ("sgd", 2), ("adam", 3)])
def test_a_pickle_holds_the_parameters_and_what_continues_from_them(solver, copies):
    X, y = _data(100)
    net = MLPRegressor(hidden_layer_sizes=WIDTH, solver=solver, max_iter=2).fit(X, y)
    net.predict(X[:1])
    assert len(pickle.dumps(net)) < (copies + 0.15) * PARAMETERS * 8 + 3_000
