#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`fakegpu run`: programs that know nothing of it, under its agent.

Usage: run_test.py fuse|cuse FAKEGPUD FAKEGPU PLAIN_CLIENT LIBRARY_CLIENT DESCRIPTOR_CLIENT STATIC_CLIENT
       HANGING_CLIENT
Writes TAP.
"""
import os
import pty
import re
import shutil
import signal
import stat
import subprocess
import sys
import time

from harness import AT_ONCE, TOOL, TRANSPORT, Daemon, eventually, expect_equal, main, run

DESCRIPTOR_CLIENT, STATIC_CLIENT, HANGING_CLIENT = sys.argv[6:9]
# The nodes that --dri is about, and their numbers.
NODES = {'card0': 0, 'renderD128': 128}
# Nobody's; that it has a name does not matter.
USER = 65534


def under_agent(daemon, *command, options=(), **more):
    return run([TOOL, 'run', *options, '--device', daemon.where, '--', *command], **more)


def expect_good(ended):
    assert ended.returncode == 0, f'{ended.returncode}: {ended.stdout}{ended.stderr}'


def descriptors(mode):
    with Daemon() as daemon:
        expect_good(under_agent(daemon, DESCRIPTOR_CLIENT, mode))


def test_a_syncobj_goes_through_a_descriptor():
    descriptors('share')


def test_a_fence_is_a_file_of_its_own():
    descriptors('fence')


def test_a_fence_goes_to_another_process():
    descriptors('pass')


def test_memory_goes_to_another_file():
    descriptors('prime')


def test_threads_share_at_the_same_time():
    descriptors('threads')


def test_a_child_is_served_too():
    descriptors('fork')


def test_errors_are_the_kernels_and_leave_nothing():
    descriptors('errors')


def test_a_full_table_gives_emfile_and_changes_nothing():
    descriptors('full')


def test_a_file_that_never_answers_is_refused():
    with Daemon() as daemon:
        ended = under_agent(daemon, HANGING_CLIENT)
        if ended.returncode == 77:
            return ended.stdout.strip()
        expect_good(ended)
    return None


def test_a_program_without_libraries_is_served():
    with Daemon() as daemon:
        expect_good(under_agent(daemon, STATIC_CLIENT))


def test_without_the_agent_the_same_program_is_refused():
    with Daemon() as daemon:
        ended = run([DESCRIPTOR_CLIENT, 'share', daemon.where])
        expect_equal(ended.returncode, 1)
        assert 'Operation not supported' in ended.stderr, ended.stderr


def test_a_program_that_another_one_starts_is_served():
    with Daemon() as daemon:
        expect_good(under_agent(daemon, 'sh', '-c', f'{DESCRIPTOR_CLIENT} share; exec {STATIC_CLIENT}'))


def strace(daemon, before, after):
    if not shutil.which('strace'):
        return 'machine lacks strace'
    log = daemon.folder + '/strace'
    tracer = ['strace', '-f', '-e', 'trace=ioctl', '-o', log]
    expect_good(run([*(tracer if before else []), TOOL, 'run', '--device', daemon.where, '--',
                     *(tracer if after else []), DESCRIPTOR_CLIENT, 'fork'],
                    env={**os.environ, 'ASAN_OPTIONS': 'detect_leaks=0'}))
    with open(log, encoding='utf-8') as file:
        text = file.read()
    # The agent's own calls may come in between.
    shown = r'DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD(, 0x\w+\) += 0| <unfinished)'
    assert re.search(shown, text), text
    return None


def test_strace_inside_shows_the_calls():
    with Daemon() as daemon:
        return strace(daemon, False, True)


def test_strace_outside_shows_the_calls():
    with Daemon() as daemon:
        return strace(daemon, True, False)


def test_the_exit_status_is_the_programs():
    with Daemon() as daemon:
        for command, wanted in ((['sh', '-c', 'exit 7'], 7), (['true'], 0),
                                (['sh', '-c', 'kill -USR1 $$'], -signal.SIGUSR1),
                                (['/nonexistent'], 127), (['/etc/passwd'], 126)):
            expect_equal(under_agent(daemon, *command).returncode, wanted)


def test_arguments_arrive_as_they_are():
    with Daemon() as daemon:
        words = ['--device', 'x', '--', '', 'a b', '-h']
        ended = under_agent(daemon, 'printf', '[%s]', *words)
        expect_equal(ended.stdout, ''.join(f'[{word}]' for word in words))
        ended = run([TOOL, 'run', '--device', daemon.where, 'printf', '[%s]', *words])
        expect_equal(ended.stdout, ''.join(f'[{word}]' for word in words))


def test_what_it_does_not_know_is_refused():
    for words in ([], ['--nonsense'], ['--nonsense', '--', 'true'], ['--device']):
        ended = run([TOOL, 'run', *words])
        assert ended.returncode != 0 and ended.stderr, words


def test_signals_reach_the_program():
    script = 'trap "echo caught; exit 3" {}; echo ready; while :; do sleep 0.05; done'
    with Daemon() as daemon:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            name = number.name.removeprefix('SIG')
            with subprocess.Popen([TOOL, 'run', '--device', daemon.where, '--', 'sh', '-c',
                                   script.format(name)], stdout=subprocess.PIPE,
                                  text=True) as running:
                expect_equal(running.stdout.readline(), 'ready\n')
                running.send_signal(number)
                expect_equal(running.stdout.readline(), 'caught\n')
                expect_equal(running.wait(AT_ONCE), 3)


def test_ctrl_c_at_a_terminal_reaches_the_program_once():
    script = 'import signal, time\n' \
             'count = 0\n' \
             'def caught(*_):\n  global count\n  count += 1\n' \
             'signal.signal(signal.SIGINT, caught)\n' \
             'signal.signal(signal.SIGUSR1, lambda *_: (print("caught", count, flush=True), exit(4)))\n' \
             'print("ready", flush=True)\n' \
             'while True: time.sleep(1)\n'
    if not os.path.exists('/dev/pts/ptmx'):
        return 'machine lacks /dev/pts'
    with Daemon() as daemon:
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(TOOL, [TOOL, 'run', '--device', daemon.where, '--', sys.executable, '-c', script])
        with open(terminal, 'r+b', buffering=0) as screen:
            lines = open(terminal, encoding='utf-8', closefd=False)
            expect_equal(lines.readline(), 'ready\n')
            screen.write(b'\x03')
            # The key is echoed as soon as the terminal has sent its signal to all that it is for.
            assert '^C' in lines.read(2), 'no echo'
            os.kill(pid, signal.SIGUSR1)
            expect_equal(lines.readline(), 'caught 1\n')
            _, status = os.waitpid(pid, 0)
            expect_equal(os.waitstatus_to_exitcode(status), 4)
    return None


def test_a_killed_run_takes_its_program_along():
    with Daemon() as daemon:
        with subprocess.Popen([TOOL, 'run', '--device', daemon.where, '--', 'sh', '-c',
                               'echo $$; exec sleep 60'], stdout=subprocess.PIPE,
                              text=True) as running:
            pid = int(running.stdout.readline())
            running.kill()
            eventually(lambda: os.path.exists(f'/proc/{pid}') and
                       'sleep' in open(f'/proc/{pid}/cmdline', encoding='utf-8').read(), False)


def test_what_the_program_leaves_behind_is_served_on():
    with Daemon() as daemon:
        done = daemon.folder + '/done'
        go = daemon.folder + '/go'
        os.mkfifo(go)
        script = f'(read line <{go}; {DESCRIPTOR_CLIENT} share; echo $? >{done}.part; ' \
                 f'mv {done}.part {done}) >/dev/null 2>&1 & exit 5'
        started = time.monotonic()
        expect_equal(under_agent(daemon, 'sh', '-c', script).returncode, 5)
        assert time.monotonic() - started < 10, 'the run waited for what was left behind'
        with open(go, 'w', encoding='ascii') as fifo:
            fifo.write('\n')
        eventually(lambda: os.path.exists(done), True)
        with open(done, encoding='ascii') as file:
            expect_equal(file.read(), '0\n')


def test_a_daemon_is_started_when_there_is_none():
    environment = {**os.environ}
    environment.pop('FAKEGPU_DEVICE', None)
    ended = run([TOOL, 'run', '--', 'sh', '-c', f'echo $FAKEGPU_DEVICE; {DESCRIPTOR_CLIENT} share'],
                env=environment)
    expect_good(ended)
    assert not os.path.exists(ended.stdout.strip()), 'the daemon is still there'


def test_a_run_leaves_no_descriptor_in_the_daemon():
    with Daemon() as daemon:
        expect_good(under_agent(daemon, DESCRIPTOR_CLIENT, 'fence'))
        eventually(lambda: daemon.counts() == daemon.counts(), True)
        settled = daemon.counts()
        for _ in range(3):
            expect_good(under_agent(daemon, DESCRIPTOR_CLIENT, 'fence'))
        eventually(daemon.counts, settled)


def test_dri_and_the_agent_work_for_a_user_too():
    if os.geteuid() != 0:
        return 'machine lacks root'
    if run(['test', '-x', TOOL, '-a', '-x', DESCRIPTOR_CLIENT], user=USER, cwd='/').returncode != 0:
        return 'machine lacks a build folder that other users can read'
    with dri_daemon() as daemon:
        expect_good(under_agent(daemon, DESCRIPTOR_CLIENT, 'fence', user=USER, cwd='/'))
        if reason := lacks_dri(daemon, user=USER, cwd='/'):
            return reason
        expect_good(dri(daemon, DESCRIPTOR_CLIENT, 'fence', '/dev/dri/renderD128', user=USER, cwd='/'))
        ended = dri(daemon, 'sh', '-c', 'id -u; stat -c %F /dev/dri/card0', user=USER, cwd='/')
        expect_equal(ended.stdout, f'{USER}\ncharacter special file\n')
    return None


def dri_daemon():
    """One that has the nodes that --dri is about; FUSE always has them."""
    options = ['--card', 'dri/card0', '--render', 'dri/renderD128']
    return Daemon(*(options if TRANSPORT == 'cuse' else []))


def dri(daemon, *command, **more):
    return under_agent(daemon, *command, options=['--dri'], **more)


def lacks_dri(daemon, **more):
    """Why --dri cannot be had here; None if it can."""
    ended = dri(daemon, 'true', **more)
    if ended.returncode == 125 and 'user may have none' in ended.stderr:
        return 'machine lacks user namespaces'
    expect_good(ended)
    return None


def test_dri_shows_the_nodes_as_those_of_a_drm_device():
    with dri_daemon() as daemon:
        if reason := lacks_dri(daemon):
            return reason
        ended = dri(daemon, 'stat', '-L', '-c', '%n %F %t:%T', *['/dev/dri/' + name for name in NODES])
        expect_equal(ended.stdout, ''.join(f'/dev/dri/{name} character special file e2:{number:x}\n'
                                           for name, number in NODES.items()))
        program = 'import os\n' + ''.join(
            f's = os.fstat(os.open("/dev/dri/{name}", os.O_RDWR))\n'
            'print(oct(s.st_mode & 0o170000), s.st_rdev)\n' for name in NODES)
        ended = dri(daemon, sys.executable, '-c', program)
        expect_equal(ended.stdout, ''.join(f'{oct(stat.S_IFCHR)} {os.makedev(226, number)}\n'
                                           for number in NODES.values()))
    return None


def test_dri_leaves_other_files_as_they_are():
    with dri_daemon() as daemon:
        if reason := lacks_dri(daemon):
            return reason
        files = ['/dev/null', '/etc/passwd', '/sys/kernel', '.', '/proc/self/fd/0', '/nonexistent']
        command = ['stat', '-c', '%n %F %t:%T %s %U', *files]
        here = run(command, stdin=subprocess.DEVNULL)
        there = dri(daemon, *command, stdin=subprocess.DEVNULL)
        expect_equal((there.returncode, there.stdout, there.stderr),
                     (here.returncode, here.stdout, here.stderr))
        for folder in ('/dev', '/sys/class', '/sys/dev/char', '/sys/devices/platform'):
            missing = set(os.listdir(folder)) - set(dri(daemon, 'ls', '-A', folder).stdout.split())
            expect_equal(missing, set())
    return None


def test_dri_lets_libdrm_find_one_device_with_both_nodes():
    if not shutil.which('drmdevice'):
        return 'machine lacks drmdevice'
    with dri_daemon() as daemon:
        if reason := lacks_dri(daemon):
            return reason
        ended = dri(daemon, 'drmdevice')
        expect_good(ended)
        expect_equal(re.findall(r'^device\[\d+\]', ended.stdout, re.M)[:1], ['device[0]'])
        for wanted in (r'available_nodes 0x05', r'nodes\[0\] /dev/dri/card0',
                       r'nodes\[2\] /dev/dri/renderD128', r'bustype 0002'):
            assert re.search(wanted, ended.stdout), f'{wanted} is not in\n{ended.stdout}'
    return None


def test_dri_is_seen_by_the_program_alone():
    with dri_daemon() as daemon:
        if reason := lacks_dri(daemon):
            return reason
        before = os.listdir('/dev'), os.listdir('/sys/class')
        expect_good(dri(daemon, 'test', '-e', '/sys/class/drm/card0/dev'))
        expect_equal((os.listdir('/dev'), os.listdir('/sys/class')), before)
    return None


if __name__ == '__main__':
    main(globals())
