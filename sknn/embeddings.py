"""Embeddings make several inputs of a column of X, which are trained with the rest.

A number is followed by a few weighted sums of functions of it: waves whose frequencies
are trained, or ramps between its quantiles.  A category has a row of a table.
"""

from functools import cache, partial
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

from ._jit import inlined, piece, piece_of
from ._llvm import at, load, pointer, prefer_wide_vectors, store
from .block_gradients import (
    own_gradients,
    parameters,
    sum_of_products,
    sum_over_blocks,
)
from .elementary import clamp, cos_turns, sin_turns
from .layers import PASS, Kind, Part, record, row_of
from .params import parts
from .products import copy, total

FUNCTION, WEIGHTED = 0, 1  # rows behind those of the outputs, for the values of now


@inlined
def wave(x, frequency, phase):
    """A cosine; the phase in turns."""
    return cos_turns(frequency * x + phase)


@inlined
def ramp(x, start, slope):
    """From 0 at ``start`` up to 1."""
    T = type(x)
    return clamp((x - start) * slope, T(0), T(1))


@piece_of(*PASS)
def expand(function):
    """Each column, and weighted sums of ``function(x, a, b)`` for all its a and b.

    A column's numbers are in one column of the parameters: below the weights, with a
    row for each function and sum, a row for each function's a, and one for its b.
    """

    def forward(zero, plan, layer, block, first, n):
        prefer_wide_vectors()
        plan, layer, block = record(plan), record(layer), record(block)
        units, kept = pointer(block.units, zero), pointer(block.kept, zero)
        n_functions, n_units = int(layer.setting), layer.fan_out // layer.fan_in
        values = row_of(kept, layer.kept, layer.fan_out + FUNCTION, plan, n)
        first_a = n_functions * (n_units - 1)
        for j in range(layer.fan_in):
            x = row_of(units, layer.inputs, j, plan, n)
            row_of(units, layer.outputs, j * n_units, plan, n)[:] = x
            for k in range(1, n_units):
                row_of(units, layer.outputs, j * n_units + k, plan, n)[:] = zero
            for h in range(n_functions):
                a = load(parameters(zero, plan, layer, first_a + h), j)
                b = load(parameters(zero, plan, layer, first_a + n_functions + h), j)
                for i in range(n):
                    values[i] = function(x[i], a, b)
                for k in range(1, n_units):
                    row = h * (n_units - 1) + k - 1
                    weight = load(parameters(zero, plan, layer, row), j)
                    output = row_of(units, layer.outputs, j * n_units + k, plan, n)
                    for i in range(n):
                        output[i] += weight * values[i]

    return forward


@piece_of(*PASS)
def expand_backward(function):
    """Gradients of the weights of such sums."""

    def backward(zero, plan, layer, block, first, n):
        prefer_wide_vectors()
        plan, layer, block = record(plan), record(layer), record(block)
        units, kept = pointer(block.units, zero), pointer(block.kept, zero)
        deltas = pointer(block.deltas, zero)
        n_functions, n_units = int(layer.setting), layer.fan_out // layer.fan_in
        values = row_of(kept, layer.kept, layer.fan_out + FUNCTION, plan, n)
        first_a = n_functions * (n_units - 1)
        for j in range(layer.fan_in):
            x = row_of(units, layer.inputs, j, plan, n)
            for h in range(n_functions):
                a = load(parameters(zero, plan, layer, first_a + h), j)
                b = load(parameters(zero, plan, layer, first_a + n_functions + h), j)
                for i in range(n):
                    values[i] = function(x[i], a, b)
                for k in range(1, n_units):
                    row = h * (n_units - 1) + k - 1
                    delta = row_of(deltas, layer.outputs, j * n_units + k, plan, n)
                    grad = sum_of_products(delta, values)
                    store(own_gradients(zero, block, layer, row), j, grad)

    return backward


