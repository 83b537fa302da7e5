"""Our estimators and their peers, with the defaults that each comes with.

Trees, RealMLP and our tabular estimators get the table as it is; the others get it
encoded: categories one-hot, numbers standardised. So is the target where the model
does not do it itself.
"""

from environment import is_installed
from sklearn import ensemble, linear_model, neural_network, svm
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import sknn

CATEGORIES = make_column_selector(dtype_include="category")
NUMBERS = make_column_selector(dtype_exclude="category")
OURS = ("tabular", "mlp")


def encoded(model):
    """Rare and unseen categories are one column, missing ones another."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = OneHotEncoder(
        min_frequency=5, handle_unknown="infrequent_if_exist", sparse_output=False
    )
    encoder = make_column_transformer((categories, CATEGORIES), (numbers, NUMBERS))
    return make_pipeline(encoder, model)


def filled(model):
    """Missing numbers are the median, for a model that takes all else."""
    median = SimpleImputer(strategy="median")
    filler = make_column_transformer(
        (median, NUMBERS), remainder="passthrough", verbose_feature_names_out=False
    )
    return make_pipeline(filler.set_output(transform="pandas"), model)


def standardised(regressor):
    return TransformedTargetRegressor(regressor, transformer=StandardScaler())


def tabular(regression, seed, jobs, **params):
    kind = sknn.TabularMLPRegressor if regression else sknn.TabularMLPClassifier
    return kind(random_state=seed, n_jobs=jobs, **params)


def mlp(regression, seed, jobs, **params):
    params = {"random_state": seed, "n_jobs": jobs} | params
    if regression:
        return encoded(sknn.MLPRegressor(**{"standardize_target": True} | params))
    return encoded(sknn.MLPClassifier(**params))


def linear(regression, seed, jobs):
    if regression:
        return encoded(linear_model.Ridge())
    return encoded(linear_model.LogisticRegression(max_iter=1000))


def support_vectors(regression, seed, jobs):
    return encoded(standardised(svm.SVR()) if regression else svm.SVC())


def sklearn_mlp(regression, seed, jobs, early_stopping=False):
    params = {"random_state": seed, "early_stopping": early_stopping}
    if regression:
        return encoded(standardised(neural_network.MLPRegressor(**params)))
    return encoded(neural_network.MLPClassifier(**params))


def sklearn_mlp_early_stopping(regression, seed, jobs):
    return sklearn_mlp(regression, seed, jobs, early_stopping=True)


def boosting(regression, seed, jobs):
    if regression:
        kind = ensemble.HistGradientBoostingRegressor
    else:
        kind = ensemble.HistGradientBoostingClassifier
    return kind(categorical_features="from_dtype", random_state=seed)


def lightgbm(regression, seed, jobs):
    import lightgbm

    kind = lightgbm.LGBMRegressor if regression else lightgbm.LGBMClassifier
    return kind(random_state=seed, n_jobs=jobs, verbose=-1)


def realmlp(regression, seed, jobs):
    import pytabkit

    if regression:
        kind = pytabkit.RealMLP_TD_Regressor
    else:
        kind = pytabkit.RealMLP_TD_Classifier
    return filled(kind(random_state=seed, n_threads=jobs, device="cpu"))


MODELS = {
    "tabular": tabular,
    "mlp": mlp,
    "linear": linear,
    "svm": support_vectors,
    "skmlp": sklearn_mlp,
    "skmlp_es": sklearn_mlp_early_stopping,
    "hgb": boosting,
    "lgbm": lightgbm,
    "realmlp": realmlp,
}
DEFAULT = [name for name in MODELS if name != "mlp"]  # skmlp's numbers, sooner


def is_here(name):
    """Whether the model can be had; a line says so where it cannot."""
    package = {"lgbm": "lightgbm", "realmlp": "pytabkit"}.get(name)
    here = is_installed(package) if package else True
    here = here and (name != "tabular" or hasattr(sknn, "TabularMLPClassifier"))
    if not here:
        print(f"{name} is left out: {package or 'sknn.TabularMLP*'} is not installed")
    return here


def build(name, task, seed, jobs, params=None):
    """An unfitted model; `params` are for ours alone."""
    return MODELS[name](task == "regression", seed, jobs, **params or {})
