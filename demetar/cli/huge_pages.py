"""Memory in pages of 2 MB for commands that compute, where Linux gives them only to those who ask.

The CPU backend takes the arrays of every step from malloc and hands them back behind it, hundreds of
MB in pages of 4 kB, each cleared by the kernel when it is first touched. GNU's malloc asks for large
pages if it is told to before the program begins (glibc manual, "Memory Allocation Tunables"), so the
command starts itself once more. A QM9 step of PaiNN then takes 0.31 s instead of 0.55, of TorchMD-NET
1.0 instead of 2.0, of DimeNet++ 0.76 instead of 1.16 (one core); 256 rotations of Cormorant take 4.7 s
instead of 7.7 (two busy cores). The peak of memory stays.
"""

import contextlib
import os
import sys
from pathlib import Path

TUNABLES = "GLIBC_TUNABLES"
ASKED = "glibc.malloc.hugetlb"
SINCE = (2, 35)  # the first version of the C library that knows the tunable
RULE = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def wanted() -> bool:
    """Whether this process runs without large pages and could have them; a user's own word stands."""
    if sys.platform != "linux" or ASKED in os.environ.get(TUNABLES, ""):
        return False
    try:
        library, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
        known = library == "glibc" and tuple(map(int, version.split("."))) >= SINCE
        return known and "[madvise]" in RULE.read_text()
    except (ValueError, OSError):
        return False


def restart() -> None:
    """Begins this program anew under the same process number, with large pages, if it is of use."""
    # Where another program called the command's function, its own arguments are not ours to repeat.
    ours = sys.orig_argv[len(sys.orig_argv) - len(sys.argv[1:]) :] == sys.argv[1:]
    if not (ours and len(sys.argv) > 1 and wanted()):
        return
    tunables = ":".join(filter(None, (os.environ.get(TUNABLES), f"{ASKED}=1")))
    with contextlib.suppress(OSError):  # where it cannot, it goes on as it is
        os.execve(
            sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | {TUNABLES: tunables}
        )
