"""A comparison: sknn's networks beside scikit-learn's models on one problem.

Every model learns from the same rows behind the same preparation and is scored on
the same held-out rows. Progress goes to stderr, the table to stdout.
"""

import contextlib
import sys
import time
import warnings

import numpy as np
from sklearn import linear_model, metrics, neural_network, svm
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from .compilation import first_use
from .estimators import MLPClassifier, MLPRegressor
from .tables import Problem

GRID = {"hidden_layer_sizes": [(100,), (50, 50)], "alpha": [1e-4, 1.0]}
METRICS = {
    "classification": {"accuracy": (metrics.accuracy_score, ".4f")},
    "regression": {
        "R2": (metrics.r2_score, ".4f"),
        "RMSE": (metrics.root_mean_squared_error, ".5g"),
    },
}


def digits():
    """Pose the recognition of scikit-learn's 1797 handwritten digits.

    Returns
    -------
    Problem
    """
    X, y = load_digits(return_X_y=True)
    return Problem(X, y, "classification", StandardScaler(), ("data: digits",))


def compare(problem, seed=0):
    """Fit every model to a problem and print how well and how fast each did.

    Parameters
    ----------
    problem : Problem
    seed : int
        Draws the held-out rows and seeds every model that takes a seed.
    """
    parts = _split(problem, seed)
    for note in problem.notes:
        _say(note)
    _say(f"rows: {len(parts[0])} to learn from, {len(parts[1])} held out")
    models, search = _models(problem, seed)
    _say("compiling the kernels, or loading them from the disk cache")
    kind = MLPClassifier if problem.task == "classification" else MLPRegressor
    compile_seconds = first_use(kind(max_iter=1), np.eye(6), np.arange(6) % 3)
    rows = [_measure(name, models[name], parts, problem.task) for name in models]
    rows[0][-1] = f"{compile_seconds:.2f}"
    _print_table(["model", *METRICS[problem.task], "fit s", "compile s"], rows)
    _print_search(search, *METRICS[problem.task])


def _split(problem, seed):
    classes = problem.y if problem.task == "classification" else None
    return train_test_split(
        problem.X, problem.y, test_size=0.25, stratify=classes, random_state=seed
    )


def _say(text):
    print(f"sknn: {text}", file=sys.stderr, flush=True)


def _models(problem, seed):
    estimators = _estimators(problem.task, seed)
    models = {name: _pipeline(problem, model) for name, model in estimators.items()}
    ours = next(iter(models))
    search = _search(models[ours])
    return {ours: models[ours], f"{ours}, grid search": search} | models, search


def _estimators(task, seed):
    if task == "classification":
        return {
            "sknn MLPClassifier": MLPClassifier(random_state=seed),
            "LogisticRegression": linear_model.LogisticRegression(max_iter=1000),
            "SVC": svm.SVC(),
            "scikit-learn MLPClassifier": neural_network.MLPClassifier(
                random_state=seed
            ),
        }
    return {
        "sknn MLPRegressor": MLPRegressor(random_state=seed),
        "Ridge": linear_model.Ridge(),
        "SVR": svm.SVR(),
        "scikit-learn MLPRegressor": neural_network.MLPRegressor(random_state=seed),
    }


def _pipeline(problem, model):
    if problem.task == "regression":
        # Networks and SVR expect targets near one; the scale must favour nobody.
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    return Pipeline([("prepare", clone(problem.prepare)), ("model", model)])


def _search(net):
    alpha = next(name for name in net.get_params() if name.endswith("__alpha"))
    path = alpha.removesuffix("alpha")
    grid = {path + name: values for name, values in GRID.items()}
    return GridSearchCV(net, grid, cv=3, verbose=3)


def _measure(name, model, parts, task):
    X, X_held_out, y, y_held_out = parts
    _say(f"fitting {name}")
    start = time.perf_counter()
    # The search reports every fit on stdout, which is for the table.
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    seconds = time.perf_counter() - start
    goal = model.predict(X_held_out)
    scores = [f"{f(y_held_out, goal):{spec}}" for f, spec in METRICS[task].values()]
    return [name, *scores, f"{seconds:.2f}", "-"]


def _print_table(header, rows):
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    for name, *cells in (header, *rows):
        aligned = (f"{c:>{w}}" for c, w in zip(cells, widths[1:]))
        print(f"{name:<{widths[0]}}", *aligned, sep="  ")


def _print_search(search, metric, *_):
    settings = (
        f"{name.rpartition('__')[2]}={value}"
        for name, value in search.best_params_.items()
    )
    print(
        f"\ngrid search: {', '.join(settings)} is the best of "
        f"{len(search.cv_results_['params'])} settings, "
        f"cross-validated {metric} {search.best_score_:.4f}"
    )
