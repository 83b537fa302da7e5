"""The network at work: forward, backward and update over minibatches, in one call.

A minibatch goes through in blocks of rows.  `units` holds the inputs and outputs of
every layer for one block, `deltas` the derivatives of the loss in the same places;
the matrix of a layer starts at ``block_rows * layer.inputs`` (or ``.outputs``).
"""

from typing import NamedTuple

import numpy as np

from ._jit import inlined, kernel
from .activations import activate, scale_by_slope
from .losses import link, output_deltas, sample_losses
from .optimizers import NONE, update
from .params import n_params, n_transposed, n_units, zeros
from .products import (
    AS_IT_IS,
    OVERWRITE,
    TRANSPOSED,
    product,
    scratch_size,
    sparse_outer_product,
    sparse_product,
    sum_of_squares,
    transpose,
)

BLOCK_ROWS = 256


class Network(NamedTuple):
    """A network: its flat parameters, its table of layers, the code of its loss."""

    params: np.ndarray
    layers: np.ndarray
    loss: int


class Workspace(NamedTuple):
    """Scratch for one fit or one prediction: nothing in it outlives the call."""

    units: np.ndarray
    deltas: np.ndarray
    outputs: np.ndarray  # of the last layer, without padding
    terms: np.ndarray  # of each sample's loss, one for each output
    losses: np.ndarray  # of the samples of one block
    grads: np.ndarray
    transposed: np.ndarray
    scratch: np.ndarray  # of a product


def workspace(layers, n_rows, dtype, training=True):
    """Scratch for blocks of at most ``n_rows``; without training, for forward only."""
    n_rows = min(n_rows, BLOCK_ROWS)
    n_block_units = n_rows * n_units(layers)
    n_block_outputs = n_rows * int(layers[-1]["fan_out"])
    nothing = zeros(0, dtype)
    forward_only = Workspace(
        units=zeros(n_block_units, dtype),
        deltas=nothing,
        outputs=zeros(n_block_outputs, dtype),
        terms=nothing,
        losses=zeros(n_rows, dtype),
        grads=nothing,
        transposed=nothing,
        scratch=nothing,
    )
    if not training:
        return forward_only
    return forward_only._replace(
        deltas=zeros(n_block_units, dtype),
        terms=zeros(n_block_outputs, dtype),
        grads=zeros(n_params(layers), dtype),
        transposed=zeros(n_transposed(layers), dtype),
        scratch=zeros(scratch_size(widest_input(layers) + 1), dtype),
    )


def widest_input(layers):
    """Most inputs of a layer that has them among the units; a sparse X is not there."""
    return int(layers["fan_in"][layers["inputs_stride"] > 0].max(initial=0))


@kernel
def run_epoch(
    params, layers, samples, order, batch_size, loss, hyper, rates, moments, work
):
    """Pass once over the samples in ``order``, one step of ``params`` per minibatch.

    ``rates`` has the learning rate of each step.  Written in place: ``params``,
    ``moments`` and ``work``.  Returns the mean loss of the samples, each taken before
    the step it leads to, and the mean of the L2 penalty.
    """
    total_loss, total_penalty = 0.0, 0.0
    transpose_weights(params, layers, work)
    for step in range(rates.size):
        batch = order[step * batch_size : (step + 1) * batch_size]
        weight = batch_weight(samples.weights, batch)
        loss_sum = accumulate_gradient(params, layers, samples, batch, loss, work)
        if weight != 0:  # weights that cancel have no mean: nothing is learned
            penalty = 0.5 * hyper.alpha * squared_weights(params, layers)
            total_loss += loss_sum / weight * batch.size
            total_penalty += penalty / weight * batch.size
            if hyper.optimizer != NONE:
                step_layers(params, layers, hyper, rates[step], weight, moments, work)
    return total_loss / order.size, total_penalty / order.size


