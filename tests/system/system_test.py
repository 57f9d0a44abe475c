#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The whole system over one transport: the daemon, its clients, and what happens when either dies.

Usage: system_test.py socket|fuse|cuse FAKEGPUD FAKEGPU PLAIN_CLIENT LIBRARY_CLIENT
Writes TAP.
"""
import errno
import json
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import tempfile

from harness import (AT_ONCE, BASE, DAEMON, HAS_NODE, LIBRARY_CLIENT, PLAIN_CLIENT, READY, TOOL,
                     TRANSPORT, Daemon, eventually, expect_equal, main, results, run, start,
                     start_waiters, state_of)


def test_a_node_serves_an_unmodified_program():
    with Daemon() as daemon:
        ended = run([PLAIN_CLIENT, daemon.where, 'submit'])
        expect_equal((ended.returncode, ended.stdout), (0, 'done\n'))


def test_strace_of_a_node_shows_the_ioctls_under_no_other_drivers_name():
    if not shutil.which('strace'):
        return 'machine lacks strace'
    with Daemon() as daemon:
        log = daemon.folder + '/strace'
        # Where the client is built with ASan: its search for leaks cannot run under ptrace.
        options = os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'
        ended = run(['env', 'ASAN_OPTIONS=' + options.lstrip(':'), 'strace', '-f', '-e',
                     'trace=ioctl', '-o', log, PLAIN_CLIENT, daemon.where, 'submit'])
        expect_equal(ended.returncode, 0)
        with open(log, encoding='utf-8') as file:
            text = file.read()
    # SUBMIT is nr 0x91 and has 80 bytes.
    for name in (r'_IOC\(_IOC_READ\|_IOC_WRITE, 0x64, 0x91, 0x50\)', 'DRM_IOCTL_SYNCOBJ_CREATE',
                 'DRM_IOCTL_SYNCOBJ_WAIT', 'DRM_IOCTL_VERSION'):
        assert re.search(name, text), f'{name} is not in\n{text}'
    names = set(re.findall(r'\bDRM_IOCTL_\w+', text))
    foreign = {name for name in names
               if not re.match('DRM_IOCTL_(SYNCOBJ_|VERSION|GEM_CLOSE)', name)}
    expect_equal(foreign, set())


def test_a_killed_client_leaves_nothing_behind():
    with Daemon() as daemon:
        def kill_one():
            client = start(LIBRARY_CLIENT, daemon, 'busy', 'busy')
            client.kill()
            client.wait()

        before = daemon.counts()
        kill_one()
        # What the daemon keeps once it was used: nothing of a client.
        eventually(lambda: daemon.counts()['heaps'], before['heaps'])
        eventually(lambda: daemon.counts()['fds'], before['fds'])
        settled = daemon.counts()
        for _ in range(3):
            kill_one()
        eventually(daemon.counts, settled)
        expect_equal(daemon.process.poll(), None)


def test_a_killed_client_does_not_disturb_others():
    with Daemon() as daemon:
        waiter, = start_waiters(daemon, 1)
        for _ in range(2):
            client = start(LIBRARY_CLIENT, daemon, 'busy', 'busy')
            client.kill()
            client.wait()
        if HAS_NODE:
            expect_equal(run([PLAIN_CLIENT, daemon.where, 'submit']).returncode, 0)
        expect_equal(waiter.poll(), None)
        waiter.kill()
        waiter.wait()


def stop_a_ring(daemon):
    """A client whose packet stops its ring, so that that is reset at once."""
    run([TOOL, 'inject', 'corrupt-packet', '--device', daemon.where])
    run([TOOL, 'demo-client', 'hog', '--seconds', '0.1', '--device', daemon.where])


def monitor(daemon, *options):
    return subprocess.Popen([TOOL, 'monitor', '--device', daemon.where, *options],
                            stdout=subprocess.PIPE, text=True)


def test_monitor_prints_a_reset_as_udevadm_does_until_it_is_interrupted():
    with Daemon() as daemon:
        listener = monitor(daemon)
        while listener.stdout.readline() != '\n':  # it listens once it has said what it will print
            assert listener.poll() is None
        stop_a_ring(daemon)
        lines = [listener.stdout.readline() for _ in range(9)]
        assert re.fullmatch(r'KERNEL\[\d+\.\d{6}\] change   /devices/\S+/drm/card0 \(drm\)\n',
                            lines[0]), lines[0]
        expect_equal(lines[1], 'ACTION=change\n')
        expect_equal(lines[3:5], ['SUBSYSTEM=drm\n', 'WEDGED=none\n'])
        assert re.fullmatch(r'PID=\d+\n', lines[5]), lines[5]
        expect_equal(lines[6:], ['TASK=hog\n', 'SEQNUM=1\n', '\n'])
        listener.send_signal(signal.SIGINT)
        expect_equal((listener.wait(READY), listener.stdout.read()), (0, ''))


def test_monitor_ends_with_a_number_of_events_or_a_time():
    with Daemon() as daemon:
        listener = monitor(daemon, '--json', '--count', '1', '--timeout', str(READY))
        while listener.poll() is None:
            stop_a_ring(daemon)
        expect_equal(listener.returncode, 0)
        line, = listener.stdout.read().splitlines()
        event = json.loads(line)
        expect_equal((event['wedged'], event['task']), ('none', 'hog'))
        expect_equal(sorted(event), ['pid', 'seqnum', 'task', 'time_ns', 'wedged'])
        quiet = ['--json', '--timeout', '0.1']
        expect_equal(monitor(daemon, *quiet).wait(READY), 0)
        expect_equal(monitor(daemon, *quiet, '--count', '1').wait(READY), 1)
        listener = monitor(daemon)
        listener.stdout.readline()
        daemon.process.kill()
        expect_equal(listener.wait(READY), 1)


def test_a_killed_daemon_leaves_no_client_hanging():
    with Daemon() as daemon:
        waiters = start_waiters(daemon, 10)
        daemon.process.kill()
        daemon.process.wait()
        found = results(waiters, AT_ONCE)
        gone = {errno.ENODEV, errno.ECONNABORTED, errno.ENOTCONN}
        assert set(found) <= gone, found
        expect_equal(set(found[1::2]), {errno.ENODEV})


def maps_fence_page(pid):
    with open(f'/proc/{pid}/maps', encoding='ascii') as maps:
        return 'memfd:fakegpu-fences' in maps.read()


def test_a_dying_daemon_ends_waits_on_the_fence_page():
    for number in (signal.SIGKILL, signal.SIGTERM):
        with Daemon() as daemon:
            waiters = [start(LIBRARY_CLIENT, daemon, 'seqno', 'waiting') for _ in range(3)]
            for waiter in waiters:
                eventually(lambda pid=waiter.pid: maps_fence_page(pid), True)
            assert all(waiter.poll() is None for waiter in waiters), 'a wait ended by itself'
            daemon.process.send_signal(number)
            expect_equal(results(waiters, 2 * AT_ONCE), [errno.ENODEV] * 3)


def test_a_dying_daemon_ends_waits_for_access_to_a_dma_buf():
    for number in (signal.SIGKILL, signal.SIGTERM):
        with Daemon() as daemon:
            waiter = start(LIBRARY_CLIENT, daemon, 'access', 'waiting')
            eventually(lambda pid=waiter.pid: state_of(pid), 'S')
            assert waiter.poll() is None, 'the wait ended by itself'
            daemon.process.send_signal(number)
            expect_equal(results([waiter], AT_ONCE), [errno.ENODEV])


def fd_process(daemon):
    """The daemon's process that takes descriptors."""
    pid = daemon.process.pid
    with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as children:
        pids = [int(word) for word in children.read().split()]
    for child in pids:
        with open(f'/proc/{child}/comm', encoding='ascii') as comm:
            if comm.read() == 'fakegpud-fds\n' and state_of(child) != 'Z':
                return child
    return None


