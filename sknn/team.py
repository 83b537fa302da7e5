"""A team of threads that run one kernel together, and wait for one another in it.

Every member runs the whole kernel, which goes in phases.  Each phase has a share for
every member, but whoever is done with its own takes those that nobody has begun: one
that is not running holds up no more than the share that it is at.  Shares are counted,
which costs a tenth of a microsecond between two threads, where a lock of the operating
system costs ten.
"""

from concurrent.futures import ThreadPoolExecutor, wait
from multiprocessing import current_process

import numpy as np
from joblib import effective_n_jobs
from joblib.parallel import get_active_backend

from ._jit import inlined, subroutine
from ._llvm import add_one, add_one_to, at, give_way, least, read

# Looks at a counter before the core is left to another thread.
PATIENCE = 20_000
# Where it is counted how often each share was taken: in another cache line than the
# first counter, that of finished shares or, of a prediction, of those that were taken.
TAKEN = 8
STRIP = 8  # rows of parameters: shares are whole strips
# With less than this to do for each step, or for each start of the kernel, a thread
# costs more than it brings.
FLOPS_OF_A_STEP, FLOPS_OF_A_START = 1.5e6, 2.5e7


@inlined
def share(n, grain, number, size):
    """First and last of the ``n`` items that are of a share, in whole grains."""
    if size == 1:
        return 0, n  # without divisions, which are slow
    n_grains = (n + grain - 1) // grain
    first = n_grains * number // size * grain
    last = n_grains * (number + 1) // size * grain
    return least(first, n), least(last, n)


@subroutine
def take(counters, number, phase, size):
    """Whether a share of a phase was free, and is the caller's from now on."""
    if size == 1:
        return True
    n_taken = at(counters, TAKEN + number)  # in all phases so far
    return read(n_taken) == phase and add_one_to(n_taken, phase)


@inlined
def finish_share(counters, size):
    """Let others see what was written in a share, and that it is finished."""
    if size > 1:
        add_one(counters)


@subroutine
def wait_for_shares(counters, phase, size):
    """Go on when all shares of a phase are finished, whoever has done them."""
    if size > 1:
        looks = 0
        while read(counters) < (phase + 1) * size:
            looks += 1
            if looks > PATIENCE:
                give_way()


def team_size(n_jobs, flops_of_step, n_steps):
    """Threads that ``n_jobs`` allows and so many steps of so much work can feed.

    joblib's conventions: None is 1 unless a ``parallel_config`` says otherwise, -1 is
    all cores.  Inside a worker of joblib's or a pool's the cores are taken: one thread.
    """
    if current_process().daemon:  # of which joblib would warn
        return 1
    allowed = effective_n_jobs(n_jobs)
    if allowed == 1 or get_active_backend()[0].nesting_level:
        return 1
    by_step = flops_of_step / FLOPS_OF_A_STEP
    by_start = flops_of_step * n_steps / FLOPS_OF_A_START
    return max(1, int(min(allowed, by_step, by_start)))


class Team:
    """Threads that start with the first kernel and end with the ``with`` block.

    The thread that calls `run` is the first member: if all of them had to be woken, the
    system might wake two on one core, for a while.
    """

    def __init__(self, size):
        self.size, self.counters = size, np.zeros(TAKEN + size, np.int64)
        self._pool = ThreadPoolExecutor(size - 1) if size > 1 else None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self._pool:
            self._pool.shutdown()

    def run(self, kernel):
        """Call ``kernel(number)`` in every member."""
        self.counters.fill(0)
        if self.size == 1:
            kernel(0)
            return
        calls = []
        try:
            for number in range(1, self.size):
                calls.append(self._pool.submit(kernel, number))
            kernel(0)
        finally:
            wait(calls)
        for call in calls:
            call.result()
