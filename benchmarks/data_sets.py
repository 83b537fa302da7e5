"""Real tables: those of a folder that brings its own loader, or scikit-learn's.

A collection has `names()` and `load(name)`, which gives a DataFrame X with category
columns and missing values as they come, y, and a dict whose "task" is "binary",
"multiclass", "regression", "multilabel" or "multioutput".
"""

import importlib.util
from pathlib import Path

import numpy as np
from sklearn import datasets

ROWS = 10_000
ABSENT = "no data sets: --data names a folder with a load.py; nothing is measured"


def folder(path):
    """The collection that the `load.py` of a folder is; None without one."""
    file = Path(path or "", "load.py")
    if not path or not file.is_file():
        return None
    spec = importlib.util.spec_from_file_location("load_data_sets", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Bundled:
    """The small sets that come with scikit-learn."""

    TASKS = {
        "iris": "multiclass",
        "wine": "multiclass",
        "breast_cancer": "binary",
        "digits": "multiclass",
        "diabetes": "regression",
    }

    def names(self):
        return list(self.TASKS)

    def load(self, name):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True, as_frame=True)
        return X, y, {"task": self.TASKS[name]}


def split(n_rows, seed, rows=ROWS):
    """Positions of at most `rows` rows to train on, and of a fifth of all to test."""
    shuffled = np.random.default_rng(seed).permutation(n_rows)
    return shuffled[n_rows // 5 :][:rows], shuffled[: n_rows // 5]