def gone(pid):
    try:
        return state_of(pid) == 'Z'
    except FileNotFoundError:
        return True


def test_a_dead_node_wakes_who_polls_a_fence():
    with Daemon() as daemon:
        poller = start(LIBRARY_CLIENT, daemon, 'poll', 'polling')
        eventually(lambda: state_of(poller.pid), 'S')
        daemon.process.kill()
        # What poll() said, not an errno.
        assert results([poller], AT_ONCE)[0] & select.POLLERR


def test_a_node_signals_an_unmodified_programs_eventfd():
    with Daemon() as daemon:
        expect_equal(run([PLAIN_CLIENT, daemon.where, 'eventfd']).stdout, 'signalled\n')
        # The process that takes descriptors may be lost, and comes again.
        first = fd_process(daemon)
        os.kill(first, signal.SIGKILL)
        eventually(lambda: gone(first), True)
        expect_equal(run([PLAIN_CLIENT, daemon.where, 'submit']).returncode, 0)
        expect_equal(run([PLAIN_CLIENT, daemon.where, 'eventfd']).stdout, 'signalled\n')
        second = fd_process(daemon)
        assert second not in (None, first), second
        daemon.process.kill()
        daemon.process.wait()
        eventually(lambda: gone(second), True)


def test_a_daemon_that_is_asked_to_end_releases_its_clients():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Daemon() as daemon:
            waiters = start_waiters(daemon, 4)
            busy = start(LIBRARY_CLIENT, daemon, 'busy', 'busy')
            daemon.process.send_signal(number)
            expect_equal(results(waiters, 2 * AT_ONCE), [errno.ENODEV] * 4)
            busy.kill()
            busy.wait()
            expect_equal(daemon.process.wait(READY), 0)
            assert not os.path.exists(daemon.where), daemon.where
            assert not os.path.exists(daemon.socket), daemon.socket


