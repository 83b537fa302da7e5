"""What scikit-learn's tools ask of an estimator: checks, signatures, attributes, tools.

The oracles are scikit-learn's estimator checks, the signatures of its 1.9.1, and, for
everything else, its own classes put through the same tool.
"""

import inspect
import pickle

import joblib
import numpy as np
import pytest
import sklearn
from drawing import PEER_HAS_LOSS, PEER_HAS_WEIGHTS
from sklearn import neural_network as peer
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

import sknn
from sknn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    # An old scikit-learn speaks to a new SciPy in a way that this one deprecates.
    "ignore:scipy.optimize. The `disp` and `iprint`:DeprecationWarning",
)
MODULES = (sknn, peer)
both_classes = pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
all_solvers = pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
needs_peer_weights = pytest.mark.skipif(
    not PEER_HAS_WEIGHTS, reason="this scikit-learn has no sample_weight to compare to"
)

# The constructors of scikit-learn 1.9.1; `*` stands where they become keyword-only.
SHARED_DEFAULTS = {
    "hidden_layer_sizes": (100,),
    "activation": "relu",
    "*": None,
    "solver": "adam",
    "alpha": 0.0001,
    "batch_size": "auto",
    "learning_rate": "constant",
    "learning_rate_init": 0.001,
    "power_t": 0.5,
    "max_iter": 200,
    "shuffle": True,
    "random_state": None,
    "tol": 1e-4,
    "verbose": False,
    "warm_start": False,
    "momentum": 0.9,
    "nesterovs_momentum": True,
    "early_stopping": False,
    "validation_fraction": 0.1,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "epsilon": 1e-8,
    "n_iter_no_change": 10,
    "max_fun": 15000,
}
CONSTRUCTORS = {
    "MLPClassifier": SHARED_DEFAULTS,
    "MLPRegressor": {"loss": "squared_error", **SHARED_DEFAULTS},
}
METHODS = {
    "MLPClassifier.fit": "(self, X, y, sample_weight=None)",
    "MLPClassifier.partial_fit": "(self, X, y, sample_weight=None, classes=None)",
    "MLPClassifier.predict": "(self, X)",
    "MLPClassifier.predict_proba": "(self, X)",
    "MLPClassifier.predict_log_proba": "(self, X)",
    "MLPClassifier.score": "(self, X, y, sample_weight=None)",
    "MLPRegressor.fit": "(self, X, y, sample_weight=None)",
    "MLPRegressor.partial_fit": "(self, X, y, sample_weight=None)",
    "MLPRegressor.predict": "(self, X)",
    "MLPRegressor.score": "(self, X, y, sample_weight=None)",
}
ALWAYS = {
    "coefs_",
    "intercepts_",
    "loss_",
    "n_features_in_",
    "n_iter_",
    "n_layers_",
    "n_outputs_",
    "out_activation_",
    "t_",
}
STOCHASTIC = {
    "best_loss_",
    "best_validation_score_",
    "loss_curve_",
    "validation_scores_",
}
OURS = {"best_n_iter_", "validation_loss_curve_"}
OF_TARGETS = {
    "MLPClassifier": {"classes_"},
    "MLPRegressor": {"target_mean_", "target_scale_"},
}


@pytest.fixture
def data(name):
    return table(name)


def table(name):
    """A small table that the named class can learn, in float64."""
    load = load_iris if name == "MLPClassifier" else load_diabetes
    X, y = load(return_X_y=True)
    rows = np.random.RandomState(0).permutation(len(X))[:120]
    y = y if name == "MLPClassifier" else (y - y.mean()) / y.std()
    return StandardScaler().fit_transform(X)[rows], y[rows]


def estimator(name, module=sknn, **params):
    defaults = {"hidden_layer_sizes": (9,), "max_iter": 8, "random_state": 3}
    return getattr(module, name)(**defaults | params)


def fitted(name, module=sknn, **params):
    return estimator(name, module, **params).fit(*table(name))


# --- scikit-learn's own checks ------------------------------------------------------


THEIR_CHECKS = parametrize_with_checks(
    [
        MLPClassifier(),
        MLPRegressor(),
        MLPClassifier(solver="lbfgs", hidden_layer_sizes=15, tol=0.01),
        MLPRegressor(solver="sgd", hidden_layer_sizes=15, activation="tanh"),
    ]
)


# As a list: scikit-learn 1.6 makes a generator, which pytest 9 warns of.
@pytest.mark.parametrize(
    THEIR_CHECKS.args[0], list(THEIR_CHECKS.args[1]), **THEIR_CHECKS.kwargs
)
def test_estimator_checks(estimator, check):
    check(estimator)


# --- what is written down -----------------------------------------------------------


