"""The package as a whole: its import, its namesake, and fits side by side."""

import importlib.metadata
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score

import sknn
from sknn import MLPClassifier, MLPRegressor, compile_kernels
from sknn._jit import Piece
from sknn.losses import Quantile, Tweedie
from sknn.plans import TrainingPlan


def test_public_names():
    assert all(hasattr(sknn, name) for name in sknn.__all__)


def test_import_loads_no_optional_package_and_compiles_nothing():
    code = (
        "import sys, sknn, sknn.network;"
        "extra = {'matplotlib', 'torch', 'jax', 'dask'} & set(sys.modules);"
        "print(extra, sknn.network.run_epochs._compiled)"
    )
    command = [sys.executable, "-c", code]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert output.split() == ["set()", "{}"]


@pytest.mark.parametrize("turn", ["enable", "disable"])
def test_the_garbage_collector_is_left_as_it_was(turn):
    code = f"import gc; gc.{turn}(); import sknn; print(gc.isenabled())"
    command = [sys.executable, "-c", code]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert output.strip() == str(turn == "enable")


def test_namesake_is_named(monkeypatch):
    monkeypatch.setattr(sknn, "version", lambda name: "0.7")
    with pytest.warns(RuntimeWarning, match="scikit-neuralnetwork"):
        sknn._warn_of_namesake()


def test_no_warning_without_the_namesake():
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("scikit-neuralnetwork")
    sknn._warn_of_namesake()


COMPILED_AHEAD = [
    {},
    {"solver": "lbfgs"},
    {"solver": "adamw", "l1": 1e-4, "max_grad_norm": 1.0, "averaging": "ema"},
    {"activation": "mish", "parametric_activation": True, "input_scaling": True},
    {"numerical_embedding": "periodic", "dropout": 0.1, "input_noise": 0.1},
    {"numerical_embedding": "piecewise_linear", "normalization": "batch"},
    {"categorical_features": [0], "label_smoothing": 0.1},
    {"monotonic_cst": [1] + 7 * [0], "skip_connections": True, "n_jobs": 2},
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.filterwarnings("ignore", category=ConvergenceWarning)
def test_compiling_ahead_leaves_nothing_to_compile(dtype, monkeypatch):
    for each in {dtype, "float64"}:  # in which L-BFGS always computes
        assert compile_kernels(each) >= 0
    monkeypatch.setattr(Piece, "_compile", lambda piece, dtype: pytest.fail(piece.name))
    X, y = _data()
    X[:, 0] = np.arange(len(X)) % 3
    X = X.astype(dtype)
    net = MLPClassifier(hidden_layer_sizes=(16, 16), max_iter=2, random_state=0)
    for loss in (Quantile([0.1, 0.9]), Tweedie(power=0), Tweedie(power=1.2)):
        MLPRegressor(max_iter=2, loss=loss, random_state=0).fit(X, y).predict(X)
    for params in COMPILED_AHEAD:
        for labels in (y,) if "monotonic_cst" in params else (y, y + X[:, 0]):
            clone(net).set_params(**params).fit(X, labels).predict(X)


def _data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 8))
    return X, (X[:, 0] + X[:, 1] > 0).astype(int)


def _fit(seed):
    return MLPClassifier((16,), max_iter=300, tol=1e-2, random_state=seed).fit(*_data())


def test_fits_in_threads_are_those_of_one_thread():
    alone = [_fit(seed) for seed in range(6)]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(_fit, range(6)))
    for a, b in zip(alone, together, strict=True):
        assert np.array_equal(a._network[0].params, b._network[0].params)


@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_cross_validation_in_parallel(backend):
    import joblib

    net = MLPClassifier((8,), max_iter=300, tol=1e-2, random_state=0)
    alone = cross_val_score(net, *_data(), cv=3)
    with joblib.parallel_backend(backend, n_jobs=2):
        assert np.array_equal(cross_val_score(net, *_data(), cv=3), alone)


def test_interrupt_keeps_the_model(monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("sknn.training.count_improvement", interrupt)
    with pytest.warns(UserWarning, match=r"Training interrupted by user\."):
        net = MLPClassifier((16,), verbose=True, random_state=0).fit(*_data())
    assert net.n_iter_ == 1
    assert net.predict(_data()[0]).shape == (300,)


def test_an_interrupt_while_the_kernel_runs_loses_no_epoch(monkeypatch):
    run = TrainingPlan._run

    def interrupted(plan, kernel):
        run(plan, kernel)  # which an interrupt does not stop
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingPlan, "_run", interrupted)
    with pytest.warns(UserWarning, match=r"Training interrupted by user\."):
        net = _fit(0)
    assert net._optimizer.n_epochs == net.n_iter_ == len(net.loss_curve_) < 300
    with pytest.warns(ConvergenceWarning):
        as_long = clone(net).set_params(max_iter=net.n_iter_).fit(*_data())
    np.testing.assert_array_equal(net.coefs_[0], as_long.coefs_[0])


def test_convergence_warning_points_at_the_caller():
    with pytest.warns(ConvergenceWarning) as caught:
        MLPClassifier(max_iter=1).fit(*_data())
    assert len(caught) == 1


@pytest.mark.parametrize("dtype", ["float16", "int8", "foo"])
def test_compiling_ahead_for_another_dtype_is_refused(dtype):
    with pytest.raises(ValueError, match="'float64' or 'float32'"):
        compile_kernels(dtype)


def test_a_subclass_has_names_of_its_own():
    class Fewer(MLPClassifier):
        def __init__(self, alpha=0.1):
            super().__init__(alpha=alpha)

        @classmethod
        def _get_param_names(cls):
            names = super()._get_param_names()
            names.append("more")  # in a list that is nobody else's
            return names

    n_params = len(MLPClassifier().get_params())
    for _ in range(2):
        assert Fewer._get_param_names() == ["alpha", "more"]
    assert len(MLPClassifier().get_params()) == n_params
