#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the include arrows between rooms (docs/architecture.md): nobody includes upwards, nobody
includes another room's internals, and kmd-user has no wall clock, thread or socket of its own.

The build enforces the arrows too, by each room's include path; this test also sees relative paths
and system headers, and proves itself by refusing made-up violations (--self-test)."""
import os
import re
import sys

# Room -> rooms whose public headers it may include, besides its own.
ALLOWED = {
    "packets": set(),
    "ioctl": {"packets"},
    "base": set(),
    "hw": {"base", "packets"},
    "fence": {"base"},
    "sched": {"base", "fence"},
    "mm": {"base", "hw", "fence"},
    "drv": {"base", "hw", "fence", "sched", "mm", "ioctl", "packets"},
    "umd": {"ioctl", "packets"},
    "umd/inprocess": {"ioctl", "packets", "drv", "base", "hw", "umd"},
    "cuse-dev": {"drv", "base", "hw", "ioctl", "packets"},
    "tools": {"umd", "ioctl", "packets", "tools/fakegpu/sim"},
    "tools/fakegpu/sim": {"base", "hw", "fence", "sched", "mm", "drv", "ioctl", "packets"},
}
FOLDERS = {
    "ioctl/packets": "packets", "ioctl": "ioctl", "kmd-user/base": "base", "kmd-user/hw": "hw",
    "kmd-user/fence": "fence", "kmd-user/sched": "sched", "kmd-user/mm": "mm",
    "kmd-user/drv": "drv", "umd/inprocess": "umd/inprocess", "umd": "umd", "cuse-dev": "cuse-dev",
    "tools/fakegpu/sim": "tools/fakegpu/sim", "tools": "tools",
}
# First part of an #include path -> the room it belongs to.
PREFIXES = {"base": "base", "hw": "hw", "fence": "fence", "sched": "sched", "mm": "mm",
            "drv": "drv", "ioctl": "ioctl", "packets": "packets", "fakegpu": "umd",
            "cuse-dev": "cuse-dev", "tools": "tools", "tests": "tests", "umd": "umd",
            "sim": "tools/fakegpu/sim"}
CLOCKS = re.compile(r"steady_clock|system_clock|clock_gettime|std::this_thread|\busleep\b|nanosleep|"
                    r"std::thread|<sys/socket.h>|<thread>")
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.M)


def room_of(path):
    for folder in sorted(FOLDERS, key=len, reverse=True):
        if path.startswith(folder + "/"):
            return FOLDERS[folder]
    return None


def violations(path, text):
    room = room_of(path)
    if room is None or "/examples/" in path:
        return
    for include in INCLUDE.findall(text):
        if include.startswith("../"):
            yield f"{path}: relative include {include}"
        if include == "fakegpu_drm.h":
            target = "ioctl"
        elif "/" in include:
            target = PREFIXES.get(include.split("/")[0])
        else:
            continue
        if target and target != room and target not in ALLOWED[room]:
            if not (room == "umd/inprocess" and target == "umd"):
                yield f"{path}: {room} may not include {include}"
    # base holds the real shell, whose business threads and clocks are.
    if path.startswith("kmd-user/") and room != "base" and CLOCKS.search(text):
        yield f"{path}: wall clock, thread or socket inside kmd-user: {CLOCKS.search(text).group()}"


def sources(root):
    for folder in ("ioctl", "kmd-user", "umd", "cuse-dev", "tools"):
        for directory, _, names in os.walk(os.path.join(root, folder)):
            for name in names:
                if name.endswith((".h", ".hpp", ".c", ".cc")):
                    yield os.path.relpath(os.path.join(directory, name), root)


def self_test():
    bad = [
        ("kmd-user/hw/a.cc", '#include "drv/machine.h"'),
        ("kmd-user/sched/a.cc", '#include "mm/bo.h"'),
        ("umd/a.cc", '#include "drv/file.h"'),
        ("kmd-user/base/include/base/a.h", '#include "fence/fence.h"'),
        ("kmd-user/drv/a.cc", '#include "../hw/engine.h"'),
        ("tools/fakegpu/a.cc", '#include "sched/policy.h"'),
        ("tools/fakegpu/sim/a.cc", '#include "fakegpu/fakegpu.h"'),
        ("kmd-user/mm/a.cc", "auto t = std::chrono::steady_clock::now();"),
    ]
    missed = [path for path, text in bad if not list(violations(path, text))]
    good = [("kmd-user/drv/a.cc", '#include "hw/gpu.h"'), ("umd/a.cc", '#include "ioctl/plan.h"'),
            ("tools/fakegpu/sim/a.cc", '#include "sched/policy.h"')]
    wrong = [path for path, text in good if list(violations(path, text))]
    return missed + wrong


def main():
    root = sys.argv[1]
    failed = [f"self-test: {path}" for path in self_test()]
    count = 0
    for path in sources(root):
        count += 1
        with open(os.path.join(root, path), encoding="utf-8") as file:
            failed += violations(path, file.read())
    print("\n".join(failed) or f"{count} files keep to their rooms")
    return 1 if failed or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