def test_ctrl_c_ends_a_waiting_client_at_once():
    with Daemon() as daemon:
        for waiter in start_waiters(daemon, 2):
            waiter.send_signal(signal.SIGINT)
            expect_equal(waiter.wait(AT_ONCE), -signal.SIGINT)


def test_the_demo_runs_and_its_picture_is_right():
    environment = {**os.environ, 'TMPDIR': BASE}
    environment.pop('FAKEGPU_DEVICE', None)
    with tempfile.TemporaryDirectory() as folder:
        ended = run([TOOL, 'demo', '--seconds', '0.5', '--transport', TRANSPORT, '--out',
                     folder + '/out.png'], env=environment)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert os.path.getsize(folder + '/out.png') > 0


def test_the_daemon_may_have_as_many_descriptors_as_its_hard_limit_says():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, *before), before[1]))
    try:
        with Daemon() as daemon:
            with open(f'/proc/{daemon.process.pid}/limits', encoding='ascii') as file:
                soft, hard = re.search(r'^Max open files +(\w+) +(\w+)', file.read(), re.M).groups()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    expect_equal((soft, hard), (str(before[1]),) * 2)


def test_a_recorded_demo_replays_exactly():
    with Daemon() as daemon:
        folder = tempfile.mkdtemp(prefix='record.', dir=daemon.folder)
        recording = folder + '/recording'
        ended = run([TOOL, 'record', '-o', recording, '--device', daemon.where, '--', TOOL, 'demo',
                     '--seconds', '0.5', '--out', folder + '/out.png'])
        expect_equal(ended.returncode, 0)
        assert 'LOST' not in ended.stderr, ended.stderr
        verified = run([TOOL, 'sim', '--replay', recording, '--verify'])
        expect_equal((verified.returncode, verified.stderr), (0, ''))
        assert int(verified.stdout.split()[0]) > 50, verified.stdout
        for option in ([], ['--policy', 'fifo', '--policy', 'rr'], ['--rings', 'compute=2'],
                       ['--credits', '1'], ['--closed-loop', '--policy', 'prepaid']):
            ended = run([TOOL, 'sim', '--replay', recording, *option])
            expect_equal((ended.returncode, ended.stderr), (0, ''))
            assert 'busy' in ended.stdout
            expect_equal('as recorded:' in ended.stdout, not option)
        # What is cut off is refused.
        with open(recording, 'r+', encoding='utf-8') as file:
            lines = file.readlines()
            file.seek(0)
            file.truncate()
            file.writelines(lines[:-1])
        ended = run([TOOL, 'sim', '--replay', recording, '--verify'])
        expect_equal(ended.returncode, 1)
        assert f'line {len(lines)}: the recording is cut off' in ended.stderr, ended.stderr


def test_a_recording_of_a_busy_device_replays_exactly():
    with Daemon('--entity-jobs', '4', '--hw-submission', '2', '--policy', 'fair') as daemon:
        recording = daemon.folder + '/recording'
        # All this goes on when it begins.
        flooding = [start(LIBRARY_CLIENT, daemon, 'flood', 'flooding') for _ in range(2)]
        busy = start(LIBRARY_CLIENT, daemon, 'busy', 'busy')
        with subprocess.Popen([TOOL, 'record', '-o', recording, '--device', daemon.where],
                              stderr=subprocess.PIPE, text=True) as record:
            said = record.stderr.readline()
            assert f'recording {daemon.where}; Ctrl-C ends it' in said, said
            more = start(LIBRARY_CLIENT, daemon, 'busy', 'busy')
            flooding[0].kill()
            busy.kill()
            expect_equal(run([LIBRARY_CLIENT, daemon.where, 'policy']).stdout, '0\n0\n')
            expect_equal(run([LIBRARY_CLIENT, daemon.where, 'fill']).stdout, 'filled\n')
            for client in flooding + [busy, more]:
                client.kill()
                client.wait()
            record.send_signal(signal.SIGINT)
            said = record.stderr.read()
            assert record.wait(READY) == 0 and 'LOST' not in said, said
        with open(recording, encoding='utf-8') as file:
            records = [json.loads(line) for line in file][1:-1]
        rings = {record['ring'] for record in records if record['e'] == 'run'}
        kinds = {record['e'] for record in records}
        assert len(rings) > 1 and {'killed', 'policy', 'memory'} <= kinds, (rings, kinds)
        assert any(record['e'] == 'run' and record['before'] for record in records), 'idle'
        verified = run([TOOL, 'sim', '--replay', recording, '--verify'])
        expect_equal((verified.returncode, verified.stderr), (0, ''))
        for option in (['--policy', 'prepaid'], ['--rings', 'compute=1', '--closed-loop']):
            ended = run([TOOL, 'sim', '--replay', recording, *option])
            expect_equal((ended.returncode, ended.stderr), (0, ''))


