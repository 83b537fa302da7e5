"""Interleaved rounds, their medians, and the tables and files made of them.

A round runs every peer once and measures the core's peak, in random order: a slow
minute of the machine falls on all of them, and no peer always follows the same one,
whose caches and clock rate it inherits.
"""

import argparse
import json
import random
import time
from dataclasses import replace
from pathlib import Path
from statistics import geometric_mean, median

import environment

# Seconds before each call in several threads: for half as long BLAS and others let
# theirs watch for more work, on the core that the next peer's second thread would have.
PAUSE = 0.2
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def parser(description):
    arguments = argparse.ArgumentParser(description=description)
    add = arguments.add_argument
    add("--smoke", action="store_true", help="tiny cases: does everything run?")
    add("--cases", nargs="+", metavar="TEXT", help="cases whose name has this text")
    add("--peers", nargs="+", default=["sknn", "sklearn", "torch", "jax"])
    add("--dtypes", nargs="+", default=["float32", "float64"])
    add("--activations", nargs="+", default=["relu", "tanh"])
    add("--threads", type=int, default=1, choices=(1, 2))
    add("--rounds", type=int, default=5)
    add("--clock", choices=CLOCKS, default="wall", help="cpu: where others run too")
    add("--json", metavar="OUT", help="write every single time to this file")
    add("--markdown", metavar="OUT", help="write the table to this file")
    return arguments


def chosen_cases(arguments):
    from cases import CASES

    texts = arguments.cases or [""]
    for name, case in CASES.items():
        if any(text in name for text in texts):
            for dtype in arguments.dtypes:
                for activation in arguments.activations:
                    chosen = replace(case, dtype=dtype, activation=activation)
                    yield chosen.smoke() if arguments.smoke else chosen


def warm_up(actions, clock=time.perf_counter):
    """Seconds of the first call of each action, with all that it compiles or loads."""
    return {name: times[0] for name, times in interleave(actions, 1, clock).items()}


def interleave(actions, rounds, clock=time.perf_counter, pause=0.0):
    """Seconds of each of the named `actions`, `rounds` times each, after a pause."""
    shuffle = random.Random(0).shuffle
    names, seconds = list(actions), {name: [] for name in actions}
    for _ in range(rounds):
        shuffle(names)
        for name in names:
            time.sleep(pause)
            start = clock()
            actions[name]()
            seconds[name].append(clock() - start)
    return seconds


def measure(actions, dtype, flops, arguments):
    """First and later times of each action, its GFLOP/s and its share of the peak."""
    from peak import peak_gflops

    peaks, clock = [], CLOCKS[arguments.clock]
    first = warm_up(actions, clock)
    measured_peak = {"peak": lambda: peaks.append(peak_gflops(dtype, clock))}
    pause = PAUSE if arguments.threads > 1 else 0.0
    seconds = interleave({**measured_peak, **actions}, arguments.rounds, clock, pause)
    peak = median(peaks) * arguments.threads
    results = {
        name: _summary(first[name], seconds[name], flops, peak) for name in actions
    }
    return {"peak_gflops": peak, "peers": results}


def _summary(first, seconds, flops, peak):
    gflops = flops / median(seconds) / 1e9
    return {
        "first_s": first,
        "median_s": median(seconds),
        "best_s": min(seconds),
        "all_s": seconds,
        "gflops": gflops,
        "share_of_peak": gflops / peak,
    }


def table(results, peers):
    """A Markdown table: a row per result, milliseconds, ratios and shares of peak.

    The milliseconds are those of one `repeats`th of the time: an epoch of a fit.
    """
    header = ["case", *(f"{name}, ms" for name in peers)]
    header += [f"{name} / {peers[0]}" for name in peers[1:]]
    header += [f"{name}, % of peak" for name in peers]
    rows = [_row(result, peers) for result in results]
    groups = dict.fromkeys(result["group"] for result in results)
    rows += [_mean_row(results, peers, group) for group in groups]
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(result, peers):
    of = result["peers"]
    times = [of[name]["median_s"] * 1e3 / result["repeats"] for name in peers]
    shares = [of[name]["share_of_peak"] for name in peers]
    ratios = [f"{time / times[0]:.2f}" for time in times[1:]]
    percents = [f"{share:.0%}" for share in shares]
    return [result["case"], *(f"{time:.3g}" for time in times), *ratios, *percents]


def _mean_row(results, peers, group):
    rows = [result["peers"] for result in results if result["group"] == group]

    def mean(key, name, over=None):
        return geometric_mean(
            [row[name][key] / (row[over][key] if over else 1) for row in rows]
        )

    ratios = [f"**{mean('median_s', name, peers[0]):.2f}**" for name in peers[1:]]
    shares = [f"**{mean('share_of_peak', name):.0%}**" for name in peers]
    return [f"**geometric mean, {group}**", *[""] * len(peers), *ratios, *shares]


def write(arguments, results, text):
    """Print the table, and keep it and the times where `arguments` says."""
    facts = environment.describe(arguments.threads)
    facts["clock"] = arguments.clock
    for dtype in arguments.dtypes:
        peaks = [
            result["peak_gflops"] for result in results if result["dtype"] == dtype
        ]
        facts[f"peak, {dtype}"] = f"{median(peaks):.0f} GFLOP/s"
    environment.write(facts, text, arguments.markdown)
    if arguments.json:
        content = json.dumps({"environment": facts, "results": results}, indent=1)
        Path(arguments.json).write_text(content + "\n")
