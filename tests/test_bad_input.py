"""What is refused, how, and what a refusal leaves behind; and input of odd storage.

The oracle for refusals is scikit-learn: the same call on its class must raise the same
type of exception with the same message. Deliberate differences are in
test_differences.py.
"""

import contextlib
import copy
import re
import sys
import warnings

import numpy as np
import pytest
import scipy.sparse
import sklearn
from drawing import PEER_HAS_LOSS, PEER_HAS_WEIGHTS, PEER_VERSION
from scipy import sparse
from sklearn import neural_network as peer
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import sknn
from sknn.activations import Activation
from sknn.fitted_network import is_plain

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::RuntimeWarning",
    # An old scikit-learn speaks to a new SciPy in a way that this one deprecates.
    "ignore:scipy.optimize. The `disp` and `iprint`:DeprecationWarning",
)
both_classes = pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
stochastic = pytest.mark.parametrize("solver", ["sgd", "adam"])
all_solvers = pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])

RNG = np.random.RandomState(0)
X = RNG.standard_normal((40, 3))
# Parameters that take more here: the same words, but a longer list of values.
TAKE_MORE = ["activation", "loss", "solver", "learning_rate"]
HUGE_X = X * (np.finfo(float).max / 10)
Y = {"MLPClassifier": np.arange(40) % 3, "MLPRegressor": X.sum(axis=1)}


def estimator(name, module=sknn, **params):
    defaults = {"hidden_layer_sizes": (4,), "max_iter": 5, "random_state": 0}
    return getattr(module, name)(**defaults | params)


