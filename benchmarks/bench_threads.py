"""What a second thread brings, on cores that may not be equally fast.

    python benchmarks/bench_threads.py

Each round fits on each core alone, in two threads on both, and on each core alone
again.  Cores of a virtual machine share their hardware with others, and their speeds
change from moment to moment: so what counts are the rounds in which all four fits of
one thread took about the same time.  Linux only, where threads can be pinned.
"""

import argparse
import os
from dataclasses import replace
from statistics import median
from time import perf_counter

import environment
import harness

EQUAL = 1.1  # the slowest of the four fits over the fastest
WIDE = ("400-(300, 200)-10", "784-(512, 512)-10")


def main():
    arguments = _parse()
    environment.prepare(2)
    print("| case | of cores equally fast (rounds) | of their mean | of the faster |")
    print("| --- | ---: | ---: | ---: |")
    for case in chosen_cases(arguments):
        print(_line(case, rounds_of(case, arguments)), flush=True)


def _parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "float64"])
    parser.add_argument("--rounds", type=int, default=30)
    return parser.parse_args()


def chosen_cases(arguments):
    from cases import CASES, Case

    narrow = Case("64-(64, 64)-2, batch 256", 20_000, 64, 2, (64, 64), 256, 6)
    for case in (narrow, *(CASES[name] for name in WIDE)):
        for dtype in arguments.dtypes:
            one = replace(case, dtype=dtype)
            yield one.smoke() if arguments.smoke else one


def rounds_of(case, arguments):
    """Seconds of a fit on each core, before and after, and on both: for each round."""
    from cases import data
    from peers import PEERS

    X, y = data(case)
    one, two = (PEERS["sknn"](case, X, y, threads) for threads in (1, 2))
    cores = os.sched_getaffinity(0)
    first, last = sorted(cores)

    def seconds(model, on):
        os.sched_setaffinity(0, on)
        start = perf_counter()
        model.fit()
        taken = perf_counter() - start
        os.sched_setaffinity(0, cores)
        return taken

    harness.warm_up({"one": one.fit, "two": two.fit})
    turns = [(one, {first}), (one, {last}), (two, cores), (one, {last}), (one, {first})]
    n_rounds = 2 if arguments.smoke else arguments.rounds
    return [[seconds(*turn) for turn in turns] for _ in range(n_rounds)]


def _line(case, rounds):
    of_equal, of_mean, of_faster = [], [], []
    for a, b, both, d, e in rounds:
        mean = (a + b + d + e) / 4
        of_mean.append(mean / both)
        of_faster.append(min(a + e, b + d) / 2 / both)
        if max(a, b, d, e) < EQUAL * min(a, b, d, e):
            of_equal.append(mean / both)
    equal = f"{median(of_equal):.2f}" if of_equal else "none"
    figures = f"{median(of_mean):.2f} | {median(of_faster):.2f}"
    return f"| {case.label} | {equal} ({len(of_equal)}) | {figures} |"


if __name__ == "__main__":
    main()
