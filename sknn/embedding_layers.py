"""The layers of embeddings: weighted sums of functions of a number, rows of a table."""

from functools import cache, partial

import numpy as np

from ._bits import constant
from ._jit import inlined, piece
from ._llvm import at, load, pointer, prefer_wide_vectors, store
from .block_gradients import (
    own_gradients,
    parameters,
    sum_of_products,
    sum_over_blocks,
)
from .elementary import clamp, cos_turns, sin_turns
from .layers import PASS, Kind, Part, row_of
from .piecewise_linear import (
    interpolate,
    interpolate_backward,
    n_functions_and_sums,
    sum_of_column,
)
from .products import copy, total

VALUES, WEIGHTED = 0, 1  # rows of scratch
LEAST_LANES = 8  # numbers in a vector


# As far as sine and cosine can tell where a wave is.
most_turns = constant(2.0**22, 2.0**51)


@inlined
def turns(x, frequency, phase):
    """Where a wave is, as far as its sine and cosine can tell."""
    return clamp(frequency * x + phase, -most_turns(x), most_turns(x))


@inlined
def wave(x, frequency, phase):
    """A cosine; the phase in turns."""
    return cos_turns(turns(x, frequency, phase))


# A column's numbers are in one column of the parameters: the intercepts of its sums, a
# row for each wave and sum with its weight, the frequencies, and the phases.
@inlined
def row_of_weight(h, k, n_sums):
    """The row of parameters with the weight of wave h in sum k."""
    return (1 + h) * n_sums + k


@inlined
def scratch(zero, plan, layer, block, which, n):
    """A row of numbers of now, behind what is kept for the outputs."""
    kept = pointer(block.kept, zero)
    return row_of(kept, layer.kept, layer.fan_out + which, plan, n)


@inlined
def settings_of(zero, plan, layer, j, h, n_waves, n_sums):
    """The frequency and the phase of wave h of column j."""
    row = (1 + n_waves) * n_sums + h
    frequency = load(parameters(zero, plan, layer, row), j)
    phase = load(parameters(zero, plan, layer, row + n_waves), j)
    return frequency, phase


@piece(*PASS)
def waves(zero, plan, layer, block, first, n):
    """Each column, and weighted sums of its waves."""
    prefer_wide_vectors()
    units = pointer(block.units, zero)
    values = scratch(zero, plan, layer, block, VALUES, n)
    n_waves, n_sums = n_functions_and_sums(layer)
    for j in range(layer.fan_in):
        x = row_of(units, layer.inputs, j, plan, n)
        row_of(units, layer.outputs, j * (1 + n_sums), plan, n)[:] = x
        for k in range(n_sums):
            intercept = load(parameters(zero, plan, layer, k), j)
            sum_of_column(units, layer, j, k, n_sums, plan, n)[:] = intercept
        for h in range(n_waves):
            frequency, phase = settings_of(zero, plan, layer, j, h, n_waves, n_sums)
            for i in range(n):
                values[i] = wave(x[i], frequency, phase)
            for k in range(n_sums):
                row = row_of_weight(h, k, n_sums)
                weight = load(parameters(zero, plan, layer, row), j)
                output = sum_of_column(units, layer, j, k, n_sums, plan, n)
                for i in range(n):
                    output[i] += weight * values[i]


@inlined
def weight_gradients(zero, plan, layer, block, values, j, h, n_sums, n):
    """The gradients of the weights of wave h of column j, from its values."""
    deltas = pointer(block.deltas, zero)
    for k in range(n_sums):
        delta = sum_of_column(deltas, layer, j, k, n_sums, plan, n)
        grads = own_gradients(zero, block, layer, row_of_weight(h, k, n_sums))
        store(grads, j, sum_of_products(delta, values))


@inlined
def intercept_gradients(zero, plan, layer, block, j, n_sums, n):
    """The gradients of the intercepts of the sums of column j."""
    for k in range(n_sums):
        unit = (layer.outputs + j * (1 + n_sums) + 1 + k) * plan.stride
        grads = own_gradients(zero, block, layer, k)
        store(grads, j, total(at(pointer(block.deltas, zero), unit), n))


@piece(*PASS)
def waves_backward(zero, plan, layer, block, first, n):
    """The gradients of weights, intercepts, frequencies and phases."""
    prefer_wide_vectors()
    values = scratch(zero, plan, layer, block, VALUES, n)
    n_waves, n_sums = n_functions_and_sums(layer)
    for j in range(layer.fan_in):
        x = row_of(pointer(block.units, zero), layer.inputs, j, plan, n)
        for h in range(n_waves):
            a, b = settings_of(zero, plan, layer, j, h, n_waves, n_sums)
            for i in range(n):
                values[i] = wave(x[i], a, b)
            weight_gradients(zero, plan, layer, block, values, j, h, n_sums, n)
            wave_gradients(zero, plan, layer, block, x, j, h, n_waves, n_sums, n)
        intercept_gradients(zero, plan, layer, block, j, n_sums, n)


