"""Python's garbage collector, put off while there is nothing for it to find."""

import contextlib
import gc


@contextlib.contextmanager
def no_garbage_collection():
    """Do without it where many objects are made, and nearly all of them stay.

    To look through all of them takes a tenth of the compiler's time, and longer than
    all else that the package's import does.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
