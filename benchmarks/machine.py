"""What processes use, and what machine this is. Linux only: it reads /proc."""

import os
import platform
import resource
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")  # a second
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
SOCKETS = 12_000  # at least so many file descriptors, on both sides


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [pid, *(found for child in children for found in family(int(child)))]


def cpu_seconds(pids: list[int]) -> float:
    """Return the processor time that these processes have used."""
    ticks = 0
    for pid in pids:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(after_name[11]) + int(after_name[12])
    return ticks / TICKS


def resident_bytes(pids: list[int]) -> int:
    """Return the memory of these processes."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * PAGE_BYTES


def allow_many_sockets() -> None:
    """Raise this process's limit, which the servers inherit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < SOCKETS:
        raise SystemExit(f"The hard limit of open files is {hard}: give {SOCKETS} or more.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(SOCKETS, min(hard, 65536)), hard))


def facts() -> dict[str, str]:
    """Return what a reader has to know about this machine."""
    cpu = Path("/proc/cpuinfo").read_text()
    names = [line.partition(":")[2].strip() for line in cpu.splitlines() if "model name" in line]
    memory = os.sysconf("SC_PHYS_PAGES") * PAGE_BYTES / 2**30
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "load before": f"{os.getloadavg()[0]:.1f}",
    }