@kernel
def predict(params, layers, samples, rows, loss, work, outputs):
    """Write the network's outputs for these rows of the samples into ``outputs``."""
    block_rows = work.losses.size
    n_outputs = layers[-1].fan_out
    for first in range(0, rows.size, block_rows):
        block = rows[first : first + block_rows]
        forward(params, layers, samples, block, work)
        block_outputs = linked_outputs(layers, block.size, loss, work)
        copy(block_outputs, outputs[first * n_outputs :])


@inlined
def accumulate_gradient(params, layers, samples, batch, loss, work):
    """Sum losses, and gradients into ``work.grads``, over a minibatch by blocks."""
    total = 0.0
    block_rows = work.losses.size
    for first in range(0, batch.size, block_rows):
        block = batch[first : first + block_rows]
        forward(params, layers, samples, block, work)
        total += output_layer(layers, samples, block, loss, work)
        backward(layers, block.size, work)
        weight_gradients(layers, samples, block, first > 0, work)
    return total


@inlined
def forward(params, layers, samples, block, work):
    """Outputs of every layer; the last one's are weighted sums still."""
    block_rows = work.losses.size
    units = work.units
    if samples.row_starts.size == 0:
        gather(samples.dense, block, units, layers[0].inputs_stride)
    for depth in range(layers.size):
        layer = layers[depth]
        at = block_rows * layer.outputs
        if depth == 0 and samples.row_starts.size > 0:
            sparse_forward(params, layer, samples, block, units, at)
        else:
            product(
                units, block_rows * layer.inputs, layer.inputs_stride, AS_IT_IS,
                params, layer.weights, layer.stride,
                units, at, layer.outputs_stride,
                block.size, layer.columns, layer.fan_in + 1, OVERWRITE, work.scratch,
            )  # fmt: skip
        if depth < layers.size - 1:
            stop = at + block.size * layer.outputs_stride
            activate(layer.activation, units[at:stop])
            for one in range(at + layer.fan_out, stop, layer.outputs_stride):
                units[one] = 1


@inlined
def gather(X, block, units, stride):
    """Copy rows of X to the front of ``units``, each followed by a one."""
    n_features = X.shape[1]
    for i in range(block.size):
        inputs = units[i * stride : (i + 1) * stride]
        copy(X[block[i]], inputs)
        inputs[n_features] = 1


@inlined
def sparse_forward(params, layer, samples, block, units, at):
    """The first layer's weighted sums, from rows of a sparse X."""
    intercepts = row(params, layer.weights, layer.stride, layer.fan_in)
    for i in range(block.size):
        z = row(units, at, layer.outputs_stride, i)[: layer.stride]
        copy(intercepts, z)
        sparse_product(
            samples.values, samples.columns,
            samples.row_starts[block[i]], samples.row_starts[block[i] + 1],
            params, layer.weights, layer.stride, z,
        )  # fmt: skip


@inlined
def linked_outputs(layers, n_rows, loss, work):
    """The last layer's sums, turned into outputs, row after row without padding."""
    last = layers[-1]
    at = work.losses.size * last.outputs
    outputs = work.outputs[: n_rows * last.fan_out]
    for i in range(n_rows):
        for j in range(last.fan_out):
            z = work.units[at + i * last.outputs_stride + j]
            outputs[i * last.fan_out + j] = z
    link(loss, outputs, last.fan_out)
    return outputs


@inlined
def output_layer(layers, samples, block, loss, work):
    """Link the last layer's sums; its deltas and the weighted sum of the losses."""
    last = layers[-1]
    outputs = linked_outputs(layers, block.size, loss, work)
    sample_losses(
        loss, outputs, samples.targets, block, last.fan_out, work.terms, work.losses
    )
    output_deltas(
        loss, outputs, samples.targets, block, samples.weights, last.fan_out,
        work.deltas, work.losses.size * last.outputs, last.outputs_stride,
    )  # fmt: skip
    total = 0.0
    for i in range(block.size):
        if samples.weights.size > 0:
            total += work.losses[i] * samples.weights[block[i]]
        else:
            total += work.losses[i]
    return total


