"""The fitted network: what an estimator keeps of it, shows, pickles and predicts with.

An estimator shows `coefs_` and `intercepts_`, views of the flat vector that the kernels
read.  Users may edit them, or put others in their place: so whoever needs the network
sees first whether it still is the one of these arrays.
"""

import warnings
from contextlib import suppress
from dataclasses import replace
from functools import partial
from operator import is_

import numpy as np
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from .architecture import OPTIONAL_PARTS, layers_of
from .combinations import activations_of_layers
from .losses import OF_OUT_ACTIVATION
from .params import layer_units, pack, views
from .plans import Network
from .samples import freeze, is_sparse

PRECISIONS = (np.float64, np.float32)


class FittedNetworkMixin:
    """What of an estimator has to do with its network once that is fitted."""

    def __sklearn_is_fitted__(self):
        return hasattr(self, "coefs_")  # a look at all attributes takes much longer

    def hidden_activations(self, X, layer=-1):
        """Outputs of a hidden layer, as features for other models.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The input data.
        layer : int, default=-1
            Which hidden layer, as an index of a list: 0 is the first, -1 the last.

        Returns
        -------
        activations : ndarray of shape (n_samples, n_units)
            The output of each unit of that layer.

        Raises
        ------
        IndexError
            If there is no such layer.
        """
        network, samples, rows = self._ready(X)
        n_hidden = len(network.layers.architecture.units) - 2
        try:
            level = range(n_hidden)[layer] + 1
        except IndexError:
            raise IndexError(
                f"There is no hidden layer {layer}: the network has {n_hidden}."
            ) from None
        refuse = partial(self._validate_X, X)
        return network.hidden_outputs(samples, rows, level, self.n_jobs, refuse)

    def _outputs(self, X, as_classes=False):
        """The network's outputs for X, or the numbers of the likeliest classes."""
        network, samples, rows = self._ready(X)
        refuse = partial(self._validate_X, X)
        return network.predict(samples, rows, self.n_jobs, refuse, as_classes)

    def _ready(self, X):
        """The fitted network, and X as samples that it can read."""
        check_is_fitted(self)
        if not is_plain(self, X):
            X = self._validate_X(X)
        dtype = self._precision(X.dtype, self.coefs_[0].dtype)
        network = self._fitted_network(dtype, is_sparse(X))
        n_features = network.layers.architecture.n_columns
        if X.shape[1] != n_features:
            raise ValueError(
                f"X has {X.shape[1]} features, but coefs_[0] has {n_features} rows; "
                "there must be one for each."
            )
        return network, freeze(X, dtype), range(X.shape[0])

    def _validate_X(self, X):
        """X as an array, or sparse; a ValueError if it is not fit to be predicted."""
        dtype, formats = self.dtype or "numeric", ["csr", "csc"]
        return validate_data(self, X, accept_sparse=formats, dtype=dtype, reset=False)

    def _precision(self, *dtypes):
        """The dtype to compute in, for data and weights of these dtypes."""
        return np.dtype(self.dtype) if self.dtype else _precision(*dtypes)

    def _fitted_network(self, dtype, sparse_input):
        """The network of `coefs_` and `intercepts_`, the fit's or the user's."""
        network, kept = getattr(self, "_network", (None, {}))
        if network and network.params.dtype == dtype:
            now = [getattr(self, name) for name in kept]
            activations = network.layers.architecture.activations
            if all(map(_are_the_same, now, kept.values())) and (
                activations == activations_of_layers(self.activation, len(activations))
            ):
                return network.reading(sparse_input)
        loss = getattr(self, "_fitted_loss", None)
        loss = loss or OF_OUT_ACTIVATION[self.out_activation_]
        return self._packed(self._fitted_architecture(sparse_input), dtype, loss)

    def _fitted_architecture(self, sparse_input):
        """That of the last fit, with the present weights and activations."""
        units = layer_units(self.coefs_)
        fitted = getattr(self, "_architecture_of_fit", None)
        if fitted is None or len(fitted.units) != len(units):
            embeddings = fitted.embeddings if fitted else ()
            return self._architecture(units, sparse_input, embeddings)
        return replace(
            fitted,
            units=tuple(units),
            activations=activations_of_layers(self.activation, len(units) - 2),
            sparse_input=sparse_input,
        )

    def _packed(self, architecture, dtype, loss):
        """A network of its own with the weights of `coefs_` and `intercepts_`."""
        _check_shapes(self.coefs_, self.intercepts_)
        layers = layers_of(architecture, dtype)
        return Network(pack(vars(self), layers), layers, loss)

    def _keep(self, network):
        """Show the parameters as lists of views, for users to read or edit."""
        parts = views(network.params, network.layers)
        for name in OPTIONAL_PARTS - parts.keys():  # of an earlier fit
            vars(self).pop(name, None)
        vars(self).update(parts)
        kept = {name: list(arrays) for name, arrays in parts.items()}
        self._network = network, kept

    def __getstate__(self):
        from . import __version__

        state = dict(super().__getstate__())
        state.pop("_network", None)
        return state | {"_sknn_version": __version__}

    def __setstate__(self, state):
        from . import __version__

        state = dict(state)
        saved = state.pop("_sknn_version", "unknown")
        if saved != __version__:
            warnings.warn(
                InconsistentVersionWarning(
                    estimator_name=type(self).__name__,
                    current_sklearn_version=__version__,
                    original_sklearn_version=saved,
                ),
                stacklevel=2,
            )
        super().__setstate__(state)
        if "coefs_" in state:
            dtype = _precision(self.coefs_[0].dtype)
            # of parameters that were changed after the fit there may be no network
            with suppress(KeyError, TypeError, ValueError):
                self._keep(self._fitted_network(dtype, sparse_input=False))


def is_plain(mlp, X):
    """Whether `validate_data` would return X as it is, if its numbers are finite.

    Whether they are is seen while they are predicted, for a tenth of the time that
    another look at all of them takes.
    """
    return (
        type(X) is np.ndarray
        and X.ndim == 2
        and len(X) > 0
        and X.shape[1] == getattr(mlp, "n_features_in_", None)
        and X.dtype in ([mlp.dtype] if mlp.dtype else PRECISIONS)
        and not hasattr(mlp, "feature_names_in_")
        # a function of the user's may not be made for what is not finite
        and (isinstance(mlp.activation, str) or bool(np.isfinite(X).all()))
    )


def _precision(*dtypes):
    """The dtype to compute in: float32 if all are no wider, else float64."""
    single = np.result_type(*dtypes) == np.float32
    return np.dtype(np.float32 if single else np.float64)


def _are_the_same(arrays, others):
    """Whether two lists hold the very same arrays."""
    return len(arrays) == len(others) and all(map(is_, arrays, others))


def _check_shapes(coefs, intercepts):
    """Refuse weights of the user's that do not fit together."""
    outputs = [coef.shape[1] for coef in coefs]
    inputs = [coef.shape[0] for coef in coefs[1:]]
    if outputs != [each.size for each in intercepts] or outputs[:-1] != inputs:
        raise ValueError(
            "coefs_ and intercepts_ do not fit together: their shapes are "
            f"{[coef.shape for coef in coefs]} and "
            f"{[intercept.shape for intercept in intercepts]}; each layer takes "
            "as many inputs as the one before has outputs, one intercept for each."
        )
