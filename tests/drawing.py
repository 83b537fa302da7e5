"""Random configurations of the estimators, each with the data to fit it on.

``draw(seed, index)`` returns one `Draw`: a class name, constructor parameters and the
calls to make, one after the other. Everything follows from the two integers, so a
failing draw is repeated by naming them.

Some combinations are never drawn, because scikit-learn has a bug there that sknn does
not share (each has its own test in test_differences.py):

- lbfgs on several outputs under squared_error: scikit-learn's gradient does not belong
  to its objective (its issue 8349), so its line search stops elsewhere;
- early stopping on more than two classes: scikit-learn does not stratify that split;
  before its 1.9 neither on text nor on sparse indicators, because it fails there;
- early stopping and warm_start: scikit-learn trains on in the weights that it kept as
  the best, and holds out other rows than in the fit before;
- weights of zero where they could fill a minibatch: scikit-learn divides by zero;
- partial_fit with warm_start on a batch that lacks a class, and a warm start which
  goes from lbfgs to a stochastic solver: scikit-learn raises.

L-BFGS is told to stop before its steps are rounding errors: how many of those it takes
is chance. Diverging fits are avoided through the learning rates: their numbers are
rounding errors that grew, and no two programs agree on those.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from inspect import signature

import numpy as np
import sklearn
from scipy import sparse
from sklearn import neural_network as peer

PEER_VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
# scikit-learn learned both in 1.7; before that there is nothing to compare with.
PEER_HAS_WEIGHTS = "sample_weight" in signature(peer.MLPClassifier.fit).parameters
PEER_HAS_LOSS = "loss" in signature(peer.MLPRegressor).parameters

CLASSIFIER_TARGETS = (
    "binary",
    "binary",
    "binary strings",
    "bools",
    "one class",
    "column",
    "multiclass",
    "multiclass",
    "multiclass strings",
    "multiclass floats",
    "multilabel",
    "sparse multilabel",
)
REGRESSOR_TARGETS = ("single", "single", "integers", "column", "several", "counts")
STORIES = ("fit", "fit", "fit twice", "warm start", "partial fit")
# Rules that few epochs of an ordinary draw come to: a rate divided until it is too
# small, and losses and scores that tie exactly.
TWISTS = (
    *[{}] * 6,
    {"learning_rate": "adaptive", "tol": 10.0, "n_iter_no_change": 1, "max_iter": 40},
    {"learning_rate_init": 1e-250, "shuffle": False, "tol": 0, "n_iter_no_change": 1},
)
SPARSE_FORMATS = {
    "csr": sparse.csr_matrix,
    "csc": sparse.csc_matrix,
    "csr array": sparse.csr_array,
    "coo": sparse.coo_matrix,
}
X_KINDS = ("dense", "dense", "dense", "fortran", "integers", "list", *SPARSE_FORMATS)
# Widths on both sides of the powers of two, where vectorised code has its edges.
WIDTHS = (1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 24, 31, 33, 40)


@dataclass
class Call:
    """One call of ``fit`` or ``partial_fit``, after a ``set_params``."""

    method: str
    data: dict
    new_params: dict = field(default_factory=dict)


@dataclass
class Draw:
    """A configuration: what to construct, what to call, what to predict on."""

    class_name: str
    params: dict
    calls: list
    X_new: object
    y_new: object

    @property
    def solvers(self):
        changes = [call.new_params for call in self.calls]
        return {changed["solver"] for changed in [self.params, *changes] if changed}

    def estimator(self, module):
        """An unfitted estimator of `module`, sharing no state with any other."""
        return getattr(module, self.class_name)(**deepcopy(self.params))


def draw(seed, index):
    """The configuration number `index` of those that belong to `seed`."""
    rng = np.random.default_rng([seed, index])
    class_name = pick(rng, ["MLPClassifier", "MLPRegressor"])
    is_classifier = class_name == "MLPClassifier"
    target = pick(rng, CLASSIFIER_TARGETS if is_classifier else REGRESSOR_TARGETS)
    story = pick(rng, STORIES)
    params = draw_params(rng, is_classifier, target, story)
    table = Table(rng, target)
    if story == "partial fit":
        calls = partial_fits(rng, table, params, is_classifier)
    else:
        calls = fits(rng, table, params, story)
    return Draw(class_name, params, calls, *table.rows(25))


def pick(rng, options):
    """One of `options`, unconverted: ``rng.choice`` would make arrays of tuples."""
    return options[rng.integers(len(options))]


SMALLEST_TOL = 1e-6


def draw_params(rng, is_classifier, target, story):
    solver = pick(rng, ["sgd", "adam", "lbfgs"])
    if solver == "lbfgs" and (story == "partial fit" or target == "several"):
        solver = pick(rng, ["sgd", "adam"])
    params = {
        "hidden_layer_sizes": draw_hidden(rng),
        "activation": pick(rng, ["identity", "logistic", "tanh", "relu", "relu"]),
        "solver": solver,
        "alpha": pick(rng, [0, 1e-5, 1e-4, 1e-2, 1.0]),
        "batch_size": pick(rng, ["auto", "auto", 1, 7, 16, 33, 64, 1000]),
        "learning_rate": pick(rng, ["constant", "invscaling", "adaptive"]),
        "learning_rate_init": draw_rate(rng, solver, is_classifier),
        "power_t": pick(rng, [0, 0.25, 0.5, 0.9]),
        "max_iter": int(rng.integers(1, 26)),
        "shuffle": bool(rng.random() < 0.75),
        "random_state": draw_random_state(rng),
        "tol": pick(rng, [0, 1e-4, 1e-4, 1e-2, 0.1]),
        "verbose": pick(rng, [False, True, 2]),
        "warm_start": story == "warm start",
        "momentum": pick(rng, [0, 0.5, 0.9]),
        "nesterovs_momentum": pick(rng, [True, False]),
        "early_stopping": draw_early_stopping(rng, target, story),
        "validation_fraction": pick(rng, [0.1, 0.2, 0.37]),
        "beta_1": pick(rng, [0, 0.5, 0.9]),
        "beta_2": pick(rng, [0.9, 0.99, 0.999]),
        "epsilon": pick(rng, [1e-8, 1e-6, 1e-3]),
        "n_iter_no_change": pick(rng, [1, 2, 5, 10, np.inf]),
        "max_fun": pick(rng, [5, 30, 15000]),
    }
    if target == "counts" and PEER_HAS_LOSS:
        params["loss"] = "poisson"
    # Leave some parameters at their defaults, so that those are compared as well.
    always = {"solver", "learning_rate_init", "random_state", "max_iter", "warm_start"}
    always |= {"early_stopping", "loss", "batch_size"}
    chosen = [name for name in params if name in always or rng.random() < 0.8]
    params = {name: params[name] for name in chosen} | pick(rng, TWISTS)
    if solver == "lbfgs" or story == "warm start":  # which may go on with lbfgs
        params["tol"] = max(params.get("tol", 1e-4), SMALLEST_TOL)
    return params


def draw_hidden(rng):
    depth = pick(rng, [0, 1, 1, 1, 2, 2, 3, 5])
    widths = [pick(rng, WIDTHS) for _ in range(depth)]
    if depth == 1 and rng.random() < 0.3:
        return widths[0]
    return pick(rng, [tuple, list, lambda sizes: np.array(sizes, dtype=int)])(widths)


def draw_rate(rng, solver, is_classifier):
    """A learning rate with which a fit makes progress and does not diverge."""
    if solver == "adam":
        return float(10 ** rng.uniform(-4, -2))
    return float(10 ** rng.uniform(-4, -1.3 if is_classifier else -2.3))


def draw_random_state(rng):
    seed = int(rng.integers(1000))
    return np.random.RandomState(seed) if rng.random() < 0.2 else seed


def draw_early_stopping(rng, target, story):
    comparable = story in ("fit", "fit twice") and not target.startswith("multiclass")
    if PEER_VERSION < (1, 9):
        comparable &= target not in ("binary strings", "sparse multilabel")
    return bool(comparable and rng.random() < 0.4)


class Table:
    """A data set, from which each call of `rows` draws new ones."""

    def __init__(self, rng, target):
        self.rng = rng
        self.target = target
        self.kind = pick(rng, X_KINDS)
        self.n_features = int(rng.integers(1, 30))
        self.n_outputs = int(rng.integers(2, 6))
        if target == "counts" and not (PEER_HAS_LOSS and rng.random() < 0.3):
            self.n_outputs = 1
        shape = (self.n_features, self.n_outputs)
        strength = pick(rng, [0, 1, 3]) / np.sqrt(self.n_features)
        self.teacher = strength * rng.standard_normal(shape)

    def rows(self, n):
        X = self.draw_inputs(n)
        scores = X @ self.teacher + self.rng.standard_normal((n, self.n_outputs))
        return self.convert(X), self.targets(scores / scores.std())

    def draw_inputs(self, n):
        if self.kind == "integers":
            return self.rng.integers(-2, 3, size=(n, self.n_features))
        X = self.rng.standard_normal((n, self.n_features))
        if self.kind in SPARSE_FORMATS:
            X[self.rng.random(X.shape) < 0.7] = 0
        return X

    def convert(self, X):
        if self.kind == "fortran":
            return np.asfortranarray(X)
        if self.kind == "list":
            return X.tolist()
        if self.kind in SPARSE_FORMATS:
            return SPARSE_FORMATS[self.kind](X)
        return X

    def targets(self, scores):
        n, target = len(scores), self.target
        n_classes = 2 if target in ("binary", "column") else self.n_outputs
        # Quantiles of a score: every class has its share, whatever the rows.
        codes = np.argsort(np.argsort(scores[:, 0])) * n_classes // n
        makers = {
            "one class": lambda: np.full(n, 3),
            "binary": lambda: codes,
            "binary strings": lambda: np.array(["no", "yes"])[codes % 2],
            "bools": lambda: codes % 2 == 1,
            "multiclass": lambda: codes * 2 - 3,
            "multiclass strings": lambda: np.array([*"zxabyc"], dtype=object)[codes],
            "multiclass floats": lambda: codes.astype(float),
            "multilabel": lambda: labels(scores),
            "sparse multilabel": lambda: sparse.csr_matrix(labels(scores)),
            "single": lambda: scores[:, 0],
            "integers": lambda: codes,
            "several": lambda: scores,
            "counts": lambda: self.rng.poisson(np.exp(0.4 * scores)).squeeze(),
            "column": lambda: codes[:, None],
        }
        return makers[target]()

    def weights(self, n, full_batch):
        """Weights of the rows; zeros only where they cannot fill a minibatch."""
        kinds = ["real", "integers", "scalar", *(["zeros"] if full_batch else [])]
        weights = self.rng.uniform(0.2, 3, n)
        kind = pick(self.rng, kinds)
        if kind == "scalar":
            return 2.0
        if kind == "integers":
            return np.ceil(weights).astype(int)
        if kind == "zeros":
            weights[self.rng.random(n) < 0.2] = 0
        return weights


def labels(scores):
    """Multilabel indicators, with at least one and at most all but one per column."""
    indicators = (scores > 0.3).astype(int)
    indicators[0], indicators[1] = 0, 1
    return indicators


def fits(rng, table, params, story):
    calls = [Call("fit", draw_data(rng, table, params))]
    if story == "fit":
        return calls
    new_params = {"max_iter": int(rng.integers(1, 20)), "solver": params["solver"]}
    if story == "warm start" and params["solver"] != "lbfgs":
        new_params["solver"] = pick(rng, ["sgd", "adam", "lbfgs"])
        if table.target == "several":
            new_params["solver"] = params["solver"]
    if rng.random() < 0.5:
        new_params["alpha"] = 0.01
    return [*calls, Call("fit", draw_data(rng, table, params), new_params)]


def draw_data(rng, table, params):
    # Up to 300: the default batch is 200 rows, which leaves a shorter last one.
    least = 60 if params["early_stopping"] else 10
    n = int(rng.integers(least, 300 if params["batch_size"] != 1 else least + 30))
    X, y = table.rows(n)
    data = {"X": X, "y": y}
    if PEER_HAS_WEIGHTS and rng.random() < 0.4:
        full_batch = params["solver"] == "lbfgs" or params["batch_size"] == 1000
        data["sample_weight"] = table.weights(n, full_batch)
    return data


def partial_fits(rng, table, params, is_classifier):
    calls = [
        Call("partial_fit", draw_data(rng, table, params))
        for _ in range(rng.integers(1, 6))
    ]
    if rng.random() < 0.3:
        calls[0].method = "fit"
    elif is_classifier:
        calls[0].data["classes"] = classes_of(table, calls)
    if len(calls) > 1 and rng.random() < 0.5:
        # Rates of an optimiser that exists already, which scikit-learn leaves alone.
        calls[1].new_params = {"learning_rate_init": 0.5, "solver": params["solver"]}
    if len(calls) > 2 and rng.random() < 0.5:
        calls[-1].method = "fit"
        calls[-1].new_params = {"learning_rate_init": 1e-3, "solver": params["solver"]}
        calls[-1].data.pop("classes", None)
    return calls


def classes_of(table, calls):
    if table.target.endswith("multilabel"):
        return np.arange(table.n_outputs)
    return np.unique(np.concatenate([np.ravel(call.data["y"]) for call in calls]))
