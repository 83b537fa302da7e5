"""Kernels that repeat one part of a training step, for bench_parts.py."""

from sknn import network
from sknn._jit import kernel
from sknn._llvm import at, call, pointer
from sknn.products import AS_IT_IS, OVERWRITE, TRANSPOSED, whole_vectors


@kernel
def gather(zero, plans, layers, blocks, n, repeats):
    for _ in range(repeats):
        network.gather(zero, plans[0], blocks[0], 0, n)


@kernel
def forward(zero, plans, layers, blocks, n, repeats):
    plan, block = plans[0], blocks[0]
    units, params = pointer(block.units, zero), pointer(plan.params, zero)
    for _ in range(repeats):
        for depth in range(layers.size):
            layer = layers[depth]
            call(
                plan.product,
                (
                    at(params, layer.weights), layer.stride, TRANSPOSED,
                    at(units, layer.inputs * plan.stride), plan.stride,
                    at(units, layer.outputs * plan.stride), plan.stride,
                    layer.fan_out, whole_vectors(n, zero), layer.fan_in + 1, OVERWRITE,
                    pointer(block.packed, zero),
                ),
            )  # fmt: skip


@kernel
def activations(zero, plans, layers, blocks, n, repeats):
    plan, units = plans[0], pointer(blocks[0].units, zero)
    for _ in range(repeats):
        for depth in range(layers.size - 1):
            layer = layers[depth]
            outputs = at(units, layer.outputs * plan.stride)
            call(layer.activation, (outputs, layer.fan_out * plan.stride))


@kernel
def outputs(zero, plans, layers, blocks, n, repeats):
    for _ in range(repeats):
        network.output_layer(zero, plans[0], layers, blocks[0], 0, n, 0)


@kernel
def backward(zero, plans, layers, blocks, n, repeats):
    plan, block = plans[0], blocks[0]
    deltas, params = pointer(block.deltas, zero), pointer(plan.params, zero)
    for _ in range(repeats):
        for depth in range(layers.size - 1, 0, -1):
            layer = layers[depth]
            call(
                plan.product,
                (
                    at(params, layer.weights), layer.stride, AS_IT_IS,
                    at(deltas, layer.outputs * plan.stride), plan.stride,
                    at(deltas, layer.inputs * plan.stride), plan.stride,
                    layer.fan_in, whole_vectors(n, zero), layer.fan_out, OVERWRITE,
                    pointer(block.packed, zero),
                ),
            )  # fmt: skip


@kernel
def slopes(zero, plans, layers, blocks, n, repeats):
    plan, block = plans[0], blocks[0]
    units, deltas = pointer(block.units, zero), pointer(block.deltas, zero)
    for _ in range(repeats):
        for depth in range(layers.size - 1):
            layer = layers[depth]
            place = layer.outputs * plan.stride
            size = layer.fan_out * plan.stride
            call(layer.slope, (at(units, place), at(deltas, place), size))


@kernel
def turns(zero, plans, layers, blocks, n, repeats):
    plan, block = plans[0], blocks[0]
    deltas, turned = pointer(block.deltas, zero), pointer(block.turned, zero)
    for _ in range(repeats):
        for depth in range(layers.size):
            layer = layers[depth]
            source = at(deltas, layer.outputs * plan.stride)
            target = at(turned, layer.strides * plan.block_rows)
            matrices = source, plan.stride, target, layer.stride
            call(plan.transpose, (*matrices, layer.fan_out, n))


@kernel
def gradients(zero, plans, layers, blocks, n, repeats):
    plan = plans[0]
    for _ in range(repeats):
        network.gradients_and_steps(
            zero, plan, layers, blocks, 0, 0, plan.batch_size, 0, 0.0, 0.0
        )


@kernel
def gradients_and_updates(zero, plans, layers, blocks, n, repeats):
    plan = plans[0]
    for _ in range(repeats):
        network.gradients_and_steps(
            zero, plan, layers, blocks, 0, 0, plan.batch_size, 0, 1e-3, 1e-9
        )


KERNELS = {
    "gather": gather,
    "forward": forward,
    "activations": activations,
    "outputs": outputs,
    "backward": backward,
    "slopes": slopes,
    "turns": turns,
    "gradients": gradients,
    "gradients and updates": gradients_and_updates,
}