@both_classes
def test_constructor_begins_with_the_parameters_of_scikit_learn(name):
    """More parameters may follow, if they are keyword-only and so take no place."""
    parameters = list(inspect.signature(getattr(sknn, name)).parameters.values())
    names = [*CONSTRUCTORS[name]]
    positional = names[: names.index("*")]
    names.remove("*")
    assert [p.name for p in parameters][: len(names)] == names
    for parameter in parameters:
        may_be_positional = parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        assert may_be_positional == (parameter.name in positional)
    for parameter in parameters[: len(names)]:
        default = CONSTRUCTORS[name][parameter.name]
        assert parameter.default == default
        assert type(parameter.default) is type(default)


@pytest.mark.skipif(not PEER_HAS_LOSS, reason="an older scikit-learn has fewer")
@both_classes
def test_the_constructors_above_are_those_of_scikit_learn(name):
    signature = inspect.signature(getattr(peer, name))
    expected = {k: v for k, v in CONSTRUCTORS[name].items() if k != "*"}
    assert {p.name: p.default for p in signature.parameters.values()} == expected


@pytest.mark.parametrize("method", METHODS)
def test_method_signature(method):
    """Further parameters may follow, if they are keyword-only."""
    name, method_name = method.split(".")
    signature = inspect.signature(getattr(getattr(sknn, name), method_name))
    kept = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
    assert str(inspect.Signature(kept)) == METHODS[method]


@both_classes
def test_no_methods_that_change_how_tools_treat_the_estimator(name):
    """A decision_function or transform would be preferred to predict_proba."""
    assert not hasattr(getattr(sknn, name), "decision_function")
    assert not hasattr(getattr(sknn, name), "transform")


@both_classes
def test_tags(name):
    ours, theirs = (get_tags(getattr(module, name)()) for module in (sknn, peer))
    # Several outputs do work, of numbers in scikit-learn, too, which does not say so.
    theirs.target_tags.multi_output = True
    assert ours == theirs


# --- what a fit leaves behind -------------------------------------------------------


def public_fitted(model):
    return {n for n in vars(model) if n.endswith("_") and not n.startswith("_")}


@both_classes
@all_solvers
@pytest.mark.parametrize("early_stopping", [False, True])
def test_fitted_attributes(name, solver, early_stopping):
    params = {"solver": solver, "early_stopping": early_stopping}
    expected = ALWAYS | (STOCHASTIC if solver != "lbfgs" else set())
    expected |= {"classes_"} if name == "MLPClassifier" else set()
    assert public_fitted(fitted(name, peer, **params)) == expected
    expected |= OF_TARGETS[name] | (OURS if solver != "lbfgs" else set())
    assert public_fitted(fitted(name, **params)) == expected


@both_classes
@all_solvers
def test_types_of_fitted_attributes(name, solver):
    ours, theirs = (vars(fitted(name, m, solver=solver)) for m in (sknn, peer))
    for attribute in ALWAYS:
        expected = type(theirs[attribute])
        # A NumPy float is a float, and so is ours where theirs is a NumPy float.
        expected = float if issubclass(expected, float) else expected
        assert isinstance(ours[attribute], expected), attribute


@both_classes
def test_a_new_solver_does_not_leave_the_marks_of_the_old(name, data):
    """As scikit-learn: what lbfgs does not set stays as the fit before left it."""
    models = [fitted(name, m).set_params(solver="lbfgs").fit(*data) for m in MODULES]
    assert (
        public_fitted(models[0]) == public_fitted(models[1]) | OURS | OF_TARGETS[name]
    )
    assert len(models[0].loss_curve_) == len(models[1].loss_curve_)


# --- copies -------------------------------------------------------------------------


@both_classes
def test_clone_and_params(name):
    params = {"alpha": 0.5, "hidden_layer_sizes": [3, 4], "n_iter_no_change": np.inf}
    model = getattr(sknn, name)(**params)
    copy = clone(model)
    assert copy is not model
    assert copy.get_params() == model.get_params()
    assert {k: copy.get_params()[k] for k in params} == params
    assert copy.set_params(alpha=1.0) is copy
    assert (copy.alpha, model.alpha) == (1.0, 0.5)


@both_classes
def test_repr_is_that_of_scikit_learn(name):
    params = {"alpha": 0.5, "solver": "sgd", "hidden_layer_sizes": 3}
    ours, theirs = (getattr(module, name)(**params) for module in MODULES)
    assert repr(ours) == repr(theirs)
    assert repr(getattr(sknn, name)()) == f"{name}()"


def roundtrips(tmp_path):
    def through_joblib(model):
        joblib.dump(model, tmp_path / "model")
        return joblib.load(tmp_path / "model")

    def memory_mapped(model):
        joblib.dump(model, tmp_path / "model")
        return joblib.load(tmp_path / "model", mmap_mode="r")

    def pickled(model):
        return pickle.loads(pickle.dumps(model))

    return through_joblib, memory_mapped, pickled


