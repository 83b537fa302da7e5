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


def gradients(scale):
    """Gradients of a minibatch; and steps along them, unless the scale is 0."""

    @piece(*PART)
    def repeated(zero, plan, layers, blocks, number, n, repeats):
        tables = zero, plan, layers, blocks, number
        for _ in range(repeats):
            call(plan.gradients_and_steps, (*tables, 0, plan.batch_size, 0, scale, 0))

    return repeated


forward, backward = passes(network.forward), passes(network.backward)

# What repeats each part, and the name of the layers' pieces that it is of.
PARTS = {
    "gather": (forward, "gather"),
    "forward": (forward, "dense_forward"),
    "activations": (forward, "apply"),
    "outputs": (outputs, None),
    "backward": (backward, "dense_backward"),
    "slopes": (backward, "scale"),
    "gradients": (gradients(0.0), None),
    "gradients and updates": (gradients(1e-9), None),
}