def test_a_recording_that_lacks_records_says_so():
    with Daemon() as daemon:
        recording = daemon.folder + '/recording'
        ended = run([TOOL, 'record', '-o', recording, '--capacity', '2', '--device', daemon.where,
                     '--', LIBRARY_CLIENT, daemon.where, 'fill'])
        expect_equal(ended.returncode, 1)
        assert 'LOST' in ended.stderr, ended.stderr
        with open(recording, encoding='utf-8') as file:
            assert json.loads(file.readlines()[-1])['lost'] > 0
        ended = run([TOOL, 'sim', '--replay', recording, '--verify'])
        expect_equal(ended.returncode, 1)
        assert 'lost' in ended.stderr, ended.stderr
        ended = run([TOOL, 'sim', '--replay', recording])
        expect_equal(ended.returncode, 0)
        assert 'lost: the figures are approximate' in ended.stderr, ended.stderr


def test_record_ends_with_its_program_and_as_it_did():
    with Daemon() as daemon:
        recording = daemon.folder + '/recording'
        record = [TOOL, 'record', '-o', recording, '--device', daemon.where]
        expect_equal(run([*record, '--', 'sh', '-c', 'test -n "$FAKEGPU_DEVICE" && exit 7']
                         ).returncode, 7)
        expect_equal(run([*record, '--', '/no/such/program']).returncode, 127)
        expect_equal(run([*record, '--for', '0.05']).returncode, 0)
        expect_equal(run([TOOL, 'sim', '--replay', recording, '--verify']).returncode, 0)


def test_usage_shows_a_client_at_work_its_memory_and_its_queue():
    with Daemon() as daemon:
        client = start(LIBRARY_CLIENT, daemon, 'busy', 'busy')
        ended = run([TOOL, 'usage', '--json', '--device', daemon.where])
        watched = run([TOOL, 'usage', '--json', '--watch', '--interval', '0.2', '--looks', '2',
                       '--device', daemon.where])
        table = run([TOOL, 'usage', '--device', daemon.where])
        text = run([TOOL, 'usage', '--fdinfo', '--device', daemon.where])
        client.kill()
        client.wait()
    for one in (ended, watched, table, text):
        expect_equal((one.returncode, one.stderr), (0, ''))
    usage = json.loads(ended.stdout)
    busy = next(entry for entry in usage['clients'] if entry['pid'] == client.pid)
    expect_equal(busy['command'], 'library-client'[:15])
    expect_equal(busy['uid'], os.getuid())
    assert busy['vram_bytes'] > 0 and busy['queued'] + busy['in_flight'] > 0, busy
    # Rings are asked after clients, and it goes on meanwhile.
    assert sum(ring['queued'] + ring['in_flight'] for ring in usage['rings']) > 0, usage
    looks = [json.loads(line) for line in watched.stdout.splitlines()]
    expect_equal(len(looks), 2)
    # It executes one long job after the other on one ring.
    shares = [entry['engines'] for entry in looks[1]['clients'] if entry['pid'] == client.pid]
    assert any(engine['percent'] > 0 for engine in shares[0].values()), shares
    for line in (f'drm-client-id:\t{busy["client_id"]}', 'drm-driver:\tfakegpu'):
        assert line in text.stdout.splitlines(), text.stdout
    assert 'library-client' in table.stdout and 'gfx_0.0' in table.stdout, table.stdout


def inject(daemon, *words):
    ended = run([TOOL, 'inject', *words, '--device', daemon.where])
    expect_equal((ended.returncode, ended.stderr), (0, ''))
    return ended.stdout


