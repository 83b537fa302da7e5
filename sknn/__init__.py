"""Multi-layer perceptrons with scikit-learn's interface, compiled by Numba."""

import warnings
from importlib.metadata import PackageNotFoundError, version

from ._garbage import no_garbage_collection

with no_garbage_collection():
    from .compilation import compile_kernels
    from .estimators import MLPClassifier, MLPRegressor
    from .table_encoder import TableEncoder
    from .tabular import TabularMLPClassifier, TabularMLPRegressor

__version__ = "0.1.0"
__all__ = [
    "MLPClassifier",
    "MLPRegressor",
    "TableEncoder",
    "TabularMLPClassifier",
    "TabularMLPRegressor",
    "compile_kernels",
]


def _warn_of_namesake():
    """Two distributions cannot own one import name: say so where both are installed."""
    try:
        version("scikit-neuralnetwork")
    except PackageNotFoundError:
        return
    warnings.warn(
        "The abandoned distribution 'scikit-neuralnetwork' is installed too, and its "
        "import package is also called 'sknn': the files of the two are mixed. "
        "Uninstall it and reinstall this one: pip uninstall scikit-neuralnetwork && "
        "pip install --force-reinstall --no-deps sknn-numba.",
        RuntimeWarning,
        stacklevel=3,
    )


_warn_of_namesake()
