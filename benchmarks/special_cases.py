"""Tables that are no plain classification or regression, and what is asked of each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from models import MODELS, boosting, encoded
from scores import evaluate, log_loss, normalised_rmse
from sklearn import datasets, metrics
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler

import sknn


def plain(X, y, meta):
    return X, y.to_numpy(), None


def weighted(X, y, meta):
    return X, y.to_numpy(), meta["sample_weight"]


def rates(X, y, meta):
    """Counts per unit of exposure, which weigh as much as they were exposed."""
    exposure = meta["exposure_values"]
    return X, y.to_numpy() / exposure, exposure


def accuracy(model, X, y, weights):
    return evaluate(model, "multiclass", X, y)


def rare(model, X, y, weights):
    positive = y == model.classes_[1]  # the smaller class in the order of labels
    probabilities = model.predict_proba(X)
    balanced = metrics.balanced_accuracy_score(y, model.predict(X))
    precision = metrics.average_precision_score(positive, probabilities[:, 1])
    loss = log_loss(y, probabilities, model.classes_)
    return {
        "balanced accuracy": balanced,
        "average precision": precision,
        "log_loss": loss,
    }


def counts(model, X, y, weights):
    rate = np.maximum(model.predict(X), 1e-9)
    deviance = metrics.mean_poisson_deviance(y, rate, sample_weight=weights)
    explained = metrics.d2_tweedie_score(y, rate, sample_weight=weights, power=1)
    return {"Poisson deviance": deviance, "explained": explained}


def survey(model, X, y, weights):
    loss = log_loss(y, model.predict_proba(X), model.classes_, weights)
    error = np.average(model.predict(X) != y, weights=weights)
    return {"weighted log_loss": loss, "weighted error": error}


def labels(model, X, y, weights):
    predicted = model.predict(X)
    f1 = metrics.f1_score(y, predicted, average="samples", zero_division=0)
    return {"Hamming loss": metrics.hamming_loss(y, predicted), "F1 of rows": f1}


def targets(model, X, y, weights):
    predicted = model.predict(X)
    errors = [normalised_rmse(y[:, j], predicted[:, j]) for j in range(y.shape[1])]
    return {f"error of target {j}": error for j, error in enumerate(errors)}


@dataclass(frozen=True)
class Special:
    """A data set, its models with their parameters, and its figures."""

    dataset: str
    models: dict
    figures: Callable
    prepare: Callable = plain
    task: str = "classification"
    splits: int = 1
    official: bool = False  # the loader's own split


BALANCED = {"class_weight": "balanced"}
POISSON = {"loss": "poisson"}
LARGE = {"hidden_layer_sizes": (512, 256), "dropout": 0.2}
LARGE |= {"learning_rate": "cosine", "max_iter": 30}
SPECIAL = {
    "rare classes": Special(
        "mammography",
        {
            "tabular": {},
            "tabular balanced": BALANCED,
            "hgb": {},
            "hgb balanced": BALANCED,
            "linear": {},
            "linear balanced": BALANCED,
        },
        rare,
    ),
    "wide and short": Special(
        "sonar",
        dict.fromkeys(["tabular", "mlp", "hgb", "linear", "svm"], {}),
        accuracy,
        splits=10,
    ),
    "long": Special(
        "fashion_mnist",
        {
            "tabular": {},
            "mlp_of_pixels": {},
            "mlp_of_pixels early": {"early_stopping": True},
            "mlp_of_pixels large": LARGE,
        },
        accuracy,
        official=True,
    ),
    "counts": Special(
        "auto_claims",
        {
            "tabular": POISSON,
            "mlp": POISSON | {"standardize_target": False},
            "hgb": POISSON,
            "poisson": {},
        },
        counts,
        prepare=rates,
        task="regression",
    ),
    "survey weights": Special(
        "nass_cds",
        dict.fromkeys(["tabular", "mlp", "hgb", "linear"], {}),
        survey,
        prepare=weighted,
    ),
    "several labels": Special(
        "yeast",
        dict.fromkeys(["tabular", "mlp", "hgb_each", "linear_each"], {}),
        labels,
    ),
    "several targets": Special(
        "energy_efficiency",
        dict.fromkeys(["tabular", "mlp", "hgb_each", "linear"], {}),
        targets,
        task="regression",
    ),
    "sparse words": Special(
        "fbis_wc",
        {"mlp_of_words": {}, "linear_of_words": {}},
        accuracy,
    ),
}


def mlp_of_pixels(regression, seed, jobs):
    """From 0 to 1 in float32, as one would have pixels."""
    single = FunctionTransformer(np.asarray, kw_args={"dtype": np.float32})
    mlp = sknn.MLPClassifier(random_state=seed, n_jobs=jobs)
    return make_pipeline(single, MaxAbsScaler(), mlp)


def mlp_of_words(regression, seed, jobs):
    mlp = sknn.MLPClassifier(random_state=seed, n_jobs=jobs)
    return make_pipeline(TfidfTransformer(), mlp)


def linear_of_words(regression, seed, jobs):
    return make_pipeline(TfidfTransformer(), LogisticRegression(max_iter=1000))


def linear_each(regression, seed, jobs):
    return encoded(OneVsRestClassifier(LogisticRegression(max_iter=1000)))


def hgb_each(regression, seed, jobs):
    each = MultiOutputRegressor if regression else MultiOutputClassifier
    return each(boosting(regression, seed, jobs))


def poisson(regression, seed, jobs):
    return encoded(PoissonRegressor(max_iter=1000))


BUILDERS = MODELS | {
    builder.__name__: builder
    for builder in [mlp_of_pixels, mlp_of_words, linear_of_words, linear_each]
    + [hgb_each, poisson]
}


def build(name, special, seed, jobs, overrides):
    """The unfitted model of a row's name, of which the first word is its builder."""
    builder = name.split()[0]
    model = BUILDERS[builder](special.task == "regression", seed, jobs)
    final = model[-1] if isinstance(model, Pipeline) else model
    params = special.models[name] | (overrides if builder == "tabular" else {})
    final.set_params(**params)
    return model


def fit_weights(model, weights):
    """Arguments of `fit` that hand the weights to the model, in a pipeline or not."""
    if weights is None:
        return {}
    step = f"{model.steps[-1][0]}__" if isinstance(model, Pipeline) else ""
    return {f"{step}sample_weight": weights}


class MadeUp:
    """Small tables of the same kinds, to see that everything runs."""

    def load(self, name):
        import pandas as pd

        rng = np.random.default_rng(0)
        X, y = datasets.make_classification(300, weights=[0.8], random_state=0)
        X, y = pd.DataFrame(X).add_prefix("c"), pd.Series(y)
        X["kind"] = pd.Series(rng.choice(["a", "b"], 300), dtype="category")
        share = rng.uniform(0.1, 1, 300)
        meta = {"sample_weight": share, "exposure_values": share}
        meta |= {"train_idx": np.arange(240), "test_idx": np.arange(240, 300)}
        if name == "fashion_mnist":
            X = pd.DataFrame(rng.integers(0, 256, (300, 20), "uint8")).add_prefix("p")
        if name == "fbis_wc":
            X = sp.csr_matrix(rng.poisson(0.1, (300, 50)), dtype=np.float32)
        if name == "auto_claims":
            y = pd.Series(rng.poisson(share).astype(float))
        if name == "yeast":
            y = pd.DataFrame(rng.integers(0, 2, (300, 3)))
        if name == "energy_efficiency":
            y = pd.DataFrame(rng.normal(size=(300, 2)))
        return X, y, meta