def test_injected_faults_are_explained_armed_told_and_cleared():
    with Daemon('--inject', 'hang,ring=sdma1,nth=1000000') as daemon:
        explained = inject(daemon, '--list')
        for kind in ('hang [--ring R]', 'slow-reset --duration T [--ring R]', 'unplug',
                     'ioctl-error --errno E [--ioctl I]'):
            assert kind in explained.splitlines(), explained
        inject(daemon, 'no-memory', '--nth', '2')
        inject(daemon, 'slow-packet', '--ring', 'comp_1.2', '--probability', '0.5', '--seed', '7',
               '--duration', '3ms')
        expect_equal(inject(daemon, '--status').splitlines(), [
            'armed hang,nth=1000000,ring=sdma1: triggers 0, fired 0',
            'armed slow-packet,probability=0.5,seed=7,ring=comp_1.2,duration=3ms: '
            'triggers 0, fired 0',
            'armed no-memory,nth=2: triggers 0, fired 0'])
        inject(daemon, '--clear', 'slow-packet')
        ended = run([LIBRARY_CLIENT, daemon.where, 'fill'])
        assert ended.returncode != 0 and 'Cannot allocate memory' in ended.stderr, ended
        expect_equal(inject(daemon, '--status').splitlines(), [
            'armed hang,nth=1000000,ring=sdma1: triggers 0, fired 0', 'fired no-memory: 1'])
        inject(daemon, '--clear')
        expect_equal(inject(daemon, '--status'), 'fired no-memory: 1\n')
        expect_equal(run([LIBRARY_CLIENT, daemon.where, 'fill']).stdout, 'filled\n')


def test_a_device_that_is_unplugged_releases_all_who_wait():
    with Daemon() as daemon:
        waiters = start_waiters(daemon, 4)
        inject(daemon, 'unplug')
        expect_equal(results(waiters, AT_ONCE), [errno.ENODEV] * 4)
        expect_equal(run([TOOL, 'info', '--device', daemon.where]).returncode, 1)
        daemon.process.terminate()
        expect_equal(daemon.process.wait(READY), 0)


def test_faults_that_are_not_understood_are_refused_with_a_reason():
    with Daemon() as daemon:
        for words, reason in ((['frob'], 'there is no fault frob'),
                              (['hang', '--ring', 'gfx_9'], 'ring=gfx_9'),
                              (['hang', '--probability', 'nan'], 'probability=nan'),
                              (['hang', '--nth', '1', '--probability', '1'], 'excludes'),
                              (['hang', '--seed', '1'], 'requires'),
                              (['hang', '--clear', '--nth', '1'], 'excludes'),
                              (['slow-packet'], '--duration T'),
                              (['ioctl-error', '--ioctl', 'SUBMIT'], '--errno E'),
                              (['ioctl-error', '--errno', 'EWHAT'], 'errno=EWHAT'),
                              (['--clear', 'frob'], 'there is no fault frob'), ([], '--list')):
            ended = run([TOOL, 'inject', *words, '--device', daemon.where])
            assert ended.returncode > 0, f'{words}: status {ended.returncode}'
            assert reason in ended.stderr, f'{words}: {ended.stderr}'
        expect_equal(inject(daemon, '--status'), '')
    for command in (['inject', 'hang'], ['monitor']):
        ended = run([TOOL, *command, '--device', 'inprocess:'])
        expect_equal(ended.returncode, 1)
        assert 'start fakegpud' in ended.stderr, ended.stderr


def test_wrong_arguments_are_refused_with_a_message():
    for command in ([TOOL], [TOOL, 'no-such-command'], [TOOL, 'demo', '--seconds', 'soon'],
                    [TOOL, 'demo', '--transport', 'pigeon'],
                    [TOOL, 'info', '--device', '/no/such/device'],
                    [TOOL, 'demo-client', 'nobody'], [TOOL, 'record'],
                    [TOOL, 'record', '-o', '/no/such/folder/file', '--device', '/no/such/device'],
                    [TOOL, 'sim'], [TOOL, 'sim', '--replay', '/no/such/file'],
                    [TOOL, 'sim', '--replay', '/dev/null'],
                    [TOOL, 'usage', '--looks', '3'], [TOOL, 'usage', '--json', '--fdinfo'],
                    [TOOL, 'demo', '--image', '/no/such/picture', '--transport', 'socket'],
                    [DAEMON, '--transport', 'pigeon'], [DAEMON, '--mode', '9'],
                    [DAEMON, '--no-such-option'], [DAEMON, '--inject', 'hang,often'], [DAEMON, '--inject', 'no-such-fault',
                                                   '--transport', 'socket', '--socket',
                                                   BASE + '/fakegpu-system-refused']):
        ended = run(command)
        assert ended.returncode > 0, f'{command}: status {ended.returncode}'
        assert ended.stderr, f'{command}: no message'


main(globals())
