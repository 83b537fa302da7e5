"""What a network sees of y, and in which precision; and what it makes of X on its way.

The oracles are scikit-learn's `TransformedTargetRegressor`, NumPy, and the same network
on data that were converted by hand.
"""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.preprocessing import StandardScaler

from sknn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(70, 4))
Y = np.stack([1e4 + 300 * X[:, 0] * X[:, 1], 1e-3 * X[:, 2]], axis=1)
NUMBERS = np.stack([X[:, 0] * X[:, 1], X[:, 2]], axis=1)
CLASSES = np.digitize(X[:, 0] + X[:, 1], [-0.7, 0.7])
WEIGHTS = RNG.integers(1, 4, 70).astype(float)
all_solvers = pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])


def regressor(**params):
    defaults = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}
    return MLPRegressor(**defaults | params)


def classifier(**params):
    defaults = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}
    return MLPClassifier(**defaults | params)


def weights(model):
    return np.hstack([w.ravel() for w in [*model.coefs_, *model.intercepts_]])


# --- precision -----------------------------------------------------------------------

both = pytest.mark.parametrize(
    ("make", "y"),
    [(regressor, NUMBERS), (classifier, CLASSES)],
    ids=["numbers", "classes"],
)


@both
@all_solvers
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_dtype_is_as_if_x_had_it(make, y, solver, dtype, convert):
    other = {"float32": np.float64, "float64": np.float32}[dtype]
    model = make(solver=solver, dtype=dtype).fit(convert(X.astype(other)), y)
    plain = make(solver=solver).fit(convert(X.astype(other).astype(dtype)), y)
    assert {w.dtype for w in model.coefs_ + model.intercepts_} == {np.dtype(dtype)}
    rtol = 1e-6 if solver == "lbfgs" else 0
    np.testing.assert_allclose(weights(model), weights(plain), rtol=rtol)
    for data in (X.astype(np.float32), X):
        predict = model.predict_proba if make is classifier else model.predict
        assert predict(convert(data)).dtype == dtype


@both
@all_solvers
def test_precision_can_be_changed_on_the_way(make, y, solver):
    model = make(solver=solver, warm_start=True).fit(X, y)
    loss = model.set_params(dtype="float32").loss_
    assert model.fit(X, y).coefs_[0].dtype == np.float32
    assert model.loss_ < loss
    loss = model.set_params(dtype="float64").loss_
    assert model.fit(X, y).coefs_[0].dtype == np.float64
    assert model.loss_ < loss


@both
def test_precision_of_single_batches_and_of_a_pickle(make, y):
    model = make(dtype="float32")
    classes = {"classes": [0, 1, 2]} if make is classifier else {}
    for _ in range(2):
        model.partial_fit(X, y, **classes)
    copied = pickle.loads(pickle.dumps(model))
    assert copied.coefs_[0].dtype == np.float32
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))


@pytest.mark.parametrize("dtype", ["float16", float, np.float32, 32])
def test_no_such_precision(dtype):
    with pytest.raises(ValueError, match="The 'dtype' parameter of MLPRegressor"):
        regressor(dtype=dtype).fit(X, Y)


@pytest.mark.filterwarnings("ignore:overflow encountered in cast:RuntimeWarning")
def test_numbers_too_large_for_the_precision():
    with pytest.raises(ValueError, match="too large for dtype"):
        regressor(dtype="float32").fit(np.abs(X) * 1e300, Y)


# --- units of the targets ------------------------------------------------------------


@all_solvers
@pytest.mark.parametrize("y", [Y, Y[:, 0], Y[:, 0].astype(int)], ids=["2", "1", "int"])
def test_standardized_targets_are_those_of_a_scaler(y, solver):
    ours = regressor(standardize_target=True, solver=solver).fit(X, y)
    theirs = TransformedTargetRegressor(
        regressor(solver=solver), transformer=StandardScaler()
    )
    theirs.fit(X, y)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)
    assert ours.loss_ == pytest.approx(theirs.regressor_.loss_)
    np.testing.assert_allclose(ours.target_mean_, theirs.transformer_.mean_)
    np.testing.assert_allclose(ours.target_scale_, theirs.transformer_.scale_)


