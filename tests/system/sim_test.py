#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`fakegpu sim` as a user runs it: what it prints and writes, and what it says to wrong input. Needs
no daemon. Writes TAP.

Usage: sim_test.py FAKEGPU SCENARIOS
"""
import csv
import io
import json
import os
import subprocess
import sys
import tempfile

TOOL, SCENARIOS = sys.argv[1:3]
# Short, and with lengths that are drawn from the seed.
QUICK = ('desktop', '--duration', '100ms')
POLICIES = ['prepaid', 'fair', 'fifo', 'rr', 'edf']
WRONG_SCENARIO = 2
FAILED = 1


def sim(*arguments, status=0):
    """What it printed; on the error stream if it is to fail."""
    done = subprocess.run([TOOL, 'sim', *arguments], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == status, \
        f'{arguments}: exit status {done.returncode} instead of {status}: {done.stderr}'
    quiet = done.stderr if status == 0 else done.stdout
    assert quiet == '', f'{arguments}: {quiet!r} on the wrong stream'
    return done.stdout if status == 0 else done.stderr


def refused(*arguments):
    """By the command line's parser, with a status of its own."""
    done = subprocess.run([TOOL, 'sim', *arguments], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode not in (0, FAILED, WRONG_SCENARIO), \
        f'{arguments}: exit status {done.returncode}'
    return done.stderr


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def expect_equal(got, wanted):
    assert got == wanted, f'{got} instead of {wanted}'


def test_list_tells_every_scenario_that_ships():
    lines = sim('--list').splitlines()
    expect_equal([line.split()[0] for line in lines],
                 [name.removesuffix('.toml') for name in sorted(os.listdir(SCENARIOS))])
    assert all(len(line.split()) > 1 for line in lines), 'a scenario without a title'


def test_every_scenario_that_ships_runs():
    for line in sim('--list').splitlines():
        sim(line.split()[0], '--duration', '1ms', '--policy', 'fifo')


def test_the_table_has_a_column_for_each_policy():
    lines = sim(*QUICK).splitlines()
    expect_equal(next(line.split() for line in lines if 'prepaid' in line), POLICIES)
    lines = sim(*QUICK, '--policy', 'rr', '--policy', 'edf').splitlines()
    expect_equal(next(line.split() for line in lines if 'edf' in line), ['rr', 'edf'])
    for client in ('game', 'video', 'compositor', 'batch'):
        assert any(line.split()[:1] == [client] for line in lines), f'no row of {client}'


def test_json_has_what_was_asked_for():
    result = json.loads(sim(*QUICK, '--policy', 'fifo', '--policy', 'fair', '--seed', '7',
                            '--seed', '8', '--credits', '3', '--json', '-'))
    expect_equal(result['duration_ns'], 100_000_000)
    expect_equal(result['seeds'], [7, 8])
    expect_equal(result['credits'], 3)
    expect_equal(sorted(result['policies']), ['fair', 'fifo'])
    for policy in result['policies'].values():
        expect_equal(sorted(policy['clients']), ['batch', 'compositor', 'game', 'uploads', 'video'])
        for figures in policy['clients'].values():
            assert figures['jobs']['min'] <= figures['jobs']['mean'] <= figures['jobs']['max']
            assert figures['jobs']['max'] > 0, 'a client that had nothing done'


def test_csv_has_the_same_figures():
    arguments = (*QUICK, '--policy', 'prepaid', '--policy', 'rr', '--seed', '4')
    clients = {policy: told['clients'] for policy, told
               in json.loads(sim(*arguments, '--json', '-'))['policies'].items()}
    rows = [row for row in csv.DictReader(io.StringIO(sim(*arguments, '--csv', '-')))
            if row['client'] in clients[row['policy']]]
    expect_equal(len(rows), sum(len(figures) for policy in clients.values()
                                for figures in policy.values()))
    for row in rows:
        figure = clients[row['policy']][row['client']][row['metric']]
        for kind in ('mean', 'min', 'max'):
            expect_equal(float(row[kind]), figure[kind])


def write_all(folder, *arguments):
    """Every output in one run: the table, and the three files."""
    os.mkdir(folder)
    paths = [f'{folder}/{name}' for name in ('json', 'csv', 'trace')]
    table = sim(*QUICK, *arguments, '--json', paths[0], '--csv', paths[1], '--trace', paths[2])
    return [table.encode(), *(read(path) for path in paths)]


def test_one_seed_gives_the_same_bytes():
    with tempfile.TemporaryDirectory() as folder:
        first = write_all(folder + '/first', '--seed', '5')
        expect_equal(write_all(folder + '/again', '--seed', '5') == first, True)
        other = write_all(folder + '/other', '--seed', '6')
        assert all(a != b for a, b in zip(first, other)), 'another seed gave the same'
        assert all(first), 'an output is empty'


def test_a_dash_is_the_standard_output_in_place_of_the_table():
    assert sim(*QUICK, '--trace', '-').startswith('1.000000000: gpu_bring_up'), 'no trace'
    with tempfile.TemporaryDirectory() as folder:
        path = folder + '/json'
        sim(*QUICK, '--json', path)
        expect_equal(sim(*QUICK, '--json', '-').encode() == read(path), True)


def test_the_trace_is_of_the_first_policy_and_seed():
    only = sim(*QUICK, '--policy', 'rr', '--seed', '2', '--trace', '-')
    expect_equal(sim(*QUICK, '--policy', 'rr', '--policy', 'fifo', '--seed', '2', '--seed', '1',
                     '--trace', '-') == only, True)


def test_a_file_of_ones_own_runs():
    with tempfile.TemporaryDirectory() as folder:
        path = folder + '/own.toml'
        with open(path, 'w', encoding='utf-8') as file:
            file.write('title = "mine"\npolicies = ["rr"]\n[[client]]\nname = "one"\n'
                       '[[client.queue]]\nlength = "1ms"\nwait = "1ms"\n')
        result = json.loads(sim(path, '--duration', '20ms', '--json', '-'))
        expect_equal(result['title'], 'mine')
        expect_equal(list(result['policies']), ['rr'])


def test_a_wrong_scenario_is_told_with_its_line():
    wrong = {'title = \n': 1,
             '\nduration = "5"\n': 2,
             '[[client]]\nname = "a"\n[[client.queue]]\nlength = "1ms"\nlenght = "1ms"\n': 5,
             '[[client]]\nname = "a"\n\n[[client.queue]]\nlength = "1ms"\npriority = "urgent"\n': 6}
    with tempfile.TemporaryDirectory() as folder:
        path = folder + '/wrong.toml'
        for text, line in wrong.items():
            with open(path, 'w', encoding='utf-8') as file:
                file.write(text)
            said = sim(path, status=WRONG_SCENARIO)
            assert said.startswith(f'fakegpu sim: {path}:{line}: '), f'{text!r}: {said!r}'


def test_a_file_that_is_not_there_is_told():
    for name, reason in (('no-such-scenario', '--list'), ('/no/such.toml', 'cannot be read')):
        said = sim(name, status=WRONG_SCENARIO)
        assert name in said and reason in said, said


def test_an_output_that_cannot_be_written_is_told():
    for option in ('--json', '--csv', '--trace'):
        done = subprocess.run([TOOL, 'sim', *QUICK, option, '/no/such/file'], capture_output=True,
                              text=True, timeout=60, check=False)
        expect_equal(done.returncode, FAILED)
        assert 'cannot write /no/such/file' in done.stderr, done.stderr


def test_wrong_arguments_are_refused():
    assert 'not in' in refused(*QUICK, '--policy', 'lottery')
    assert refused('desktop', '--seed', 'one')
    assert refused('desktop', '--credits', '0')
    assert refused('desktop', '--list')
    assert refused()
    assert '--duration' in sim('desktop', '--duration', '5', status=WRONG_SCENARIO)


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith('test_')]
    for number, (name, test) in enumerate(tests, 1):
        name = name.removeprefix('test_').replace('_', ' ')
        try:
            test()
            print(f'ok {number} - {name}')
        except (AssertionError, subprocess.TimeoutExpired, ValueError, LookupError) as error:
            for line in str(error).splitlines():
                print('#', line)
            print(f'not ok {number} - {name}')
    print(f'1..{len(tests)}')


main()
