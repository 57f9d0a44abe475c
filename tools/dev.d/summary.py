#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up test runs of meson, prints what failed, and ends with one line "N passed, N failed".

summary.py [--run STAGE LOGBASE STATUS]... [--failed TEXT]... [--skipped REASON]...

--run      LOGBASE.json and LOGBASE.junit.xml were written by `meson test`, which ended with STATUS
--failed   something that is no test failed; counts as one failure
--skipped  something was left out; counts as one skip

Single cases of GoogleTest and TAP programs count one each, any other test counts one. The exit
status is 1 if anything failed or nothing ran, and, where $CI is set, if a test was skipped for another
reason than "machine lacks ...".
"""
import argparse
import json
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

OUTPUT_LINES = 400
MACHINE_LACKS = re.compile(r'machine lacks .*')


class Totals:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.unexcused = 0

    def skip(self, name, text):
        self.skipped += 1
        reason = MACHINE_LACKS.search(text or '')
        if not reason:
            self.unexcused += 1
        print(f"skipped: {name}: {reason.group() if reason else ' '.join((text or 'no reason').split())}")


def read_cases(path):
    """The single cases of programs that have them: suite name -> list of cases."""
    cases = {}
    if os.path.exists(path):
        # meson copies what tests print, and XML has no place for most control characters.
        with open(path, encoding='utf-8', errors='replace') as file:
            text = re.sub(r'[\x00-\x08\x0b\x0c\x0e-\x1f]', '', file.read())
        for suite in ElementTree.fromstring(text.encode()).iter('testsuite'):
            cases.setdefault(suite.get('name'), []).extend(suite.findall('testcase'))
    return cases


def cases_of(test, cases, names):
    """meson calls a suite PROJECT.TEST (TAP) or PROJECT.TEST.SUITE (GoogleTest)."""
    found = []
    for suite, content in cases.items():
        name = suite.partition('.')[2]
        owners = [owner for owner in names if name == owner or name.startswith(owner + '.')]
        if owners and max(owners, key=len) == test:
            found += content
    return found


def count_case(case, label, totals):
    """Counts one case; false if it failed."""
    skipped = case.find('skipped')
    if case.find('failure') is not None or case.find('error') is not None:
        totals.failed += 1
        print(f'FAILED: {label}')
        return False
    if skipped is not None:
        totals.skip(label, skipped.get('message') or skipped.text or case.findtext('system-out'))
    elif case.get('status') == 'notrun':
        totals.skip(label, 'disabled')
    else:
        totals.passed += 1
    return True


def print_output(test):
    lines = f"{test.get('stdout') or ''}\n{test.get('stderr') or ''}".splitlines()
    lines = [line for line in lines if not re.match(r'(\[ RUN      \]|\[       OK \]|ok \d)', line)]
    if len(lines) > OUTPUT_LINES:
        print(f'... {len(lines) - OUTPUT_LINES} lines before these ...')
    print('\n'.join(line for line in lines[-OUTPUT_LINES:] if line.strip()))
    print(f"[{test['result']}, status {test['returncode']}, {test['duration']:.1f} s]\n")


def count_run(stage, logbase, status, totals):
    tests = []
    if os.path.exists(logbase + '.json'):
        with open(logbase + '.json') as file:
            tests = [json.loads(line) for line in file]
    try:
        cases = read_cases(logbase + '.junit.xml')
    except ElementTree.ParseError as error:
        totals.failed += 1
        print(f'FAILED: {stage}: {logbase}.junit.xml: {error}')
        cases = {}

    failed_before = totals.failed
    names = {test['name'] for test in tests}
    for test in tests:
        # With several suites meson writes "project:suite / name".
        label = f"{stage}: {test['name'].rpartition(' / ')[2]}"
        result = test['result']
        good = True
        found = cases_of(test['name'], cases, names)
        for case in found:
            suite = case.get('classname') or ''
            prefix = '' if suite.endswith(test['name']) else suite + '.'
            good &= count_case(case, f"{label}: {prefix}{case.get('name')}", totals)
        if result in ('OK', 'EXPECTEDFAIL'):
            if not found:
                totals.passed += 1
        elif result == 'SKIP':
            if not found:
                totals.skip(label, f"{test.get('stdout') or ''}\n{test.get('stderr') or ''}")
        else:
            # A crash, a timeout, or a sanitizer that speaks up after the last case.
            if good:
                totals.failed += 1
                print(f'FAILED: {label}')
            good = False
        if not good:
            print_output(test)
    if status != 0 and totals.failed == failed_before:
        totals.failed += 1
        print(f'FAILED: {stage}: meson test ended with status {status}')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--run', nargs=3, action='append', default=[])
    parser.add_argument('--failed', action='append', default=[])
    parser.add_argument('--skipped', action='append', default=[])
    arguments = parser.parse_args()

    totals = Totals()
    for stage, logbase, status in arguments.run:
        count_run(stage, logbase, int(status), totals)
    for text in arguments.failed:
        totals.failed += 1
        print(f'FAILED: {text}')
    for reason in arguments.skipped:
        totals.skip('stage', reason)

    status = 1 if totals.failed else 0
    if totals.passed + totals.failed == 0:
        print('no test ran')
        status = 1
    if os.environ.get('CI') and totals.unexcused:
        print(f'{totals.unexcused} skipped for another reason than "machine lacks ...": not accepted here')
        status = 1
    skips = f', {totals.skipped} skipped' if totals.skipped else ''
    print(f'{totals.passed} passed, {totals.failed} failed{skips}')
    return status


if __name__ == '__main__':
    sys.exit(main())
