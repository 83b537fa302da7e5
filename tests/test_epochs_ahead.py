"""Several epochs in one call of the kernel: nobody can tell, but by the time."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import scale

from sknn import MLPClassifier
from sknn.averaging import EMA
from sknn.callbacks import History
from sknn.plans import TrainingPlan
from sknn.schedules import ReduceOnPlateau

X, Y = load_iris(return_X_y=True)
X = scale(X)


@pytest.fixture
def calls(monkeypatch):
    """What each call has returned: the losses and penalties of its epochs."""
    run_epochs, results = TrainingPlan.run_epochs, []

    def run_and_record(*args, **kwargs):
        results.append(run_epochs(*args, **kwargs))
        return results[-1].copy()

    monkeypatch.setattr(TrainingPlan, "run_epochs", run_and_record)
    return results


def _fit(params, callback=None):
    random_state = np.random.RandomState(0)
    net = MLPClassifier(**{"tol": 1e-3, "random_state": random_state} | params)
    if callback:
        net.set_callbacks(callback)
    net.fit(X, Y)
    return net, random_state.randint(2**31)


AHEAD = {
    "until it converges": {"learning_rate_init": 0.01, "batch_size": 40},
    "until epochs run out": {"max_iter": 29, "tol": 0.0, "n_iter_no_change": 400},
    "without patience": {"n_iter_no_change": 1, "learning_rate_init": 0.05},
    "in one order": {"shuffle": False, "learning_rate_init": 0.01, "batch_size": 40},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "momentum": 0.5},
    "cosine": {"learning_rate": "cosine", "batch_size": 149, "max_iter": 70},
    "averaged": {"averaging": EMA(), "batch_size": 50, "max_iter": 50},
    "normalised": {"normalization": "batch", "batch_size": 70, "max_iter": 50},
}
ONE_BY_ONE = {
    "noisy": {"dropout": 0.2},
    "validated": {"early_stopping": True},
    "verbose": {"verbose": True},
    "by the loss": {"learning_rate": ReduceOnPlateau(patience=1)},
    "by the samples": {"solver": "sgd", "learning_rate": "invscaling"},
    "large": {"hidden_layer_sizes": (1000, 1000, 200)},
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", AHEAD)
def test_no_bit_is_another(name, calls):
    net, drawn = _fit(AHEAD[name])
    n_epochs = [len(call) for call in calls]
    assert max(n_epochs) > 1 and sum(n_epochs) == net.n_iter_
    calls.clear()
    watched, drawn_there = _fit(AHEAD[name], History())
    assert len(calls) == net.n_iter_
    assert net.loss_curve_ == watched.loss_curve_
    assert drawn == drawn_there
    for ours, theirs in zip(net.coefs_, watched.coefs_):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_where_there_is_something_to_decide(name, calls, capsys):
    net, _ = _fit({"max_iter": 5} | ONE_BY_ONE[name])
    assert len(calls) == net.n_iter_ == 5


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_few_orders_are_drawn_ahead(calls, monkeypatch):
    monkeypatch.setattr("sknn.training.SAMPLES_AHEAD", 2 * len(X))
    _fit({"max_iter": 7, "tol": 0.0, "n_iter_no_change": 400})
    assert [len(call) for call in calls] == [3, 3, 1]


def test_nothing_is_trained_behind_a_loss_that_is_no_number(calls):
    with pytest.raises(ValueError, match="non-finite"):
        _fit({"solver": "sgd", "learning_rate_init": 1e300})
    losses = np.array(calls[0])[:, 0]
    assert np.isnan(losses[-1]) and np.isfinite(losses[:-1]).all()
