"""A plan is what the kernels of a fit or a prediction read: addresses and sizes.

Kernels that take addresses instead of arrays compile in a third of the time, and have
one signature per dtype.  In return, this is the only place that writes the addresses:
each is that of an array of the right kind, which the plan keeps alive.
"""

from typing import NamedTuple

import numpy as np

from .activations import ACTIVATIONS
from .losses import LOSSES
from .network import STRIP, predict, run_epoch
from .params import n_params, n_units, padded, row_stride, zeros
from .products import product, scratch_size, transpose
from .records import ADDRESSES, BLOCK, PLAN
from .sparse import sparse_forward, sparse_gradients

BLOCK_ROWS = 256  # samples of a block, at most
DIVIDED_BATCH = 128  # samples of the smallest minibatch that makes two blocks


class Network(NamedTuple):
    """A network: its flat parameters, its table of layers, its pieces' names."""

    params: np.ndarray
    layers: np.ndarray
    activation: str
    loss: str


class Plan:
    """What predicting for at most ``n_rows`` samples takes."""

    training = False

    def __init__(self, network, samples, n_rows, n_blocks=1, n_members=1):
        self._dtype = network.params.dtype
        self._zero = self._dtype.type(0)
        self._kept = {}
        self._plan = np.zeros(1, PLAN)
        self._layers = network.layers.copy()
        self._point(params=network.params, **samples._asdict())
        is_sparse = samples.row_starts.size > 0
        block_rows = min(padded(n_rows, self._dtype), BLOCK_ROWS)
        # a sparse X is not among the units
        dense_inputs = network.layers["outputs"] > network.layers["inputs"]
        inputs = network.layers["fan_in"] * dense_inputs + 1
        self._set(
            n_features=network.layers[0]["fan_in"],
            n_outputs=network.layers[-1]["fan_out"],
            n_targets=samples.targets.shape[1],
            n_blocks=n_blocks,
            n_members=n_members,
            block_rows=block_rows,
            stride=row_stride(block_rows, self._dtype),
            strip_stride=row_stride(inputs[0], self._dtype),
            is_sparse=is_sparse,
            has_weights=samples.weights.size > 0,
        )
        if n_members > 1 and not is_sparse:
            self._set(sums_blocks=self._is_narrow(block_rows * n_blocks))
        self._blocks = np.zeros(n_blocks, BLOCK)
        for block in self._blocks:
            self._give(block, inputs)
        self._connect(network)

    def predict(self, order):
        """The network's outputs for these samples, of shape (n_samples, n_outputs)."""
        outputs = np.empty((order.size, self._plan[0]["n_outputs"]), self._dtype)
        self._point(order=order, outputs=outputs)
        self._set(n_samples=order.size)
        predict(self._zero, self._plan, self._layers, self._blocks)
        return outputs

    def _connect(self, network):
        """Look up, or compile, the pieces that the network is made of."""
        activation = ACTIVATIONS[network.activation]
        if activation:
            address = activation.forward.address(self._dtype)
            self._layers["activation"][:-1] = address
        self._set(
            product=product.address(self._dtype),
            transpose=transpose.address(self._dtype),
            link=LOSSES[network.loss].link.address(self._dtype),
        )
        if self._plan[0]["is_sparse"]:
            self._set(sparse_forward=sparse_forward.address(self._dtype))

    def _is_narrow(self, n_rows):
        """Whether there are more units in all blocks to send about than parameters."""
        numbers = n_units(self._layers, self._dtype) + self._layers["stride"].sum()
        return n_params(self._layers) < n_rows * numbers

    def _give(self, block, inputs):
        """Allocate what one block has to itself."""
        layers, plan, dtype = self._layers, self._plan[0], self._dtype
        stride, lanes = int(plan["stride"]), padded(1, dtype)
        units = n_units(layers, dtype)
        turned = layers["stride"] if self.training else layers["stride"][:1]
        grads = self._plan["sums_blocks"][0] * n_params(layers)
        sizes = {
            "units": units * stride,
            "deltas": self.training * units * stride,
            "turned": int(plan["block_rows"] * turned.sum()),
            "targets": int(plan["n_targets"]) * stride,
            "weights": stride,
            "strip": lanes * int(plan["strip_stride"]),
            "packed": scratch_size(int(inputs.max())),
            "grads": int(grads),
        }
        own = {name: zeros(size, dtype) for name, size in sizes.items()}
        for name, array in own.items():
            block[name] = array.ctypes.data
        self._kept[len(self._kept)] = own
        # the inputs of the intercepts, and the weights of samples that have none
        own["units"].reshape(-1, stride)[layers["inputs"][1:] + inputs[1:] - 1] = 1
        own["strip"].reshape(lanes, -1)[:, inputs[0] - 1] = 1
        own["weights"][:] = 1

    def _point(self, **arrays):
        """Write the addresses of arrays, and keep the arrays."""
        for name, array in arrays.items():
            expected = ADDRESSES[name] or self._dtype
            if array.dtype != expected or not array.flags.c_contiguous:
                raise TypeError(f"{name} must be {expected}, one row after the other.")
            self._plan[name] = array.ctypes.data
            self._kept[name] = array

    def _set(self, **numbers):
        for name, number in numbers.items():
            self._plan[name] = number


class TrainingPlan(Plan):
    """What training with minibatches of at most ``batch_size`` samples takes."""

    training = True

    def __init__(self, network, samples, batch_size, team, update=None):
        # The order in which gradients are summed must not depend on the number of
        # threads: a thread takes whole chunks, of which all but tiny minibatches have
        # an even number.  One thread alone takes as many chunks as make a block.
        dtype = network.params.dtype
        n_chunks = 2 * -(-batch_size // (2 * BLOCK_ROWS))
        n_chunks = n_chunks if batch_size >= DIVIDED_BATCH else 1
        chunk_rows = padded(-(-batch_size // n_chunks), dtype)
        alone = team.size == 1
        in_a_block = min(n_chunks, BLOCK_ROWS // chunk_rows) if alone else 1
        n_blocks = min(team.size, n_chunks)
        super().__init__(network, samples, chunk_rows * in_a_block, n_blocks, team.size)
        self._team = team
        self.grads = zeros(n_params(network.layers), self._dtype)
        strips = int((-(-(network.layers["fan_in"] + 1) // STRIP)).sum())
        self._point(
            grads=self.grads,
            losses=zeros(batch_size, self._dtype),
            penalties=np.zeros(strips),
            arrivals=team.arrivals,
        )
        self._set(
            batch_size=batch_size,
            chunk_rows=chunk_rows,
            n_params=self.grads.size,
            n_strips=strips,
            loss=LOSSES[network.loss].train.address(self._dtype),
            update=update.address(self._dtype) if update else 0,
        )
        if self._plan[0]["is_sparse"]:
            self._set(sparse_gradients=sparse_gradients.address(self._dtype))
        activation = ACTIVATIONS[network.activation]
        if activation:
            self._layers["slope"][:-1] = activation.backward.address(self._dtype)

    def remember(self, moments, settings):
        """Let the update rule read these settings, and read and write these moments."""
        self._point(moments=moments, settings=settings)

    def run_epoch(self, order, rates, alpha):
        """Train on these samples; the mean loss, and the mean of the L2 penalty."""
        self._point(order=order, rates=rates)
        self._set(n_samples=order.size, n_steps=rates.size, alpha=alpha)
        arguments = self._zero, self._plan, self._layers, self._blocks
        return self._team.run(lambda number: run_epoch(*arguments, number))
