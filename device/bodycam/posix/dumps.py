"""No core dump of this process: footage that is not sealed yet lies in its memory."""

import ctypes
import os
import resource

from bodycam.errors import DeviceError

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def forbid_core_dumps() -> None:
    """However this process ends from now on, its memory is written nowhere.

    The limit alone would not do: a kernel that pipes dumps to a program (`core_pattern`) asks that
    program about it. Processes started from here inherit the limit and no more. Nor can another
    process of the same user read this one's memory any more. Raises DeviceError where the kernel
    refuses.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        said = os.strerror(ctypes.get_errno())
        raise DeviceError(f"Core dumps of the recorder cannot be forbidden: {said}.")
