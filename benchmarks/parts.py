"""Pieces that repeat one part of a training step, for bench_parts.py."""

from sknn import network
from sknn._jit import INTEGER, piece, piece_of
from sknn._llvm import call, record_at

# How many samples, and how many times.
PART = (*network.KERNEL, INTEGER, INTEGER)


@piece_of(*PART)
def passes(way):
    """Send a block through the layers, one way."""

    def repeated(zero, plan, layers, blocks, number, n, repeats):
        for _ in range(repeats):
            way(zero, plan, layers, record_at(blocks, 0), 0, n)

    return repeated


@piece(*PART)
def outputs(zero, plan, layers, blocks, number, n, repeats):
    for _ in range(repeats):
        network.output_layer(zero, plan, record_at(blocks, 0), 0, n, 0)


def gradients(weight):
    """Gradients of a minibatch; and steps along them, unless its weight is 0."""

    @piece(*PART)
    def repeated(zero, plan, layers, blocks, number, n, repeats):
        tables = zero, plan, layers, blocks, number
        n_at_once = plan.block_rows * plan.n_blocks
        for _ in range(repeats):
            for first in range(0, plan.batch_size, n_at_once):
                last = min(first + n_at_once, plan.batch_size)
                weight_now = weight if last == plan.batch_size else 0.0
                numbers = 0, first, last, weight_now, 0
                call(plan.gradients_and_steps, (*tables, *numbers))

    return repeated


forward, backward = passes(network.forward), passes(network.backward)

# What repeats each part, and the name of the layers' pieces that it is of.
PARTS = {
    "gather": (forward, "gather"),
    "forward": (forward, "dense_forward"),
    "activations": (forward, "apply"),
    "outputs": (outputs, None),
    "backward": (backward, "dense_backward"),
    "turns": (backward, "turn"),
    "slopes": (backward, "scale"),
    "gradients": (gradients(0.0), None),
    "gradients and updates": (gradients(1e9), None),
}
