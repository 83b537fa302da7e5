"""Pieces that repeat one part of a training step, for bench_parts.py."""

from sknn import network
from sknn._jit import INTEGER, piece
from sknn._llvm import call, record_at

# How many samples, and how many times.
PART = (*network.KERNEL, INTEGER, INTEGER)


@piece(*PART)
def forward(zero, plan, layers, blocks, number, n, repeats):
    for _ in range(repeats):
        network.forward(zero, plan, layers, record_at(blocks, 0), 0, n)


@piece(*PART)
def outputs(zero, plan, layers, blocks, number, n, repeats):
    for _ in range(repeats):
        network.output_layer(zero, plan, record_at(blocks, 0), 0, n, 0)


@piece(*PART)
def backward(zero, plan, layers, blocks, number, n, repeats):
    for _ in range(repeats):
        network.backward(zero, plan, layers, record_at(blocks, 0), 0, n)


@piece(*PART)
def gradients(zero, plan, layers, blocks, number, n, repeats):
    tables = zero, plan, layers, blocks, number
    for _ in range(repeats):
        call(plan.gradients_and_steps, (*tables, 0, plan.batch_size, 0, 0.0, 0))


@piece(*PART)
def gradients_and_updates(zero, plan, layers, blocks, number, n, repeats):
    tables = zero, plan, layers, blocks, number
    for _ in range(repeats):
        call(plan.gradients_and_steps, (*tables, 0, plan.batch_size, 0, 1e-9, 0))


# What repeats each part, and the name of the layers' pieces that it is of.
PARTS = {
    "gather": (forward, "gather"),
    "forward": (forward, "dense_forward"),
    "activations": (forward, "apply"),
    "outputs": (outputs, None),
    "backward": (backward, "dense_backward"),
    "slopes": (backward, "scale"),
    "gradients": (gradients, None),
    "gradients and updates": (gradients_and_updates, None),
}