@inlined
def backward(layers, n_rows, work):
    """Deltas of every layer, from those of the last one."""
    block_rows = work.losses.size
    deltas = work.deltas
    for depth in range(layers.size - 1, 0, -1):
        layer = layers[depth]
        at = block_rows * layer.inputs
        stop = at + n_rows * layer.inputs_stride
        product(
            deltas, block_rows * layer.outputs, layer.outputs_stride, AS_IT_IS,
            work.transposed, layer.transposed, layer.transposed_stride,
            deltas, at, layer.inputs_stride,
            n_rows, layer.transposed_columns, layer.fan_out, OVERWRITE, work.scratch,
        )  # fmt: skip
        activation = layers[depth - 1].activation
        scale_by_slope(activation, work.units[at:stop], deltas[at:stop])


@inlined
def weight_gradients(layers, samples, block, accumulate, work):
    """Inputs times deltas, the inputs' column of ones giving the intercepts' sums."""
    block_rows = work.losses.size
    for depth in range(layers.size):
        layer = layers[depth]
        if depth == 0 and samples.row_starts.size > 0:
            sparse_gradients(layer, samples, block, accumulate, work)
        else:
            product(
                work.units, block_rows * layer.inputs, layer.inputs_stride, TRANSPOSED,
                work.deltas, block_rows * layer.outputs, layer.outputs_stride,
                work.grads, layer.weights, layer.stride,
                layer.fan_in + 1, layer.columns, block.size, accumulate, work.scratch,
            )  # fmt: skip


@inlined
def sparse_gradients(layer, samples, block, accumulate, work):
    """The first layer's gradients, from rows of a sparse X."""
    stop = layer.weights + (layer.fan_in + 1) * layer.stride
    if not accumulate:
        for i in range(layer.weights, stop):
            work.grads[i] = 0
    intercepts = row(work.grads, layer.weights, layer.stride, layer.fan_in)
    at = work.losses.size * layer.outputs
    for i in range(block.size):
        delta = row(work.deltas, at, layer.outputs_stride, i)[: layer.stride]
        for j in range(delta.size):
            intercepts[j] += delta[j]
        sparse_outer_product(
            samples.values, samples.columns,
            samples.row_starts[block[i]], samples.row_starts[block[i] + 1],
            delta, work.grads, layer.weights, layer.stride,
        )  # fmt: skip


@inlined
def step_layers(params, layers, hyper, rate, weight, moments, work):
    """Update all parameters and the transposed copy of the weights."""
    scale = 1 / weight
    for depth in range(layers.size):
        layer = layers[depth]
        start = layer.weights
        middle = start + layer.fan_in * layer.stride
        stop = middle + layer.stride
        grads = work.grads
        update(hyper, rate, scale, hyper.alpha, params, grads, moments, start, middle)
        update(hyper, rate, scale, 0.0, params, grads, moments, middle, stop)
    transpose_weights(params, layers, work)


@inlined
def transpose_weights(params, layers, work):
    """Copy the weights that `backward` reads by columns."""
    for depth in range(1, layers.size):
        layer = layers[depth]
        transpose(
            params, layer.weights, layer.stride,
            work.transposed, layer.transposed, layer.transposed_stride,
            layer.fan_in, layer.fan_out,
        )  # fmt: skip


@inlined
def squared_weights(params, layers):
    """Sum of the squares of all weights; intercepts are not penalised."""
    total = 0.0
    for depth in range(layers.size):
        layer = layers[depth]
        stop = layer.weights + layer.fan_in * layer.stride
        total += sum_of_squares(params[layer.weights : stop])
    return total


@inlined
def batch_weight(weights, batch):
    """Sum of a minibatch's sample weights, or its size where there are none."""
    if weights.size == 0:
        return float(batch.size)
    total = 0.0
    for i in range(batch.size):
        total += weights[batch[i]]
    return total


@kernel
def row(matrix, start, stride, i):
    """Row ``i`` of a matrix in a flat buffer."""
    return matrix[start + i * stride : start + (i + 1) * stride]


@kernel
def copy(source, target):
    """Copy a row; a loop, for slice assignment brings its error messages along."""
    for j in range(source.size):
        target[j] = source[j]