@both_classes
@all_solvers
@pytest.mark.parametrize("which", range(3))
def test_a_stored_model_predicts_the_same(name, solver, which, data, tmp_path):
    model = fitted(name, solver=solver, hidden_layer_sizes=(200,))
    stored = roundtrips(tmp_path)[which](model)
    np.testing.assert_array_equal(stored.predict(data[0]), model.predict(data[0]))
    assert public_fitted(stored) == public_fitted(model)
    for one, other in zip(stored.coefs_, model.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


@both_classes
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("which", range(3))
def test_a_stored_model_trains_on_the_same(name, solver, which, data, tmp_path):
    """So the state of the optimiser is stored too, and a read-only store will do."""
    model = fitted(name, solver=solver)
    stored = roundtrips(tmp_path)[which](model)
    for _ in range(3):
        model.partial_fit(*data)
        stored.partial_fit(*data)
    np.testing.assert_array_equal(stored.predict(data[0]), model.predict(data[0]))
    assert stored.loss_curve_ == model.loss_curve_


@both_classes
def test_a_stored_unfitted_model_is_unfitted(name, data):
    stored = pickle.loads(pickle.dumps(estimator(name)))
    assert not public_fitted(stored)
    stored.fit(*data)


@both_classes
@all_solvers
def test_stored_size(name, solver):
    """Once the parameters; with sgd twice and with adam thrice, as scikit-learn does.

    scikit-learn keeps a second copy of the parameters, which we do not need.
    """
    model = fitted(name, solver=solver, hidden_layer_sizes=(256, 256), max_iter=1)
    n_bytes = sum(w.nbytes for w in [*model.coefs_, *model.intercepts_])
    copies = {"lbfgs": 1, "sgd": 2, "adam": 3}[solver]
    assert len(pickle.dumps(model)) < 1.15 * copies * n_bytes + 10_000


# --- the tools ----------------------------------------------------------------------


def same_as_peer(run, rtol=1e-6):
    """What `run` gives with our module agrees with what it gives with theirs."""
    ours, theirs = run(sknn), run(peer)
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=1e-9)


@both_classes
def test_pipeline(name, data):
    def run(module):
        pipeline = make_pipeline(StandardScaler(), estimator(name, module))
        return pipeline.fit(*data).predict(data[0])

    same_as_peer(run)


@both_classes
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_grid_search(name, n_jobs, data):
    grid = {"alpha": [1e-4, 1.0], "hidden_layer_sizes": [(4,), (5, 3)]}

    def run(module):
        search = GridSearchCV(estimator(name, module), grid, n_jobs=n_jobs, cv=3)
        return search.fit(*data).cv_results_["mean_test_score"]

    same_as_peer(run)


@both_classes
def test_cross_val_predict(name, data):
    method = "predict_proba" if name == "MLPClassifier" else "predict"
    same_as_peer(
        lambda module: cross_val_predict(estimator(name, module), *data, method=method)
    )


@both_classes
def test_threads_give_what_one_thread_gives(name, data):
    """Fits in threads share compiled code; they must not share anything else."""

    def scores(n_jobs):
        with joblib.parallel_backend("threading"):
            model = estimator(name, max_iter=20)
            return cross_validate(model, *data, cv=4, n_jobs=n_jobs)["test_score"]

    np.testing.assert_array_equal(scores(4), scores(1))


def test_voting_classifier():
    X, y = table("MLPClassifier")

    def run(module):
        one, other = (estimator("MLPClassifier", module, alpha=a) for a in (0, 1))
        members = [("one", one), ("other", other)]
        return VotingClassifier(members, voting="soft").fit(X, y).predict_proba(X)

    same_as_peer(run)


def test_voting_regressor():
    X, y = table("MLPRegressor")

    def run(module):
        one, other = (estimator("MLPRegressor", module, alpha=a) for a in (0, 1))
        members = [("one", one), ("other", other)]
        return VotingRegressor(members).fit(X, y).predict(X)

    same_as_peer(run)


def test_calibrated_classifier():
    X, y = table("MLPClassifier")

    def run(module):
        model = CalibratedClassifierCV(estimator("MLPClassifier", module), cv=3)
        return model.fit(X, y).predict_proba(X)

    same_as_peer(run, rtol=1e-4)  # the calibration is an optimisation of its own


