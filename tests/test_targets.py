"""What a network sees of y, and in which precision; and what it makes of X on its way.

The oracles are scikit-learn's `TransformedTargetRegressor`, NumPy, and the same network
on data that were converted by hand.
"""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn import metrics
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import type_of_target

from sknn import MLPClassifier, MLPRegressor
from sknn.losses import PointwiseLoss
from sknn.targets import labels_of

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


@pytest.mark.parametrize("dtype", ["float16", float, 32])
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


def test_probabilities_cannot_be_standardized():
    loss = PointwiseLoss(_square, _slope, link="logistic")
    with pytest.raises(ValueError, match="standardize_target=True is for"):
        regressor(standardize_target=True, loss=loss).fit(X, np.abs(Y))


def _square(output, target):
    return (output - target) ** 2


def _slope(output, target):
    return 2 * (output - target)


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


# --- several columns of classes ------------------------------------------------------

COLUMNS = np.stack([CLASSES, 7 * (X[:, 2] > 0), np.digitize(X[:, 3], [-1, 0, 1])], 1)
WORDS = np.array(["no", "yes", "perhaps", "?", "d", "e", "f", "g"])[COLUMNS]
SIZES = [3, 2, 4]
many = pytest.mark.parametrize("y", [COLUMNS, WORDS], ids=["numbers", "words"])
EVERY_CLASS = [np.unique(column) for column in WORDS.T]


def log_loss_of_columns(model, y):
    pairs = zip(y.T, model.predict_proba(X))
    return sum(metrics.log_loss(column, p) for column, p in pairs)


@many
def test_columns_are_predicted_as_by_a_forest(y):
    """The conventions of scikit-learn where y has several columns of classes."""
    ours = classifier(max_iter=300, learning_rate_init=0.05).fit(X, y)
    theirs = RandomForestClassifier(5, random_state=0).fit(X, y)
    assert ours.n_outputs_ == sum(SIZES)
    for one, other in zip(ours.classes_, theirs.classes_, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(ours.predict_proba(X), theirs.predict_proba(X), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one.sum(axis=1), 1)
    predicted = ours.predict(X)
    assert predicted.shape == y.shape and predicted.dtype == y.dtype
    assert ours.score(X, y) == np.mean((predicted == y).all(axis=1)) > 0.9
    weighted = np.average((predicted == y).all(axis=1), weights=WEIGHTS)
    assert ours.score(X, y, WEIGHTS) == pytest.approx(weighted)
    for one, other in zip(ours.predict_log_proba(X), ours.predict_proba(X)):
        np.testing.assert_allclose(one, np.log(other))
    assert get_tags(ours).target_tags.multi_output


def test_columns_without_hidden_layers_are_separate_models():
    params = {"hidden_layer_sizes": (), "solver": "lbfgs", "alpha": 1.0, "tol": 1e-8}
    together = classifier(**params, max_iter=500).fit(X, COLUMNS[:, ::2])
    for p, column in zip(together.predict_proba(X), COLUMNS[:, ::2].T):
        alone = classifier(**params, max_iter=500).fit(X, column)
        np.testing.assert_allclose(p, alone.predict_proba(X), atol=2e-4)


@many
@all_solvers
def test_loss_and_score_of_columns(y, solver):
    model = classifier(solver=solver).fit(X, y, X_val=X, y_val=y)
    expected = log_loss_of_columns(model, y)
    assert model.validation_loss_curve_[-1] == pytest.approx(expected)
    assert model.validation_scores_[-1] == model.score(X, y)


@many
def test_columns_stop_early_and_go_on(y):
    model = classifier(early_stopping=True, warm_start=True).fit(X, y)
    model.fit(X, y)
    assert len(model.validation_scores_) == 10
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    # the network is put together anew, and still knows where each column begins
    before = np.hstack(model.predict_proba(X))
    model.intercepts_[-1] = model.intercepts_[-1] + np.repeat([1.0, -2.0, 3.0], SIZES)
    np.testing.assert_allclose(np.hstack(model.predict_proba(X)), before)
    assert [p.shape[1] for p in model.predict_proba(X)] == SIZES


def test_batches_may_lack_classes_of_columns():
    one, other = classifier(), classifier()
    some = COLUMNS[:, 0] == 1
    one.partial_fit(X[some], WORDS[some], classes=EVERY_CLASS)
    one.partial_fit(X, WORDS)
    other.partial_fit(X[some], WORDS[some], classes=[list(c) for c in EVERY_CLASS])
    other.partial_fit(X, WORDS, classes=EVERY_CLASS)
    np.testing.assert_array_equal(weights(one), weights(other))
    with pytest.raises(ValueError, match="not the same as on last call"):
        one.partial_fit(X, WORDS, classes=EVERY_CLASS[::-1])
    with pytest.raises(ValueError, match="has classes not in"):
        one.partial_fit(X, WORDS[:, ::-1])
    with pytest.raises(ValueError, match="with 3 columns of labels"):
        one.partial_fit(X, WORDS[:, 0])


@many
@pytest.mark.parametrize("how", ["balanced", "dicts"])
def test_weights_of_the_classes_of_columns(y, how):
    dicts = [{c: 1.0 + i for i, c in enumerate(np.unique(col))} for col in y.T]
    class_weight = {"balanced": how, "dicts": dicts}[how]
    model = classifier(class_weight=class_weight).fit(X, y)
    plain = classifier().fit(X, y, compute_sample_weight(class_weight, y))
    np.testing.assert_allclose(weights(model), weights(plain))


@pytest.mark.parametrize("y_val", [WORDS[:, :2], WORDS[:, ::-1], WORDS[:, 0]])
def test_other_columns_do_not_validate(y_val):
    with pytest.raises(ValueError, match="X_val and y_val do not fit"):
        classifier().fit(X, WORDS, X_val=X, y_val=y_val)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint64"])
@pytest.mark.parametrize("labels", [[0, 1], [3, 5, 4], [-100, 100, 7], [7], [0, 10**6]])
def test_kinds_of_integers(labels, dtype):
    y = np.resize(labels, 600)
    if not np.array_equal(y.astype(dtype), y):
        pytest.skip("no such labels of this dtype")
    y = y.astype(dtype)
    labels = labels_of(y)
    assert labels._kind == type_of_target(y)
    classes = labels.classes
    assert np.array_equal(classes, np.unique(y)) and classes.dtype == y.dtype


@pytest.mark.parametrize("make", ["Series", "array"])
def test_classes_of_pandas(make):
    pandas = pytest.importorskip("pandas")
    classes = getattr(pandas, make)([0, 1, 2], dtype="Int64")
    model = classifier().partial_fit(X, CLASSES, classes=classes)
    assert list(model.classes_) == [0, 1, 2]
