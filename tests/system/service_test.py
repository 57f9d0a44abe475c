#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether systemd and udev would understand what we install for them. Writes TAP.

Usage: service_test.py FAKEGPUD UNIT RULES
"""
import fnmatch
import os
import re
import shutil
import subprocess
import sys
import tempfile

DAEMON, UNIT, RULES = sys.argv[1:4]
# udev(7): what a rule may match, and what it may set.
MATCHES = {'SUBSYSTEM', 'KERNEL'}
ASSIGNMENTS = {'MODE': ('=', r'0[0-6]{3}'), 'GROUP': ('=', r'video|render'),
               'TAG': ('+=', r'uaccess')}
# As udev knows the devices of --name; what the kernel has as dri!card0 in sysfs is dri/card0 to it.
DEVICES = {'fakegpu': ('0666', None), 'fakegpu1': ('0666', None), 'dri/renderD128': ('0666', None),
           'dri/card0': ('0660', 'video'), 'sw_sync': ('0666', None)}


def rules():
    """Each rule as (matches, assignments), both {key: value}."""
    with open(RULES, encoding='utf-8') as file:
        lines = [line.strip() for line in file]
    for line in lines:
        if not line or line.startswith('#'):
            continue
        matches, assignments = {}, {}
        for part in re.split(r',\s*', line):
            found = re.fullmatch(r'([A-Z]+)(==|\+=|=)"([^"]*)"', part)
            assert found, f'not understood: {part}'
            key, operator, value = found.groups()
            if operator == '==':
                assert key in MATCHES, f'no match for {key}'
                matches[key] = value
            else:
                wanted = ASSIGNMENTS.get(key)
                assert wanted and wanted[0] == operator, f'no such assignment: {part}'
                assert re.fullmatch(wanted[1], value), f'{key} of {value}'
                assignments[key] = value
        yield matches, assignments


def test_systemd_understands_the_unit():
    if not shutil.which('systemd-analyze'):
        return 'machine lacks systemd-analyze'
    with open(UNIT, encoding='utf-8') as file:
        text = file.read()
    installed, = re.findall(r'^ExecStart=(\S+)', text, re.MULTILINE)
    assert os.path.basename(installed) == 'fakegpud', installed
    with tempfile.TemporaryDirectory() as folder:
        # systemd looks whether the program is there.
        os.symlink(os.path.abspath(DAEMON), folder + '/fakegpud')
        unit = folder + '/fakegpud.service'
        with open(unit, 'w', encoding='utf-8') as file:
            file.write(text.replace(installed, folder + '/fakegpud'))
        ended = subprocess.run(['systemd-analyze', 'verify', '--man=no', unit],
                               capture_output=True, text=True, check=False)
    # An unknown key is a message and no failure. What it says of other units is not ours.
    told = [line for line in ended.stderr.splitlines() if 'fakegpud' in line]
    assert not told and (ended.returncode == 0 or ended.stderr), ended.stderr
    return None


def test_udev_finds_each_kind_of_node():
    found = list(rules())
    for name, (mode, group) in DEVICES.items():
        hits = [assignments for matches, assignments in found if matches['SUBSYSTEM'] == 'cuse'
                and fnmatch.fnmatchcase(name, matches['KERNEL'])]
        assert len(hits) == 1, f'{name}: {hits}'
        assert hits[0]['MODE'] == mode, f'{name}: {hits}'
        assert hits[0].get('GROUP') == group, f'{name}: {hits}'


def test_udev_leaves_other_nodes_alone():
    for matches, _ in rules():
        for name in ('cuse', 'dri/by-path', 'osscuse', 'fake'):
            assert not fnmatch.fnmatchcase(name, matches['KERNEL']), f'{name}: {matches}'


def test_the_rules_come_before_those_that_use_their_tags():
    # 73-seat-late.rules acts on uaccess.
    assert int(os.path.basename(RULES).split('-')[0]) < 73, RULES


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith('test_')]
    for number, (name, test) in enumerate(tests, 1):
        name = name.removeprefix('test_').replace('_', ' ')
        try:
            skipped = test()
            print(f'ok {number} - {name}' + (f' # SKIP {skipped}' if skipped else ''))
        except (AssertionError, ValueError) as error:
            for line in str(error).splitlines():
                print('#', line)
            print(f'not ok {number} - {name}')
    print(f'1..{len(tests)}')


main()
