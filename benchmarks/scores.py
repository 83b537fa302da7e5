"""What a fitted model is worth on the rows that were held out, and what it cost."""

import os
import time

import numpy as np
from sklearn.metrics import roc_auc_score


def cpu_seconds():
    """Of all threads of this process, and of the processes it waited for."""
    return time.process_time() + sum(os.times()[2:4])


def fit(model, *data, **weights):
    """Fit, and say what it took."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    model.fit(*data, **weights)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    return {"fit_s": wall, "cpu_s": cpu}


def evaluate(model, task, X, y):
    """Error, which is the smaller the better for every task, and what else there is."""
    start = time.perf_counter()
    predicted = model.predict(X)
    seconds = time.perf_counter() - start
    if task == "regression":
        figures = {"error": normalised_rmse(y, predicted)}
    else:
        figures = {"error": float(np.mean(np.asarray(predicted) != y))}
        figures |= _of_probabilities(model, task, X, y)
    return figures | {"predict_s": seconds}


def normalised_rmse(y, predicted):
    """Root mean squared error over the standard deviation of y."""
    return float(np.sqrt(np.mean((y - np.ravel(predicted)) ** 2)) / np.std(y))


def _of_probabilities(model, task, X, y):
    figures = {}
    if hasattr(model, "predict_proba"):
        scores = np.asarray(model.predict_proba(X))
        figures["log_loss"] = log_loss(y, scores, model.classes_)
        scores = scores[:, 1]
    elif task == "binary":
        scores = model.decision_function(X)
    if task == "binary":
        figures["auc"] = float(roc_auc_score(y == model.classes_[1], scores))
    return figures


def log_loss(y, probabilities, classes, weights=None):
    """Mean of minus log p; labels that the model never saw have the smallest p.

    scikit-learn's wants a column for each of them.
    """
    own = np.where(y[:, None] == classes, probabilities, 0).sum(axis=1)
    smallest = np.finfo(probabilities.dtype).eps
    surprise = -np.log(np.clip(own, smallest, 1))
    return float(np.average(surprise, weights=weights))