@inlined
def wave_gradients(zero, plan, layer, block, x, j, h, n_waves, n_sums, n):
    """The gradients of the frequency and the phase of wave h of column j."""
    deltas, T = pointer(block.deltas, zero), type(zero)
    a, b = settings_of(zero, plan, layer, j, h, n_waves, n_sums)
    of_turns = scratch(zero, plan, layer, block, WEIGHTED, n)
    of_turns[:] = zero
    for k in range(n_sums):
        row = row_of_weight(h, k, n_sums)
        weight = load(parameters(zero, plan, layer, row), j)
        delta = sum_of_column(deltas, layer, j, k, n_sums, plan, n)
        for i in range(n):
            of_turns[i] += weight * delta[i]
    for i in range(n):
        of_turns[i] *= T(-2 * np.pi) * sin_turns(turns(x[i], a, b))
    row = (1 + n_waves) * n_sums + h
    place = (layer.kept + layer.fan_out + WEIGHTED) * plan.stride
    sum_of_all = total(at(pointer(block.kept, zero), place), n)
    store(own_gradients(zero, block, layer, row), j, sum_of_products(of_turns, x))
    store(own_gradients(zero, block, layer, row + n_waves), j, sum_of_all)


@piece(*PASS)
def pass_on(zero, plan, layer, block, first, n):
    """Columns that are inputs as they are."""
    units, size = pointer(block.units, zero), layer.fan_out * plan.stride
    inputs, outputs = layer.inputs * plan.stride, layer.outputs * plan.stride
    copy(at(units, inputs), at(units, outputs), size)


@inlined
def row_of_code(code, n_codes):
    """The row of a code's numbers; row 0 is for what is none of them."""
    if code >= 0 and code < n_codes and code == int(code):
        return 1 + int(code)
    return 0


@piece(*PASS)
def look_up(zero, plan, layer, block, first, n):
    """The numbers of a category, one for each output."""
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
    units, deltas = pointer(block.units, zero), pointer(block.deltas, zero)
    codes = row_of(units, layer.inputs, 0, plan, n)
    all_grads = own_gradients(zero, block, layer, 0)
    for i in range(layer.rows * layer.stride):
        store(all_grads, i, zero)
    for i in range(n):
        row = row_of_code(codes[i], int(layer.setting))
        grads = own_gradients(zero, block, layer, row)
        for k in range(layer.fan_out):
            delta = load(deltas, (layer.outputs + k) * plan.stride + i)
            store(grads, k, load(grads, k) + delta)


def _waves(embedding):
    frequencies = partial(_normal, embedding.deviation)
    return _kind_of_sums(
        embedding, waves, waves_backward, 2,
        Part("frequencies_", embedding.size, fill=frequencies, group="embeddings"),
        Part("phases_", embedding.size, fill=_in_turns, group="embeddings"),
    )  # fmt: skip


def _ramps(embedding):
    n_values = (1 + embedding.size) * n_sums_of(embedding)
    return _kind_of_sums(
        embedding, interpolate, interpolate_backward, rows_for(n_values),
        Part("ramp_starts_", embedding.size, is_trained=False, fill=0.0),
        Part("ramp_slopes_", embedding.size, is_trained=False, fill=0.0),
    )  # fmt: skip


def n_sums_of(embedding):
    return embedding.n_units // embedding.n_columns - 1


def rows_for(n_values):
    """Rows of a block with room for so many numbers: each has a vector of them."""
    return -(-n_values // LEAST_LANES)


def _kind_of_sums(embedding, forward, backward, kept_rows, *of_functions):
    size, n_sums = embedding.size, n_sums_of(embedding)
    fill, group = partial(_bounded, size), "embeddings"
    intercepts = Part("embedding_intercepts_", n_sums, fill=0.0, group=group)
    weights = Part("embedding_coefs_", size * n_sums, fill=fill, group=group)
    return Kind(
        forward=forward,
        backward=backward,
        gradients=sum_over_blocks,
        predict=forward,
        parts=(intercepts, weights, *of_functions),
        kept_rows=kept_rows,
        sums_blocks=True,
        has_inputs_width=True,
    )


def _table(embedding):
    rows = embedding.size + 1
    return Kind(
        forward=look_up,
        backward=look_up_backward,
        gradients=sum_over_blocks,
        predict=look_up,
        parts=(Part("category_embeddings_", rows, fill=_rows, group="embeddings"),),
        sums_blocks=True,
    )


def _normal(deviation, random_state, shape):
    return random_state.normal(0, deviation, shape)


def _in_turns(random_state, shape):
    return random_state.uniform(0, 1, shape)


def _bounded(size, random_state, shape):
    return random_state.uniform(-(size**-0.5), size**-0.5, shape)


def _rows(random_state, shape):
    """Normal numbers; for codes that are none, their mean."""
    rows = random_state.normal(size=shape)
    rows[0] = 0
    return rows


EMBEDDINGS = {
    "periodic": _waves,
    "piecewise_linear": _ramps,
    "categories": _table,
    "as_is": lambda embedding: Kind(forward=pass_on, predict=pass_on),
}


@cache
def kind_of_embedding(embedding):
    """The kind of layer that makes an embedding."""
    return EMBEDDINGS[embedding.name](embedding)
