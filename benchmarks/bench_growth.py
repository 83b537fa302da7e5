"""How the time of an epoch grows with rows, width, depth and batch size.

    python benchmarks/bench_growth.py --plot growth.png

The slope is that of log time on log size: 1 is proportional, 2 quadratic.
"""

import argparse
from dataclasses import replace

import environment
import harness

SIZES = {
    "rows": [1_000, 2_000, 4_000, 8_000, 16_000, 32_000],
    "width": [16, 32, 64, 128, 256, 512],
    "depth": [1, 2, 4, 8, 16],
    "batch": [8, 16, 32, 64, 128, 256, 512],
}


def main():
    arguments = _parse()
    environment.prepare()
    import threadpoolctl
    from peers import installed

    peers = list(installed(arguments.peers))
    growth = {}
    with threadpoolctl.threadpool_limits(1, "blas"):
        for name, sizes in SIZES.items():
            sizes = sizes[:2] if arguments.smoke else sizes
            growth[name] = sizes, grow(name, sizes, peers, arguments)
            print(_line(name, sizes, growth[name][1]), flush=True)
    if arguments.plot:
        plot(growth, arguments.plot)


def _parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--peers", nargs="+", default=["sknn", "sklearn"])
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=harness.CLOCKS, default="wall")
    parser.add_argument("--plot", metavar="OUT", help="needs matplotlib")
    return parser.parse_args()


def sized(name, size, dtype):
    """A network of two layers of 64, of which one thing is `size`."""
    from cases import Case

    base = Case(f"{name} {size}", 4_000, 32, 2, (64, 64), 200, 4, dtype=dtype)
    changes = {
        "rows": {"n_samples": size},
        "width": {"hidden": (size, size)},
        "depth": {"hidden": (64,) * size},
        "batch": {"batch": size},
    }
    return replace(base, **changes[name])


def grow(name, sizes, peers, arguments):
    """Best seconds per epoch of each peer, one for each size."""
    from cases import data
    from peers import PEERS

    seconds, clock = {peer: [] for peer in peers}, harness.CLOCKS[arguments.clock]
    for size in sizes:
        case = sized(name, size, arguments.dtype)
        X, y = data(case)
        actions = {peer: PEERS[peer](case, X, y, 1).fit for peer in peers}
        harness.warm_up(actions)
        times = harness.interleave(actions, arguments.rounds, clock)
        for peer in peers:
            seconds[peer].append(min(times[peer]) / case.epochs)
    return seconds


def slope(sizes, seconds):
    import numpy as np

    return np.polyfit(np.log(sizes), np.log(seconds), 1)[0]


def _line(name, sizes, seconds):
    slopes = (f"{peer} {slope(sizes, of):.2f}" for peer, of in seconds.items())
    return f"{name} {sizes[0]}-{sizes[-1]}: slope {', '.join(slopes)}"


def plot(growth, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(growth), figsize=(4 * len(growth), 3.5))
    for axis, (name, (sizes, seconds)) in zip(axes, growth.items()):
        for peer, of in seconds.items():
            axis.loglog(sizes, of, "o-", label=f"{peer}, {slope(sizes, of):.2f}")
        axis.set(xlabel=name, ylabel="seconds per epoch")
        axis.set_xticks(sizes, sizes)
        axis.minorticks_off()
        axis.legend(title="slope")
    figure.tight_layout()
    figure.savefig(path)


if __name__ == "__main__":
    main()
