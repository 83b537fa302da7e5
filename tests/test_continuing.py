"""Estimators that go on: parameters, weights and data that change between calls.

The oracle is scikit-learn's own class put through the same calls, where it allows them.
"""

import copy
import pickle
import sys
from threading import Event, Thread

import numpy as np
import pytest
from drawing import PEER_HAS_LOSS
from sklearn import neural_network as peer

import sknn
from sknn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
TARGET = X[:, 0] + X[:, 1] * X[:, 2]
LABELS = (TARGET > 0).astype(int)


def same(ours, theirs):
    for a, b in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)


@pytest.mark.parametrize("begin", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    "before, after",
    [
        ({}, {"alpha": 100.0}),
        ({}, {"learning_rate_init": 0.3}),
        ({}, {"momentum": 0.1, "nesterovs_momentum": False}),
        ({}, {"learning_rate": "invscaling"}),
        ({}, {"learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 10.0}),
        ({"learning_rate": "invscaling"}, {"learning_rate": "constant"}),
        ({"learning_rate": "invscaling"}, {"power_t": 0.1}),
        ({"solver": "adam"}, {"beta_1": 0.1, "epsilon": 1.0}),
        ({}, {"batch_size": 7, "shuffle": False}),
    ],
)
def test_parameters_set_between_partial_fits(begin, before, after):
    settings = {"hidden_layer_sizes": (6,), "solver": "sgd", "random_state": 0}
    settings |= {"max_iter": 4} | before
    models = [module.MLPRegressor(**settings) for module in (sknn, peer)]
    for model in models:
        getattr(model, begin)(X, TARGET)
        model.partial_fit(X, TARGET)
        model.set_params(**after)
        for _ in range(4):
            model.partial_fit(X, TARGET)
    same(*models)


def widened():
    """A network whose user has given it more hidden units than it was fitted with."""
    net = MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0)
    net.fit(X, TARGET)
    net.coefs_ = [np.full((5, 900), 0.01), np.full((900, 1), 0.01)]
    net.intercepts_ = [np.zeros(900), np.zeros(1)]
    return net.set_params(hidden_layer_sizes=(900,))


def refitted_by_lbfgs():
    net = MLPRegressor(hidden_layer_sizes=(2,), max_iter=3, random_state=0)
    net.fit(X, TARGET).set_params(solver="lbfgs", hidden_layer_sizes=(2000,))
    return net.fit(X, TARGET).set_params(solver="adam")


def cast_to_single():
    net = MLPRegressor(hidden_layer_sizes=(200, 1), max_iter=3, random_state=0)
    net.fit(X, TARGET)
    net.coefs_ = [coef.astype(np.float32) for coef in net.coefs_]
    return net


@pytest.mark.parametrize("make", [widened, refitted_by_lbfgs, cast_to_single])
def test_moments_of_another_network_are_not_used(make):
    net, fresh = make(), make()
    fresh._optimizer = None
    net.partial_fit(X, TARGET)
    fresh.partial_fit(X, TARGET)
    same(net, fresh)


def through_pickle(net):
    return pickle.loads(pickle.dumps(net))


@pytest.mark.parametrize("way", [lambda net: net, copy.copy, through_pickle])
def test_activation_set_after_the_fit_counts_at_once(way):
    settings = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}
    ours, theirs = (m.MLPRegressor(**settings).fit(X, TARGET) for m in (sknn, peer))
    for model in (ours, theirs):
        model.set_params(activation="tanh")
    np.testing.assert_allclose(way(ours).predict(X), theirs.predict(X), rtol=1e-9)


@pytest.mark.parametrize("way", [lambda net: net, copy.copy, through_pickle])
def test_loss_set_after_the_fit_leaves_predictions(way):
    net = MLPRegressor(hidden_layer_sizes=(6,), max_iter=5).fit(X, TARGET)
    expected = net.predict(X)
    assert np.array_equal(way(net.set_params(loss="poisson")).predict(X), expected)


def test_a_fitted_network_with_an_unknown_activation_survives_a_pickle():
    net = MLPRegressor(hidden_layer_sizes=(6,), max_iter=5).fit(X, TARGET)
    copied = through_pickle(net.set_params(activation="foo"))
    assert np.array_equal(
        copied.set_params(activation="relu").predict(X),
        net.set_params(activation="relu").predict(X),
    )


def test_weights_of_integers_can_be_trained_on():
    net = MLPRegressor(hidden_layer_sizes=(6,), max_iter=5).fit(X, TARGET)
    net.coefs_ = [np.ones(coef.shape, int) for coef in net.coefs_]
    assert net.partial_fit(X, TARGET).coefs_[0].dtype == np.float64


@pytest.mark.parametrize("low, high", [(0, 2), (-1, 1), (0, 1)])
def test_multilabel_indicators_count_as_yes_or_no(low, high):
    labels = np.where(X[:, :2] > 0, high, low)
    settings = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}
    nets = [m.MLPClassifier(**settings) for m in (sknn, peer)]
    try:
        nets[1].fit(X, labels)
    except ValueError:
        with pytest.raises(ValueError):
            nets[0].fit(X, labels)
    else:
        same(nets[0].fit(X, labels), nets[1])


@pytest.mark.skipif(not PEER_HAS_LOSS, reason="scikit-learn has this loss from 1.7 on")
def test_poisson_with_subnormal_ratios():
    y = np.where(X[:, 0] > 0, 1e-310, 1.0)
    settings = {"loss": "poisson", "hidden_layer_sizes": (6,), "max_iter": 3}
    settings |= {"random_state": 0}
    ours, theirs = (m.MLPRegressor(**settings).fit(X, y) for m in (sknn, peer))
    same(ours, theirs)


def test_a_regressor_made_by_hand_predicts():
    by_hand = {
        "coefs_": [np.ones((5, 3)), np.ones((3, 1))],
        "intercepts_": [np.arange(3.0), np.ones(1)],
        "out_activation_": "identity",
        "n_features_in_": 5,
        "n_layers_": 3,
    }
    ours, theirs = MLPRegressor((3,)), peer.MLPRegressor((3,))
    for net in (ours, theirs):
        vars(net).update(by_hand)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-12)


def test_lbfgs_with_weights_that_cancel():
    weights = np.where(np.arange(60) % 2, 1.0, -1.0)
    with pytest.raises(ZeroDivisionError, match="Weights sum to zero"):
        MLPClassifier(solver="lbfgs").fit(X, LABELS, weights)


def test_compiling_ahead_leaves_the_global_generator_alone():
    np.random.seed(0)
    expected = np.random.rand()
    np.random.seed(0)
    sknn.compile_kernels("float64")
    assert np.random.rand() == expected


def test_a_failing_fit_disturbs_no_prediction_in_another_thread():
    net = MLPRegressor(hidden_layer_sizes=(6,), max_iter=5).fit(X, TARGET)
    stop, errors = Event(), []

    def predict_all_the_time():
        while not stop.is_set():
            try:
                net.predict(X)
            except Exception as error:
                errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread = Thread(target=predict_all_the_time)
    thread.start()
    for _ in range(200):
        with pytest.raises(ValueError):
            net.fit(X, np.full(60, np.nan))
    stop.set()
    thread.join()
    sys.setswitchinterval(interval)
    assert not errors