@piece(*PASS)
def waves_backward(zero, plan, layer, block, first, n):
    """Gradients of weights, frequencies and phases."""
    prefer_wide_vectors()
    plan, layer, block = record(plan), record(layer), record(block)
    units, kept = pointer(block.units, zero), pointer(block.kept, zero)
    deltas, T = pointer(block.deltas, zero), type(zero)
    n_functions, n_units = int(layer.setting), layer.fan_out // layer.fan_in
    values = row_of(kept, layer.kept, layer.fan_out + FUNCTION, plan, n)
    place = (layer.kept + layer.fan_out + WEIGHTED) * plan.stride
    weighted = row_of(kept, layer.kept, layer.fan_out + WEIGHTED, plan, n)
    first_a = n_functions * (n_units - 1)
    for j in range(layer.fan_in):
        x = row_of(units, layer.inputs, j, plan, n)
        for h in range(n_functions):
            a = load(parameters(zero, plan, layer, first_a + h), j)
            b = load(parameters(zero, plan, layer, first_a + n_functions + h), j)
            for i in range(n):
                values[i] = wave(x[i], a, b)
                weighted[i] = T(0)
            for k in range(1, n_units):
                row = h * (n_units - 1) + k - 1
                delta = row_of(deltas, layer.outputs, j * n_units + k, plan, n)
                grad = sum_of_products(delta, values)
                store(own_gradients(zero, block, layer, row), j, grad)
                weight = load(parameters(zero, plan, layer, row), j)
                for i in range(n):
                    weighted[i] += weight * delta[i]
            for i in range(n):
                weighted[i] *= T(-2 * np.pi) * sin_turns(a * x[i] + b)
            grads_of_a = own_gradients(zero, block, layer, first_a + h)
            grads_of_b = own_gradients(zero, block, layer, first_a + n_functions + h)
            store(grads_of_a, j, sum_of_products(weighted, x))
            store(grads_of_b, j, total(at(kept, place), n))


@piece(*PASS)
def pass_on(zero, plan, layer, block, first, n):
    """Columns that are inputs as they are."""
    plan, layer, block = record(plan), record(layer), record(block)
    units, size = pointer(block.units, zero), layer.fan_out * plan.stride
    inputs, outputs = layer.inputs * plan.stride, layer.outputs * plan.stride
    copy(at(units, inputs), at(units, outputs), size)


@inlined
def row_of_code(code, n_codes):
    """The row of a code's numbers; row 0 is for what is none of them."""
    is_code = (code >= 0) & (code < n_codes)
    return int(code) + 1 if is_code else 0


@piece(*PASS)
def look_up(zero, plan, layer, block, first, n):
    """The numbers of a category, one for each output."""
    plan, layer, block = record(plan), record(layer), record(block)
    units = pointer(block.units, zero)
    codes = row_of(units, layer.inputs, 0, plan, n)
    for i in range(n):
        row = row_of_code(codes[i], int(layer.setting))
        numbers = parameters(zero, plan, layer, row)
        for k in range(layer.fan_out):
            store(units, (layer.outputs + k) * plan.stride + i, load(numbers, k))


@piece(*PASS)
def look_up_backward(zero, plan, layer, block, first, n):
    """Gradients: each sample adds its deltas to those of its category."""
    plan, layer, block = record(plan), record(layer), record(block)
    units, deltas = pointer(block.units, zero), pointer(block.deltas, zero)
    codes = row_of(units, layer.inputs, 0, plan, n)
    grads = own_gradients(zero, block, layer, 0)
    for i in range(layer.rows * layer.stride):
        store(grads, i, zero)
    for i in range(n):
        row = row_of_code(codes[i], int(layer.setting)) * layer.stride
        for k in range(layer.fan_out):
            delta = load(deltas, (layer.outputs + k) * plan.stride + i)
            store(grads, row + k, load(grads, row + k) + delta)


class Embedding(NamedTuple):
    """What is made of some neighbouring columns of X."""

    name: str
    n_columns: int
    n_units: int
    size: int = 0  # functions of a number, or codes of a category
    deviation: float = 0.0  # of the frequencies at first


def _normal(deviation, random_state, shape):
    return random_state.normal(0, deviation, shape)


def _in_turns(random_state, shape):
    return random_state.uniform(0, 1, shape)


def _bounded(size, random_state, shape):
    return random_state.uniform(-(size**-0.5), size**-0.5, shape)


@cache
def kind_of_embedding(embedding):
    """The kind of layer that makes an embedding."""
    return KINDS[embedding.name](embedding)


def _kind_of_functions(embedding, forward, backward, of_functions):
    size, n_sums = embedding.size, embedding.n_units // embedding.n_columns - 1
    fill, group = partial(_bounded, size), "embeddings"
    weights = Part("embedding_coefs_", size * n_sums, fill=fill, group=group)
    return Kind(
        forward=forward,
        backward=backward,
        gradients=sum_over_blocks,
        predict=forward,
        parts=(weights, *of_functions),
        kept_rows=2,
        sums_blocks=True,
        has_inputs_width=True,
    )


def _waves(embedding):
    frequencies = partial(_normal, embedding.deviation)
    return _kind_of_functions(
        embedding, expand(wave), waves_backward,
        (
            Part("frequencies_", embedding.size, fill=frequencies, group="embeddings"),
            Part("phases_", embedding.size, fill=_in_turns, group="embeddings"),
        ),
    )  # fmt: skip


def _ramps(embedding):
    return _kind_of_functions(
        embedding, expand(ramp), expand_backward(ramp),
        (
            Part("ramp_starts_", embedding.size, is_trained=False, fill=0.0),
            Part("ramp_slopes_", embedding.size, is_trained=False, fill=0.0),
        ),
    )  # fmt: skip


