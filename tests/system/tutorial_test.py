#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does what a tutorial says, and compares what comes out with what it shows.

Usage: tutorial_test.py TUTORIAL.md PROGRAM...

Each ```sh block is run, in order, by one bash in an empty folder, with the programs in its PATH. The
```text block that follows one is what it must print, both streams; without one it must print nothing.
What varies is masked in the text: `...` stands for anything in a line, a line of nothing but `...` for
any lines. The last command of a block must succeed. Writes TAP.
"""
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile

TIMEOUT = 180  # seconds, of the whole tutorial


def steps_of(path):
    """(line, commands, output) of each block of commands."""
    steps = []
    fence = re.compile(r'^```(sh|text)\n(.*?)^```$', re.DOTALL | re.MULTILINE)
    with open(path, encoding='utf-8') as file:
        page = file.read()
    for block in fence.finditer(page):
        kind, body = block.groups()
        if kind == 'sh':
            steps.append([page.count('\n', 0, block.start()) + 2, body, ''])
        else:
            assert steps and not steps[-1][2], f'output of no command: {body}'
            steps[-1][2] = body
    assert steps, f'{path} has no commands'
    return steps


def pattern_of(text):
    lines = []
    for line in text.splitlines():
        if line == '...':
            lines.append(r'(?:[^\n]*\n)*?')
        else:
            lines.append('[^\n]*'.join(re.escape(part) for part in line.split('...')) + r'\n')
    return re.compile(''.join(lines))


def run(steps, folder, programs):
    """Leaves the output of step N in the file outN, and its status in statusN."""
    script = []
    for number, (_, commands, _) in enumerate(steps):
        script.append(f'{{\n{commands}\n}} >"$OUT/out{number}" 2>&1 </dev/null\n'
                      f'echo $? >"$OUT/status{number}"\n')
    path = os.pathsep.join([os.path.dirname(os.path.abspath(program)) for program in programs])
    work = folder + '/work'
    os.mkdir(work)
    environment = {'PATH': path + os.pathsep + os.environ['PATH'], 'HOME': work, 'LC_ALL': 'C',
                   'OUT': folder}
    # What it starts and leaves behind ends with its process group.
    with subprocess.Popen(['bash', '-c', ''.join(script)], cwd=work, env=environment,
                          start_new_session=True) as shell:
        try:
            shell.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            print(f'# not done after {TIMEOUT} s')
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)


def contents(path):
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except FileNotFoundError:
        return None


def check(number, step, folder):
    line, commands, expected = step
    got = contents(f'{folder}/out{number}')
    status = contents(f'{folder}/status{number}')
    well = got is not None and status == '0\n' and pattern_of(expected).fullmatch(got)
    if not well:
        for title, text in (('commands', commands), ('expected', expected), ('got', got or ''),
                            ('status', status or 'not done\n')):
            print(f'# {title}:')
            for part in text.splitlines():
                print('#   ', part)
    print(f'{"ok" if well else "not ok"} {number + 1} - commands at line {line}')


def main():
    steps = steps_of(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix='fakegpu-tutorial.') as folder:
        run(steps, folder, sys.argv[2:])
        for number, step in enumerate(steps):
            check(number, step, folder)
    print(f'1..{len(steps)}')


main()