@needs_peer_weights
@both_classes
def test_routing_of_sample_weight(name, data):
    weights = np.linspace(0.1, 3, len(data[0]))

    def run(module):
        with sklearn.config_context(enable_metadata_routing=True):
            model = estimator(name, module)
            model.set_fit_request(sample_weight=True)
            model.set_score_request(sample_weight=False)
            search = GridSearchCV(model, {"alpha": [0, 1]}, cv=3)
            search.fit(*data, sample_weight=weights)
        return search.cv_results_["mean_test_score"]

    same_as_peer(run)
    unweighted = GridSearchCV(estimator(name), {"alpha": [0, 1]}, cv=3).fit(*data)
    assert not np.allclose(run(sknn), unweighted.cv_results_["mean_test_score"])


@both_classes
def test_routing_asks_before_it_passes_weights(name, data):
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(estimator(name), {"alpha": [0, 1]}, cv=3)
        with pytest.raises(ValueError, match="sample_weight"):
            search.fit(*data, sample_weight=np.ones(len(data[0])))


@both_classes
def test_feature_names(name, data):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(data[0], columns=[f"c{i}" for i in range(data[0].shape[1])])
    model = estimator(name, early_stopping=True).fit(X, data[1])
    assert list(model.feature_names_in_) == list(X.columns)
    np.testing.assert_array_equal(model.predict(X), model.predict(X[:]))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X.rename(columns={"c0": "other"}))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(data[0])


# --- float32 ------------------------------------------------------------------------


@both_classes
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_float32_in_float32_out(name, solver, data):
    X, y = data[0].astype(np.float32), data[1]
    model = estimator(name, solver=solver).fit(X, y)
    assert {w.dtype for w in model.coefs_ + model.intercepts_} == {np.dtype("float32")}
    method = "predict_proba" if name == "MLPClassifier" else "predict"
    assert getattr(model, method)(X).dtype == np.float32
    assert getattr(model, method)(data[0]).dtype == np.float64


@both_classes
@all_solvers
def test_float32_is_close_to_that_of_scikit_learn(name, solver, data):
    X, y = data[0].astype(np.float32), data[1].astype(np.float32)
    ours, theirs = (estimator(name, m, solver=solver).fit(X, y) for m in MODULES)
    for one, other in zip(ours.coefs_, theirs.coefs_, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(ours.loss_, theirs.loss_, rtol=1e-4)


# --- the weights are the user's -----------------------------------------------------


def outputs(model, X):
    is_classifier = hasattr(model, "predict_proba")
    return model.predict_proba(X) if is_classifier else model.predict(X)


def edited_in_place(model):
    model.coefs_[0][0, :] = 0.25
    model.intercepts_[-1][:] += 1


def one_array_replaced(model):
    model.coefs_[0] = np.full_like(model.coefs_[0], 0.125)


def lists_replaced(model):
    model.coefs_ = [np.asfortranarray(w * 2) for w in model.coefs_]
    model.intercepts_ = [b - 1 for b in model.intercepts_]


def replaced_then_edited(model):
    lists_replaced(model)
    outputs(model, np.zeros((1, model.n_features_in_)))
    edited_in_place(model)


def a_layer_widened(model):
    """Two units more in the hidden layer, as long as all arrays agree on it."""
    model.coefs_[0] = np.hstack([model.coefs_[0], model.coefs_[0][:, :2]])
    model.intercepts_[0] = np.append(model.intercepts_[0], [0.5, -0.5])
    model.coefs_[1] = np.vstack([model.coefs_[1], model.coefs_[1][:2]])


EDITS = (
    edited_in_place,
    one_array_replaced,
    lists_replaced,
    replaced_then_edited,
    a_layer_widened,
)


@both_classes
@all_solvers
@pytest.mark.parametrize("edit", EDITS)
def test_predictions_follow_edits_of_the_weights(name, solver, edit, data):
    ours, theirs = (fitted(name, module, solver=solver) for module in MODULES)
    before = outputs(ours, data[0])
    for model in (ours, theirs):
        edit(model)
    np.testing.assert_allclose(
        outputs(ours, data[0]), outputs(theirs, data[0]), rtol=1e-3, atol=1e-6
    )
    assert not np.allclose(outputs(ours, data[0]), before)


@both_classes
@pytest.mark.parametrize("edit", EDITS[:4])
@pytest.mark.parametrize("method", ["partial_fit", "fit"])
def test_training_goes_on_from_edited_weights(name, edit, method, data):
    models = [fitted(name, module, solver="sgd", warm_start=True) for module in MODULES]
    for model in models:
        edit(model)
        getattr(model, method)(*data)
    ours, theirs = models
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-6)
    np.testing.assert_allclose(outputs(ours, data[0]), outputs(theirs, data[0]))


# --- partial_fit --------------------------------------------------------------------


@both_classes
def test_partial_fit_is_absent_for_lbfgs(name):
    assert not hasattr(estimator(name, solver="lbfgs"), "partial_fit")
    assert hasattr(estimator(name, solver="adam"), "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        _ = estimator(name, solver="lbfgs").partial_fit
