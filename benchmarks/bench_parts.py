"""Where a training step spends its time: every part of it, on its own.

    python benchmarks/bench_parts.py --cases digits --dtypes float32

Microseconds of each part for one minibatch, best of many repeats.  Of the parts that
are matrix products the share of the core's peak is given as well.
"""

import environment
import harness

COLUMNS = [
    "gather",
    "forward",
    "activations",
    "outputs",
    "backward",
    "turns",
    "slopes",
    "gradients",
    "updates",
]
PRODUCTS = {"forward", "backward", "gradients"}


def main():
    arguments = harness.parser(__doc__.splitlines()[0]).parse_args()
    environment.prepare(1)
    print("| case | " + " | ".join(COLUMNS) + " | whole step |")
    print("| --- |" + " ---: |" * (len(COLUMNS) + 1))
    for case in harness.chosen_cases(arguments):
        print(row(case, 2 if arguments.smoke else 200), flush=True)


def row(case, repeats):
    from peak import peak_gflops

    times, flops = measure(case, repeats)
    peak = peak_gflops(case.dtype)
    cells = [case.label]
    for part in COLUMNS:
        share = ""
        if part in PRODUCTS:
            share = f" ({flops[part] / times[part] / 1e3 / peak:.0%})"
        cells.append(f"{times[part]:.1f}{share}")
    whole = (
        f"{times['step']:.1f} ({sum(flops.values()) / times['step'] / 1e3 / peak:.0%})"
    )
    return f"| {' | '.join([*cells, whole])} |"


def measure(case, repeats):
    """Microseconds of each part, and the floating-point operations of the products."""
    import numpy as np
    from parts import PARTS

    from sknn.team import Team

    plan, orders, rates = training_plan(case, Team(1))
    plan.run_epochs(orders, rates, 1e-4)
    record = plan._plan[0]
    n = min(case.batch, int(record["block_rows"]))
    blocks_of_batch = case.batch / n
    times = {}
    for part, (repeated, name) in PARTS.items():
        tables = *tables_with(plan, name), plan._blocks
        arguments = np.dtype(case.dtype).type(0), *tables, 0, n
        seconds = best(lambda: repeated(*arguments, repeats)) / repeats  # noqa: B023
        of_block = part not in ("gradients", "gradients and updates")
        times[part] = seconds * 1e6 * (blocks_of_batch if of_block else 1)
    times["updates"] = times["gradients and updates"] - times["gradients"]
    steps = min(len(rates), 20)
    some, few = orders[:, : steps * case.batch], np.full((steps, 2), 1e-9)
    times["step"] = best(lambda: plan.run_epochs(some, few, 1e-4)) / steps * 1e6
    units = case.layer_units
    sizes = [a * b for a, b in zip(units, units[1:])]
    forward = 2 * case.batch * sum(sizes)
    backward = 2 * case.batch * sum(sizes[1:])
    return times, {"forward": forward, "backward": backward, "gradients": forward}


def tables_with(plan, name):
    """The plan and its layers, with only pieces of this name, if any, on both ways."""
    from sknn._jit import Piece
    from sknn.ways import joined

    record, table = plan._plan.copy(), plan._table
    n, middle, end = record[["n_layers", "end_of_forward", "end_of_back"]][0]
    pieces = [each for kind in plan.layers.kinds for each in kind]
    pieces = [each for each in pieces if isinstance(each, Piece)]
    addresses = [each.address(plan._dtype) for each in pieces if each.name == name]
    ways = table[n:middle], table[middle:end]
    if name:
        ways = [way[[p in addresses for p in way["piece"].tolist()]] for way in ways]
    record["end_of_forward"] = n + len(ways[0])
    record["end_of_back"] = n + len(ways[0]) + len(ways[1])
    return record, joined(table[:n], *ways)


def training_plan(case, team):
    """A plan for training on a case's data, the order and the rates of an epoch."""
    import numpy as np
    from cases import data

    from sknn.activations import ACTIVATIONS
    from sknn.architecture import Architecture, Layers
    from sknn.initialization import initialize
    from sknn.losses import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, SQUARED_ERROR
    from sknn.optimizers import OPTIMIZERS
    from sknn.params import zeros
    from sknn.plans import Network, TrainingPlan
    from sknn.samples import freeze

    X, y = data(case)
    dtype, random_state = np.dtype(case.dtype), np.random.RandomState(0)
    units = tuple(case.layer_units)
    activations = (ACTIVATIONS[case.activation],) * (len(units) - 2)
    layers = Layers(Architecture(units, activations), dtype)
    params = initialize(layers, random_state)
    loss = CROSS_ENTROPY if case.n_outputs > 1 else BINARY_CROSS_ENTROPY
    loss = loss if case.n_classes else SQUARED_ERROR
    network = Network(params, layers, loss)
    samples = freeze(X, dtype, y.reshape(-1, 1))
    adam, settings = OPTIMIZERS["adam"], np.array([0.9, 0.999, 1e-8])
    plan = TrainingPlan(network, samples, case.batch, team, adam.update)
    plan.remember(zeros(2 * params.size, dtype), settings)
    rates = adam.rates(np.full(-(-len(X) // case.batch), 1e-6), 0, settings)
    return plan, random_state.permutation(len(X))[np.newaxis], rates


def best(action, rounds=9):
    return min(harness.interleave({"": action}, rounds)[""])


if __name__ == "__main__":
    main()
