"""Kernels that repeat one part of a training step, for bench_parts.py."""

from sknn import network
from sknn._jit import kernel
from sknn._llvm import call


@kernel
def forward(zero, plan, layers, blocks, n, chosen, repeats):
    """The way forward of the chosen layers."""
    for _ in range(repeats):
        for depth in range(layers.size):
            if chosen[depth] and layers[depth].forward != 0:
                arguments = zero, plan[0], layers[depth], blocks[0], 0, n
                call(layers[depth].forward, arguments)


@kernel
def outputs(zero, plan, layers, blocks, n, chosen, repeats):
    for _ in range(repeats):
        network.output_layer(zero, plan[0], blocks[0], 0, n, 0)


@kernel
def backward(zero, plan, layers, blocks, n, chosen, repeats):
    """The way back of the chosen layers."""
    for _ in range(repeats):
        for depth in range(layers.size):
            if chosen[depth] and layers[depth].backward != 0:
                arguments = zero, plan[0], layers[depth], blocks[0], 0, n
                call(layers[depth].backward, arguments)


@kernel
def gradients(zero, plan, layers, blocks, n, chosen, repeats):
    for _ in range(repeats):
        network.gradients_and_steps(
            zero, plan[0], layers, blocks, 0, 0, plan[0].batch_size, 0, 0.0, 0
        )


@kernel
def gradients_and_updates(zero, plan, layers, blocks, n, chosen, repeats):
    for _ in range(repeats):
        network.gradients_and_steps(
            zero, plan[0], layers, blocks, 0, 0, plan[0].batch_size, 0, 1e-9, 0
        )


# The part's kernel, and the names of the pieces of the layers that it calls.
KERNELS = {
    "gather": (forward, ["gather"]),
    "forward": (forward, ["dense_forward"]),
    "activations": (forward, ["apply"]),
    "outputs": (outputs, []),
    "backward": (backward, ["dense_backward"]),
    "slopes": (backward, ["scale"]),
    "gradients": (gradients, []),
    "gradients and updates": (gradients_and_updates, []),
}
