#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares what a shared library exports with the list of what it should: symbols-check.py NM LIBRARY
LIST. A symbol that is gone breaks programs; one that came by accident would be there for ever."""
import subprocess
import sys


def main():
    nm, library, listing = sys.argv[1:]
    output = subprocess.run([nm, "--dynamic", "--defined-only", "--format=posix", library],
                            check=True, capture_output=True, text=True).stdout
    exported = {line.split()[0].split("@")[0] for line in output.splitlines()}
    with open(listing, encoding="ascii") as lines:
        expected = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
    # Coverage and sanitizer builds add symbols of their own.
    exported = {name for name in exported if not name.startswith(("__asan", "__ubsan", "__gcov",
                                                                  "__odr_asan", "__llvm"))}
    for name in sorted(expected - exported):
        print(f"missing: {name}")
    for name in sorted(exported - expected):
        print(f"unexpected: {name}")
    return 0 if exported == expected and expected else 1


if __name__ == "__main__":
    sys.exit(main())