def _table(embedding):
    numbers = partial(_normal, 1.0)
    rows = embedding.size + 1
    return Kind(
        forward=look_up,
        backward=look_up_backward,
        gradients=sum_over_blocks,
        predict=look_up,
        parts=(Part("category_embeddings_", rows, fill=numbers, group="embeddings"),),
        sums_blocks=True,
    )


KINDS = {
    "periodic": _waves,
    "piecewise_linear": _ramps,
    "categories": _table,
    "as_is": lambda embedding: Kind(forward=pass_on, predict=pass_on),
}


class Periodic(BaseEstimator):
    """A number and a few weighted sums of waves of it, frequencies being trained.

    Parameters
    ----------
    n_frequencies : int, default=16
        Waves of each feature.
    n_outputs : int, default=3
        Weighted sums of them.
    deviation : float, default=0.1
        Standard deviation of the frequencies at first, in turns per unit of the
        feature, which should be scaled to a deviation of about one.

    References
    ----------
    .. [1] Y. Gorishniy, I. Rubachev and A. Babenko, "On embeddings for numerical
       features in tabular deep learning", NeurIPS 2022.
    .. [2] D. Holzmüller, L. Grinsztajn and I. Steinwart, "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024, whose "PBLD"
       this is.

    Examples
    --------
    >>> from sknn import MLPRegressor
    >>> from sknn.embeddings import Periodic
    >>> net = MLPRegressor(numerical_embedding=Periodic(n_frequencies=8))
    """

    _parameter_constraints: dict = {
        "n_frequencies": [Interval(Integral, 1, None, closed="left")],
        "n_outputs": [Interval(Integral, 1, None, closed="left")],
        "deviation": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, n_frequencies=16, n_outputs=3, deviation=0.1):
        self.n_frequencies = n_frequencies
        self.n_outputs = n_outputs
        self.deviation = deviation

    def embedding(self, n_columns):
        """What is made of so many columns."""
        n_units = n_columns * (1 + self.n_outputs)
        sizes = n_columns, n_units, self.n_frequencies
        return Embedding("periodic", *sizes, float(self.deviation))


class PiecewiseLinear(BaseEstimator):
    """A number and a few weighted sums of ramps between its quantiles.

    Each sum is a piecewise-linear function of the number, flat beyond its range.

    Parameters
    ----------
    n_bins : int, default=16
        Ramps of each feature, between quantiles of the samples of the first fit.
    n_outputs : int, default=3
        Weighted sums of them.

    References
    ----------
    .. [1] Y. Gorishniy, I. Rubachev and A. Babenko, "On embeddings for numerical
       features in tabular deep learning", NeurIPS 2022.

    Examples
    --------
    >>> from sknn import MLPRegressor
    >>> from sknn.embeddings import PiecewiseLinear
    >>> net = MLPRegressor(numerical_embedding=PiecewiseLinear(n_bins=8))
    """

    _parameter_constraints: dict = {
        "n_bins": [Interval(Integral, 1, None, closed="left")],
        "n_outputs": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, n_bins=16, n_outputs=3):
        self.n_bins = n_bins
        self.n_outputs = n_outputs

    def embedding(self, n_columns):
        """What is made of so many columns."""
        n_units = n_columns * (1 + self.n_outputs)
        return Embedding("piecewise_linear", n_columns, n_units, self.n_bins)


EMBEDDINGS = {"periodic": Periodic(), "piecewise_linear": PiecewiseLinear()}


def as_embedding(embedding):
    """The embedding of this name, or the object itself, its settings checked."""
    if isinstance(embedding, type):
        raise ValueError(
            f"numerical_embedding must be an object: write {embedding.__name__}()."
        )
    embedding = EMBEDDINGS[embedding] if isinstance(embedding, str) else embedding
    if embedding is not None:
        embedding._validate_params()
    return embedding


def place_ramps(params, layers, X):
    """Let the ramps of a network go from quantile to quantile of the columns of X."""
    column = 0
    found = dict(zip(("starts", "slopes"), [[], []]))
    for part, view in parts(params, layers):
        if part.name == "ramp_starts_":
            found["starts"].append(view)
        elif part.name == "ramp_slopes_":
            found["slopes"].append(view)
    ramps = zip(found["starts"], found["slopes"])
    for each in layers.architecture.embeddings:
        if each.name == "piecewise_linear":
            starts, slopes = next(ramps)
            columns = X[:, column : column + each.n_columns]
            edges = np.quantile(columns, np.linspace(0, 1, each.size + 1), axis=0)
            widths = np.diff(edges, axis=0)
            starts[:] = edges[:-1]
            slopes[:] = np.where(widths > 0, 1 / np.where(widths > 0, widths, 1), 0)
        column += each.n_columns