def refusal(call, module):
    """Type and message of what `call` raises, made comparable."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call(module)
        except Exception as error:
            return type(error), comparable(str(error))
    return None


def comparable(message):
    """Sets are printed in any order; and we may have parameters that they have not."""
    message = message.split(" Valid parameters are: ")[0]
    for param in TAKE_MORE:
        rule = f"(The '{param}' parameter of \\w+ must be a str among ).*( Got )"
        message = re.sub(rule, r"\1...\2", message)
    return re.sub(r"\{([^}]*)\}", lambda m: str(sorted(m[1].split(", "))), message)


def with_value(value):
    """X with one entry replaced."""
    changed = X.copy()
    changed[7, 1] = value
    return changed


# --- refused data: name -> (X, y, further arguments of fit) -------------------------

BAD_X = {
    "nan": with_value(np.nan),
    "inf": with_value(np.inf),
    "minus inf": with_value(-np.inf),
    "float32 inf": with_value(np.inf).astype(np.float32),
    "complex": X + 1j,
    "object of text": np.array([["a", 1, 2]] * 40, dtype=object),
    "strings": np.array([["a", "b", "c"]] * 40),
    "numbers in strings": np.array([["a1", "2", "3"]] * 40),
    "object with None": np.array([[None, 1, 2]] * 40, dtype=object),
    "no rows": np.empty((0, 3)),
    "no columns": np.empty((40, 0)),
    "one dimension": X[:, 0],
    "three dimensions": X[:, :, None],
    "number": 3.0,
    "text": "abc",
    "None": None,
    "ragged": [[1, 2], [3]] * 20,
    "sparse with nan": sparse.csr_matrix(with_value(np.nan)),
    "sparse with inf": sparse.csc_matrix(with_value(np.inf)),
    "sparse complex": sparse.csr_matrix(X + 1j),
    "sparse without rows": sparse.csr_matrix((0, 3)),
    "too few rows": X[:30],
}
BAD_Y = {
    "too short": lambda y: y[:30],
    "nan": lambda y: np.where(np.arange(40) == 3, np.nan, y),
    "inf": lambda y: np.where(np.arange(40) == 3, np.inf, y),
    "None": lambda y: None,
    "number": lambda y: 1,
    "three dimensions": lambda y: y[:, None, None],
    "empty": lambda y: y[:0],
    "text in numbers": lambda y: np.array([*y[:-1], "a"], dtype=object),
    "None in numbers": lambda y: np.array([*y[:-1], None], dtype=object),
    "complex": lambda y: y + 1j,
    "dictionary": lambda y: dict(enumerate(y)),
}
BAD_CLASSIFIER_Y = {
    "continuous": X[:, 0],
    "several continuous": X,
    "lists of labels": [[1, 2], [3]] * 20,
    "numbers and text": np.array([1, "a"] * 20, dtype=object),
}
BAD_WEIGHTS = {
    "too short": np.ones(30),
    "two dimensions": np.ones((40, 1)),
    "nan": np.where(np.arange(40) == 3, np.nan, 1.0),
    "inf": np.where(np.arange(40) == 3, np.inf, 1.0),
    "text": np.array(["a"] * 40),
    "all zero": np.zeros(40),
    "zero": 0,
}


def assert_same_refusal(call):
    expected = refusal(call, peer)
    if expected is None and PEER_VERSION < (1, 9):
        pytest.skip("this scikit-learn does not refuse it yet")
    assert expected is not None
    assert refusal(call, sknn) == expected


@both_classes
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("bad", BAD_X)
def test_bad_X_to_learn_from(name, method, bad):
    def call(module):
        classes = {"classes": [0, 1, 2]} if "Classifier" in name else {}
        further = classes if method == "partial_fit" else {}
        getattr(estimator(name, module), method)(BAD_X[bad], Y[name], **further)

    assert_same_refusal(call)


@both_classes
@pytest.mark.parametrize("bad", [bad for bad in BAD_X if bad != "too few rows"])
def test_bad_X_to_predict(name, bad):
    def call(module):
        estimator(name, module).fit(X, Y[name]).predict(BAD_X[bad])

    assert_same_refusal(call)


@both_classes
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n_rows", [1, 5, 16, 17, 48, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_bad_number_to_predict(name, value, n_rows, dtype):
    """Wherever it is: most rows are only looked at while they are predicted."""
    ours = estimator(name).fit(X, Y[name])
    theirs = estimator(name, peer).fit(X, Y[name])
    sound = np.resize(X, (n_rows, 3)).astype(dtype)
    for place in {0, n_rows // 2 * 3 + 1, n_rows * 3 - 1}:
        bad = sound.copy()
        bad.flat[place] = value
        for method in ("predict", "predict_proba")[: 1 + ("Classifier" in name)]:
            with pytest.raises(ValueError) as expected:
                getattr(theirs, method)(bad)
            with pytest.raises(ValueError, match=re.escape(str(expected.value)[:30])):
                getattr(ours, method)(bad)
        with pytest.raises(ValueError, match="contains"):
            ours.hidden_activations(bad)
        ours.predict(sound)  # and nothing of it is left


@pytest.mark.parametrize("n_rows", [5, 2000])
def test_a_bad_number_to_predict_in_threads(n_rows):
    model = estimator("MLPClassifier", n_jobs=2, hidden_layer_sizes=(200, 200))
    model.fit(X, Y["MLPClassifier"])
    bad = np.resize(X, (n_rows, 3))
    bad[n_rows // 3, 1] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        model.predict(bad)


@pytest.mark.parametrize("n_rows", [5, 100])
def test_assumed_to_be_finite(n_rows, monkeypatch):
    model = estimator("MLPRegressor").fit(X, Y["MLPRegressor"])
    bad = np.resize(X, (n_rows, 3))
    bad[2, 1] = np.nan
    with sklearn.config_context(assume_finite=True):
        assert np.array_equal(np.isnan(model.predict(bad)), np.isnan(bad).any(axis=1))
    # what it has left behind is no reason to look at others
    monkeypatch.setattr(model, "_validate_X", lambda X: pytest.fail("a second look"))
    model.predict(np.resize(X, (n_rows - 3, 3)))


@pytest.mark.parametrize("n_rows", [5, 100])
def test_own_functions_see_no_infinity(n_rows):
    """With it, theirs may never come to an end: so X is looked at before."""
    own = Activation(lambda z: z * 2, derivative=lambda z: z * 0 + 2)
    model = estimator("MLPRegressor", activation=own).fit(X, Y["MLPRegressor"])
    bad = np.resize(X, (n_rows, 3))
    assert is_plain(model, bad)
    bad[2] = np.inf
    assert not is_plain(model, bad)
    assert is_plain(model.set_params(activation="relu"), bad)


@both_classes
@pytest.mark.parametrize("bad", BAD_Y)
def test_bad_y(name, bad):
    assert_same_refusal(
        lambda module: estimator(name, module).fit(X, BAD_Y[bad](Y[name]))
    )


@pytest.mark.parametrize("bad", BAD_CLASSIFIER_Y)
def test_y_that_is_not_classes(bad):
    assert_same_refusal(
        lambda module: estimator("MLPClassifier", module).fit(X, BAD_CLASSIFIER_Y[bad])
    )


@pytest.mark.skipif(not PEER_HAS_WEIGHTS, reason="this scikit-learn takes no weights")
@both_classes
@pytest.mark.parametrize("bad", BAD_WEIGHTS)
def test_bad_weights(name, bad):
    if PEER_VERSION < (1, 8) and "zero" in bad:
        pytest.skip("this scikit-learn divides by the sum of the weights")

    def call(module):
        estimator(name, module).fit(X, Y[name], sample_weight=BAD_WEIGHTS[bad])

    assert_same_refusal(call)


@pytest.mark.skipif(not PEER_HAS_WEIGHTS, reason="this scikit-learn takes no weights")
@both_classes
@all_solvers
def test_negative_weights_are_taken(name, solver):
    weights = np.where(np.arange(40) % 7 == 0, -0.1, 1.0)
    ours, theirs = (
        estimator(name, module, solver=solver).fit(X, Y[name], sample_weight=weights)
        for module in (sknn, peer)
    )
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-6)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-4)


# --- refused parameters -------------------------------------------------------------

BAD_PARAMS = {
    "hidden_layer_sizes": [0, -1, (5, 0), [-2], 2.5, "a", None, (5, -3), {"a": 1}],
    "activation": ["gaussian", None, 3],
    "solver": ["newton", None, 3],
    "alpha": [-1, "a", None, np.nan],
    "batch_size": [0, -5, 2.5, "all", None],
    "learning_rate": ["cosine of nothing", None, 0.1],
    "learning_rate_init": [0, -1, "a", None],
    "power_t": [-1, "a", None],
    "max_iter": [0, -1, 2.5, "a", None],
    "shuffle": ["a", None, 3],
    "random_state": [-1, "a", 2.5],
    "tol": [-1, "a", None],
    "verbose": ["a", -1, None],
    "warm_start": ["a", None, 3],
    "momentum": [-0.1, 1.1, "a", None],
    "nesterovs_momentum": ["a", None, 3],
    "early_stopping": ["a", None, 3],
    "validation_fraction": [-0.1, 1.0, 1, "a", None],
    "beta_1": [-0.1, 1.0, "a", None],
    "beta_2": [-0.1, 1.0, "a", None],
    "epsilon": [0, -1, "a", None],
    "n_iter_no_change": [0, -1, 2.5, "a", None],
    "max_fun": [0, -1, 2.5, "a", None],
}


@both_classes
@pytest.mark.parametrize(
    ("param", "value"), [(p, v) for p, values in BAD_PARAMS.items() for v in values]
)
def test_bad_parameter(name, param, value):
    """Refused by fit with the same words, and never by the constructor."""
    assert_same_refusal(
        lambda module: estimator(name, module, **{param: value}).fit(X, Y[name])
    )


@pytest.mark.skipif(not PEER_HAS_LOSS, reason="this scikit-learn has no such parameter")
@pytest.mark.parametrize("value", ["hinge of nothing", None, 3])
def test_bad_loss(value):
    def call(module):
        estimator("MLPRegressor", module, loss=value).fit(X, X[:, 0])

    assert_same_refusal(call)


@both_classes
def test_every_parameter_has_bad_values_here(name):
    names = set(getattr(sknn, name)().get_params())
    theirs = set(getattr(peer, name)().get_params())
    assert names & theirs - {"loss"} == set(BAD_PARAMS)


# --- refused calls ------------------------------------------------------------------


FEWER = X[:, :2]


class Maker:
    """Makes estimators of one class of one module, to write calls down briefly."""

    def __init__(self, name, module):
        self.name, self.module, self.y = name, module, Y[name]

    def new(self, **params):
        return estimator(self.name, self.module, **params)

    def fitted(self, **params):
        return self.new(**params).fit(X, self.y)

    def split(self, **params):
        return self.fitted(early_stopping=True, **params)


REFUSED_CALLS = {
    "predict before fit": lambda m: m.new().predict(X),
    "score before fit": lambda m: m.new().score(X, m.y),
    "predict on fewer columns": lambda m: m.fitted().predict(FEWER),
    "score on fewer columns": lambda m: m.fitted().score(FEWER, m.y),
    "weights in score": lambda m: m.fitted().score(X, m.y, np.ones(3)),
    "partial_fit on fewer columns": lambda m: m.fitted().partial_fit(FEWER, m.y),
    "warm start on fewer": lambda m: m.fitted(warm_start=True).fit(FEWER, m.y),
    "early stopping set": lambda m: (
        m.fitted().set_params(early_stopping=True).partial_fit(X, m.y)
    ),
    "nothing to validate on": lambda m: m.split(validation_fraction=0.0),
    "nothing to learn from": lambda m: m.split(validation_fraction=0.99),
    "overflow, sgd": lambda m: m.new(solver="sgd").fit(HUGE_X, m.y),
    "overflow, adam": lambda m: m.new(solver="adam").fit(HUGE_X, m.y),
    "unknown parameter": lambda m: m.new().set_params(gamma=1),
}
REFUSED_CLASSIFIER_CALLS = {
    "predict_proba before fit": lambda m: m.new().predict_proba(X),
    "predict_log_proba before fit": lambda m: m.new().predict_log_proba(X),
    "predict_proba on fewer": lambda m: m.fitted().predict_proba(FEWER),
    "partial_fit of lbfgs": lambda m: m.new(solver="lbfgs").partial_fit,
    "partial_fit of no known solver": lambda m: m.new(solver="newton").partial_fit,
    "no classes": lambda m: m.new().partial_fit(X, m.y),
    "fewer classes than in y": lambda m: m.new().partial_fit(X, m.y, classes=[0, 1]),
    "new label": lambda m: m.fitted().partial_fit(X, m.y + 1),
    "other classes": lambda m: m.fitted().partial_fit(X, m.y, classes=[0, 7]),
    "text after numbers": lambda m: m.fitted().partial_fit(X, m.y.astype(str)),
    "indicators after classes": lambda m: m.fitted().partial_fit(X, np.eye(3)[m.y]),
    "continuous after classes": lambda m: m.fitted().partial_fit(X, m.y + 0.5),
    "new label, warm start": lambda m: m.fitted(warm_start=True).fit(X, m.y + 1),
    "fewer labels, warm start": lambda m: m.fitted(warm_start=True).fit(X, m.y % 2),
    "score against text": lambda m: m.fitted().score(X, m.y.astype(str)),
}
REFUSED_REGRESSOR_CALLS = {
    "diverging": lambda m: m.fitted(solver="sgd", learning_rate_init=1e3, max_iter=300),
    "diverging in partial_fit": lambda m: (
        m.new(solver="sgd", learning_rate_init=1e300)
        .partial_fit(X, m.y)
        .partial_fit(X, m.y)
    ),
    "overflowing target": lambda m: m.new(solver="sgd").fit(X, m.y * 1e307),
    "weights in partial_fit": lambda m: m.fitted().partial_fit(X, m.y, [1.0, 2.0]),
}
NAMED_CALLS = [
    *[("MLPClassifier", call) for call in REFUSED_CALLS | REFUSED_CLASSIFIER_CALLS],
    *[("MLPRegressor", call) for call in REFUSED_CALLS | REFUSED_REGRESSOR_CALLS],
]


@pytest.mark.parametrize(("name", "call"), NAMED_CALLS)
def test_refused_call(name, call):
    if not PEER_HAS_WEIGHTS and call == "weights in partial_fit":
        pytest.skip("this scikit-learn takes no weights")
    calls = REFUSED_CALLS | REFUSED_CLASSIFIER_CALLS | REFUSED_REGRESSOR_CALLS
    assert_same_refusal(lambda module: calls[call](Maker(name, module)))


@pytest.mark.skipif(PEER_VERSION < (1, 7), reason="checked since 1.7")
def test_too_small_a_validation_set():
    def call(module):
        model = estimator("MLPRegressor", module, early_stopping=True)
        model.fit(X[:5], X[:5, 0])

    assert_same_refusal(call)


# --- what is only warned of ---------------------------------------------------------


def warned(call, module):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(module)
    names_of_old = (DeprecationWarning,)
    return [
        (record.category, str(record.message))
        for record in caught
        if not issubclass(record.category, names_of_old)
    ]


WARNED_CALLS = {
    "batch larger than the data": lambda model, y: model.set_params(batch_size=41).fit(
        X, y
    ),
    "batch larger than what is left": lambda model, y: model.set_params(
        batch_size=41, early_stopping=True
    ).fit(X, y > 0),
    "column of y": lambda model, y: model.fit(X, y[:, None]),
    "too few iterations": lambda model, y: model.set_params(max_iter=1).fit(X, y),
    "batch larger than a part": lambda model, y: (
        model.set_params(batch_size=9).fit(X, y).partial_fit(X[:8], y[:8])
    ),
}


@both_classes
@stochastic
@pytest.mark.parametrize("call", WARNED_CALLS)
def test_same_warnings(name, solver, call):
    def run(module):
        WARNED_CALLS[call](estimator(name, module, solver=solver), Y[name])

    expected = warned(run, peer)
    assert expected
    assert warned(run, sknn) == expected


@all_solvers
def test_one_class_is_enough(solver):
    """One output then, and still two columns of probabilities."""
    ours, theirs = (
        estimator("MLPClassifier", module, solver=solver).fit(X, np.full(40, "a"))
        for module in (sknn, peer)
    )
    assert ours.n_outputs_ == theirs.n_outputs_ == 1
    np.testing.assert_array_equal(ours.classes_, ["a"])
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-5
    )


class Interrupted:
    """A standard output on whose `n`-th line the user presses Ctrl-C."""

    def __init__(self, n):
        self.n = n

    def write(self, text):
        self.n -= text.count("\n")
        if self.n == 0:
            self.n = -1
            raise KeyboardInterrupt

    def flush(self):
        pass


@both_classes
@stochastic
@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_interrupted_fit_is_kept(name, solver, early_stopping, monkeypatch):
    y = Y[name] > 0  # two classes, which both stratify

    def run(module):
        params = {"solver": solver, "early_stopping": early_stopping}
        model = estimator(name, module, verbose=True, max_iter=30, **params)
        monkeypatch.setattr(sys, "stdout", Interrupted(7))
        with pytest.warns(UserWarning, match=r"^Training interrupted by user\.$"):
            model.fit(X, y)
        monkeypatch.undo()
        return model

    ours, theirs = run(sknn), run(peer)
    assert ours.n_iter_ == theirs.n_iter_ < 30
    assert len(ours.loss_curve_) == len(theirs.loss_curve_)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6)


# --- what a refusal leaves behind ---------------------------------------------------

# name -> set_params before, and the data of a fit that is then refused
FAILURES = {
    "bad hidden layers": ({"hidden_layer_sizes": (3, 0)}, {}),
    "nan in X": ({}, {"X": with_value(np.nan)}),
    "nan in sparse X": ({}, {"X": sparse.csr_matrix(with_value(np.nan))}),
    "text in X": ({}, {"X": BAD_X["strings"]}),
    "other number of rows": ({}, {"X": X[:30]}),
    "y of other length": ({}, {"y": "too short"}),
    "nan in y": ({}, {"y": "nan"}),
    "weights of other length": ({}, {"sample_weight": np.ones(3)}),
    "weights of zero": ({}, {"sample_weight": np.zeros(40)}),
    "overflow": ({"hidden_layer_sizes": (7, 7)}, {"X": HUGE_X}),
    "other columns and overflow": ({}, {"X": np.full((40, 2), 1e308)}),
}
FIT_FAILURES = {
    "bad parameter": ({"alpha": -1}, {}),  # of a fitted model, partial_fit checks none
    "bad solver": ({"solver": "newton"}, {}),
    "validation set too small": (
        {"early_stopping": True, "validation_fraction": 0.01},
        {},
    ),
    "no validation set": ({"early_stopping": True, "validation_fraction": 0.0}, {}),
}
PARTIAL_FIT_FAILURES = {
    "early stopping": ({"early_stopping": True}, {}),
    "fewer columns": ({}, {"X": X[:, :2]}),
}
METHOD_FAILURES = [
    *[("fit", failure) for failure in FAILURES | FIT_FAILURES],
    *[("partial_fit", failure) for failure in FAILURES | PARTIAL_FIT_FAILURES],
]


def fail(model, name, method, failure):
    new_params, new_data = (FAILURES | FIT_FAILURES | PARTIAL_FIT_FAILURES)[failure]
    data = {"X": X, "y": Y[name]} | new_data
    if isinstance(data["y"], str):
        data["y"] = BAD_Y[data["y"]](Y[name])
    if method == "partial_fit" and "Classifier" in name:
        data["classes"] = [0, 1, 2]
    model.set_params(**new_params)
    before = copy.deepcopy(vars(model))
    with pytest.raises(ValueError):
        getattr(model, method)(**data)
    return before


def same(one, other):
    """Equality, which does not stop at arrays."""
    if one is other:
        return True
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if hasattr(one, "__dict__"):
        return same(vars(one), vars(other))
    return bool(one == other)


@both_classes
@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize(("method", "failure"), METHOD_FAILURES)
def test_a_failed_fit_leaves_the_earlier_one(name, method, failure, warm_start):
    solver = "adam" if method == "partial_fit" else "sgd"
    params = {"solver": solver, "warm_start": warm_start}
    model = estimator(name, **params).fit(X, Y[name])
    twin = estimator(name, **params).fit(X, Y[name])
    predicted = model.predict(X)
    before = fail(model, name, method, failure)
    assert same(vars(model), before)
    np.testing.assert_array_equal(model.predict(X), predicted)
    # and it trains on as if nothing had happened
    model.set_params(**twin.get_params())
    np.testing.assert_array_equal(
        model.partial_fit(X, Y[name]).predict(X),
        twin.partial_fit(X, Y[name]).predict(X),
    )


@both_classes
@pytest.mark.parametrize("failure", ["nan in X", "y of other length", "bad parameter"])
def test_a_failed_fit_of_lbfgs_leaves_the_earlier_one(name, failure):
    model = estimator(name, solver="lbfgs").fit(X, Y[name])
    predicted = model.predict(X)
    before = fail(model, name, "fit", failure)
    assert same(vars(model), before)
    np.testing.assert_array_equal(model.predict(X), predicted)


@both_classes
@pytest.mark.parametrize(
    ("method", "failure"), [mf for mf in METHOD_FAILURES if mf[1] != "fewer columns"]
)
def test_a_failed_first_fit_leaves_the_model_unfitted(name, method, failure):
    model = estimator(name)
    fail(model, name, method, failure)
    assert vars(model).keys() == estimator(name).get_params().keys()
    with pytest.raises(NotFittedError):
        model.predict(X)
    model.set_params(**estimator(name).get_params()).fit(X, Y[name])
    np.testing.assert_array_equal(
        model.predict(X), estimator(name).fit(X, Y[name]).predict(X)
    )


def test_new_labels_leave_the_model_as_it_was():
    model = estimator("MLPClassifier").fit(X, Y["MLPClassifier"])
    before = copy.deepcopy(vars(model))
    for labels in (Y["MLPClassifier"] + 1, np.full(40, "a"), np.eye(40, 3, dtype=int)):
        with pytest.raises(ValueError, match=r"classes not in|not fitted with"):
            model.partial_fit(X, labels)
        assert same(vars(model), before)


# --- odd storage --------------------------------------------------------------------


def read_only(array, _):
    array = array.copy()
    array.flags.writeable = False
    return array


def fortran_ordered(array, _):
    return np.asfortranarray(array)


def strided(array, _):
    padded = np.zeros((len(array) * 2, *(2 * n for n in array.shape[1:])), array.dtype)
    view = padded[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def reversed_twice(array, _):
    return array[::-1].copy()[::-1]


def big_endian(array, _):
    return array.astype(array.dtype.newbyteorder(">"))


def unaligned(array, _):
    buffer = np.zeros(array.nbytes + 1, dtype=np.uint8)
    view = buffer[1:].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def memory_mapped(array, folder):
    path = folder / f"{array.dtype.kind}{array.ndim}.npy"
    np.save(path, array)
    return np.load(path, mmap_mode="r")


def objects(array, _):
    return array.astype(object)


STORAGES = (
    read_only,
    fortran_ordered,
    strided,
    reversed_twice,
    big_endian,
    unaligned,
    memory_mapped,
)


@both_classes
@all_solvers
@pytest.mark.parametrize(
    ("which", "storage"),
    [(w, s) for w in ("X", "y", "sample_weight") for s in STORAGES] + [("X", objects)],
)
def test_storage_does_not_matter(name, solver, which, storage, tmp_path):
    plain = {"X": X, "y": Y[name], "sample_weight": np.linspace(0.5, 2, 40)}
    stored = plain | {which: storage(plain[which], tmp_path)}
    np.testing.assert_array_equal(stored[which], plain[which])
    model = estimator(name, solver=solver).fit(**stored)
    expected = estimator(name, solver=solver).fit(**plain)
    for one, other in zip(model.coefs_, expected.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert model.loss_ == expected.loss_
    np.testing.assert_array_equal(model.predict(stored["X"]), expected.predict(X))
    assert model.score(**stored) == expected.score(**plain)


def wide_indices(matrix):
    """As SciPy makes them for matrices of many entries."""
    matrix.indices = matrix.indices.astype(np.int64)
    matrix.indptr = matrix.indptr.astype(np.int64)
    return matrix


def unsorted_indices(matrix):
    """The columns of every row backwards."""
    for start, stop in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        matrix.indices[start:stop] = matrix.indices[start:stop][::-1].copy()
        matrix.data[start:stop] = matrix.data[start:stop][::-1].copy()
    matrix.has_sorted_indices = False
    return matrix


def halved_duplicates(matrix):
    """Every entry stored twice, as two halves."""
    coo = matrix.tocoo()
    both = [np.concatenate([a, a]) for a in (coo.data / 2, coo.row, coo.col)]
    order = np.argsort(both[1], kind="stable")
    data, rows, columns = (a[order] for a in both)
    indptr = np.searchsorted(rows, np.arange(matrix.shape[0] + 1))
    return sparse.csr_matrix((data, columns, indptr), shape=matrix.shape)


def stored_zeros(matrix):
    """Every zero stored like the other entries."""
    rows, columns = np.indices(matrix.shape)
    data = (matrix.toarray().ravel(), (rows.ravel(), columns.ravel()))
    return sparse.csr_matrix(data, shape=matrix.shape)


def read_only_parts(matrix):
    for part in (matrix.data, matrix.indices, matrix.indptr):
        part.flags.writeable = False
    return matrix


SPARSE_STORAGES = (
    wide_indices,
    unsorted_indices,
    halved_duplicates,
    stored_zeros,
    read_only_parts,
    sparse.csc_matrix,
    sparse.csr_array,
    sparse.coo_matrix,
    sparse.lil_matrix,
    sparse.dok_matrix,
    sparse.bsr_matrix,
    sparse.dia_matrix,
)


@both_classes
@all_solvers
@pytest.mark.parametrize("storage", SPARSE_STORAGES)
def test_sparse_storage_does_not_matter(name, solver, storage):
    entries = np.where(np.abs(X) > 0.5, X, 0)
    matrix = storage(sparse.csr_matrix(entries))
    kept = matrix.copy()
    model = estimator(name, solver=solver).fit(matrix, Y[name])
    expected = estimator(name, solver=solver).fit(entries, Y[name])
    for one, other in zip(model.coefs_, expected.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(model.predict(matrix), expected.predict(entries), 1e-4)
    np.testing.assert_array_equal(matrix.toarray(), kept.toarray())


@both_classes
@all_solvers
def test_data_is_left_as_it_was(name, solver):
    data = {"X": X.copy(), "y": Y[name].copy(), "sample_weight": np.ones(40)}
    estimator(name, solver=solver).fit(**data).predict(data["X"])
    np.testing.assert_array_equal(data["X"], X)
    np.testing.assert_array_equal(data["y"], Y[name])
    np.testing.assert_array_equal(data["sample_weight"], np.ones(40))
    for array in data.values():
        assert array.flags.writeable


@both_classes
def test_predictions_are_the_callers_own(name):
    """They can be written to, and no later prediction writes to them."""
    model = estimator(name).fit(X, Y[name])
    first = model.predict(X)
    kept = first.copy()
    model.predict(X[::-1])
    np.testing.assert_array_equal(first, kept)
    first[:] = 0
    with contextlib.suppress(AttributeError):
        proba = model.predict_proba(X)
        proba[:] = 0
    np.testing.assert_array_equal(model.predict(X), kept)


def test_edited_weights_that_do_not_fit_together_are_named():
    net = sknn.MLPClassifier((5,), max_iter=2, random_state=0)
    X, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    with pytest.warns(ConvergenceWarning):
        net.fit(X, y)
    net.intercepts_[0] = np.zeros(3)
    with pytest.raises(ValueError, match="coefs_ and intercepts_ do not fit together"):
        net.predict(X)


@pytest.mark.parametrize("fan_in", [1, 300])
@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
def test_weights_for_other_features_are_refused(kind, fan_in):
    X = np.arange(120.0).reshape(40, 3)
    net = sknn.MLPRegressor(hidden_layer_sizes=(4,), solver="lbfgs", tol=0.1)
    net.fit(X / 120, X[:, 0])
    net.coefs_ = [np.ones((fan_in, 4)), np.ones((4, 1))]
    with pytest.raises(ValueError, match=f"coefs_.0. has {fan_in} rows"):
        net.predict(kind(X))


def _fitted(X, **params):
    net = sknn.MLPRegressor(hidden_layer_sizes=2, max_iter=1, random_state=0, **params)
    return net.fit(X, Y["MLPRegressor"])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda X: X * np.nan,
        lambda X: X * -np.inf,
        lambda X: X[:, :-1],
        lambda X: X[0],
        lambda X: X[:0],
        lambda X: X.astype(str).astype(object) + "?",
        lambda X: X + 1j,
    ],
)
def test_a_row_is_refused_as_many_rows_are(spoil):
    net = _fitted(X)
    reports = []
    for n in (1, 40):
        with pytest.raises((ValueError, TypeError)) as report:
            net.predict(spoil(X[:n]))
        reports.append(report)
    assert reports[0].type is reports[1].type
    ours, theirs = (re.sub(r"\d+ sample", "n sample", str(r.value)) for r in reports)
    assert ours.splitlines()[0] == theirs.splitlines()[0]


def test_a_row_without_the_fitted_names_is_warned_of():
    pd = pytest.importorskip("pandas")
    net = _fitted(pd.DataFrame(X, columns=["a", "b", "c"]))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        net.predict(X[:1])


@pytest.mark.parametrize("dtype", [None, "float32", "float64"])
@pytest.mark.parametrize("given", [np.float32, np.float64, np.int64, ">f8"])
def test_a_row_is_predicted_as_among_many(dtype, given):
    rounded = (3 * X).astype(given)
    net = _fitted(rounded, dtype=dtype)
    row, rows = net.predict(rounded[:1]), net.predict(rounded)
    assert row.dtype == rows.dtype
    np.testing.assert_allclose(row[0], rows[0], rtol=1e-6)


@pytest.mark.parametrize("index", [-1, 4])
def test_a_sparse_x_with_numbers_outside_is_refused(index):
    X, y = scipy.sparse.csr_array(np.eye(4)), np.arange(4) % 2
    net = sknn.MLPClassifier((3,), max_iter=200).fit(X, y)
    X.indices[2] = index
    for call in (lambda: net.predict(X), lambda: net.fit(X, y)):
        with pytest.raises(ValueError, match="X has 4 columns, but indices from"):
            call()
