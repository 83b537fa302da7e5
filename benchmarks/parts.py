"""Kernels that repeat one part of a training step, for bench_parts.py."""

from sknn import network
from sknn._jit import kernel
from sknn._llvm import call


@kernel
def passes(zero, plan, layers, blocks, n, addresses, repeats):
    """The pieces at these addresses, one for each layer or 0."""
    for _ in range(repeats):
        for depth in range(layers.size):
            if addresses[depth] != 0:
                arguments = zero, plan[0], layers[depth], blocks[0], 0, n
                call(addresses[depth], arguments)


@kernel
def outputs(zero, plan, layers, blocks, n, addresses, repeats):
    for _ in range(repeats):
        network.output_layer(zero, plan[0], blocks[0], 0, n, 0)


@kernel
def gradients(zero, plan, layers, blocks, n, addresses, repeats):
    for _ in range(repeats):
        network.gradients_and_steps(
            zero, plan[0], layers, blocks, 0, 0, plan[0].batch_size, 0, 0.0, 0
        )


@kernel
def gradients_and_updates(zero, plan, layers, blocks, n, addresses, repeats):
    for _ in range(repeats):
        network.gradients_and_steps(
            zero, plan[0], layers, blocks, 0, 0, plan[0].batch_size, 0, 1e-9, 0
        )


# The part's kernel, the way its pieces are for, and their names.
KERNELS = {
    "gather": (passes, "forward", ["gather"]),
    "forward": (passes, "forward", ["dense_forward"]),
    "activations": (passes, "forward", ["apply"]),
    "outputs": (outputs, "forward", []),
    "backward": (passes, "backward", ["dense_backward"]),
    "slopes": (passes, "backward", ["scale"]),
    "gradients": (gradients, "forward", []),
    "gradients and updates": (gradients_and_updates, "forward", []),
}