def test_mean_and_scale_are_weighted():
    repeated = WEIGHTS.astype(int)
    model = regressor(standardize_target=True, solver="lbfgs").fit(X, Y, WEIGHTS)
    y = Y.repeat(repeated, axis=0)
    np.testing.assert_allclose(model.target_mean_, y.mean(axis=0))
    np.testing.assert_allclose(model.target_scale_, y.std(axis=0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("constant", [0.0, 0.1, -1e8, 1e-300])
def test_constant_targets(dtype, constant):
    y = np.full(70, constant)
    model = regressor(standardize_target=True, dtype=dtype, max_iter=300).fit(X, y)
    assert model.target_scale_ == 1
    np.testing.assert_allclose(model.predict(X), y, rtol=1e-6, atol=0.5)
    assert model.predict(X).dtype == dtype


def test_mean_and_scale_are_those_of_what_is_trained_on():
    """Scores are in the units of y, and losses in those of the network."""
    params = {"standardize_target": True, "max_iter": 3}
    y, y_val = Y[:50], Y[50:]
    for early_stopping in (True, False):
        model = regressor(early_stopping=early_stopping, **params)
        model.fit(X[:50], y, X_val=X[50:], y_val=y_val)
        np.testing.assert_allclose(model.target_mean_, y.mean(axis=0))
        score = model.score(X[50:], y_val)
        scores = model.validation_scores_
        assert (max(scores) if early_stopping else scores[-1]) == pytest.approx(score)
    errors = (model.predict(X[50:]) - y_val) / model.target_scale_
    loss = model.validation_loss_curve_[-1]
    assert loss == pytest.approx(np.mean(errors**2) / 2)
    aside = regressor(early_stopping=True, **params).fit(X, Y)
    assert not np.allclose(aside.target_mean_, Y.mean(axis=0), rtol=1e-9)


def test_scorers_see_the_units_of_y():
    model = regressor(standardize_target=True, scoring="neg_mean_absolute_error")
    model.fit(X, Y, X_val=X, y_val=Y)
    error = np.mean(np.abs(model.predict(X) - Y))
    assert model.validation_scores_[-1] == pytest.approx(-error)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_fit_that_continues_keeps_the_units(method):
    model = regressor(standardize_target=True, warm_start=True)
    first = getattr(model, method)(X, Y).target_mean_
    getattr(model, method)(X, Y + 1e6)
    np.testing.assert_array_equal(model.target_mean_, first)
    np.testing.assert_allclose(first, Y.mean(axis=0))
    with pytest.raises(ValueError, match="cannot change standardize_target"):
        getattr(model.set_params(standardize_target=False), method)(X, Y)
    model.set_params(warm_start=False).fit(X, Y)
    assert model.target_mean_ is model.target_scale_ is None


def test_only_real_outputs_can_be_standardized():
    with pytest.raises(ValueError, match="standardize_target=True is for"):
        regressor(standardize_target=True, loss="poisson").fit(X, np.abs(Y))


# --- hidden layers -------------------------------------------------------------------

ACTIVATIONS = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
}


def by_hand(model, depth):
    units = X
    for coef, intercept in list(zip(model.coefs_, model.intercepts_))[:depth]:
        units = ACTIVATIONS[model.activation](units @ coef + intercept)
    return units


@both
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_hidden_activations(make, y, activation, convert):
    model = make(hidden_layer_sizes=(6, 3, 5), activation=activation).fit(X, y)
    data, predicted = convert(X), model.predict(X)
    for depth in (1, 2, 3):
        expected = by_hand(model, depth)
        for layer in (depth - 1, depth - 4, np.int64(depth - 1)):
            units = model.hidden_activations(data, layer)
            np.testing.assert_allclose(units, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(model.hidden_activations(data), units)
    np.testing.assert_array_equal(model.predict(X), predicted)


@pytest.mark.parametrize(
    "layers",
    [
        {"normalization": "batch", "dropout": 0.5},
        {"normalization": "layer", "skip_connections": True},
        {"activation": ["tanh", "relu", "logistic"]},
        {"monotonic_cst": [1, -1, 0, 0]},
    ],
)
def test_the_last_layer_takes_hidden_activations_from_there(layers):
    """Whatever there is between the layers."""
    model = regressor(hidden_layer_sizes=(6, 3, 5), **layers).fit(X, Y)
    units = model.hidden_activations(X)
    by_hand = units @ model.coefs_[-1] + model.intercepts_[-1]
    np.testing.assert_allclose(by_hand, model.predict(X), rtol=1e-9)
    assert [model.hidden_activations(X, i).shape[1] for i in range(3)] == [6, 3, 5]


def test_hidden_activations_follow_edits_and_precision():
    model = regressor(standardize_target=True).fit(X.astype(np.float32), Y)
    model.coefs_[0][:] *= 2
    units = model.hidden_activations(X.astype(np.float32))
    assert units.dtype == np.float32
    np.testing.assert_allclose(units, by_hand(model, 1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("sizes", "layer"), [((6, 3), 2), ((6, 3), -3), ((), 0), ((), -1)]
)
def test_no_such_hidden_layer(sizes, layer):
    model = regressor(hidden_layer_sizes=sizes).fit(X, Y)
    with pytest.raises(IndexError, match=f"no hidden layer {layer}.* has {len(sizes)}"):
        model.hidden_activations(X, layer)
