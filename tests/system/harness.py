# SPDX-License-Identifier: MIT
"""What the tests of the whole system share: a daemon in a folder of its own, its clients, and TAP.

Arguments of each: socket|fuse|cuse FAKEGPUD FAKEGPU PLAIN_CLIENT LIBRARY_CLIENT
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

TRANSPORT, DAEMON, TOOL, PLAIN_CLIENT, LIBRARY_CLIENT = sys.argv[1:6]
# A guest's sockets do not work in the host's folders.
BASE = '/run' if TRANSPORT == 'cuse' else tempfile.gettempdir()
HAS_NODE = TRANSPORT != 'socket'
# Bounds of a machine under load; what is bounded takes milliseconds.
AT_ONCE = 2
READY = 60


class Daemon:
    """A fakegpud with a folder of its own; a context manager."""
    count = 0

    def __init__(self, *options, user=None):
        """`user`: who runs it, if not the caller."""
        Daemon.count += 1
        self.folder = tempfile.mkdtemp(prefix='fakegpu-system.', dir=BASE)
        # Clients may be of other users.
        os.chmod(self.folder, 0o755)
        if user is not None:
            os.chown(self.folder, user, user)
        self.socket = self.folder + '/socket'
        name = f'fakegpu-system-{os.getpid()}-{Daemon.count}'
        self.where = {'cuse': '/dev/' + name, 'fuse': self.folder + '/fs/fakegpu',
                      'socket': self.socket}[TRANSPORT]
        self.command = [DAEMON, '--foreground', '--transport', TRANSPORT, '--name', name, '--vram',
                        '64', '--fuse-dir', self.folder + '/fs', '--socket', self.socket,
                        '--workers', '2', *options]
        self.user = user
        self.start()

    def start(self):
        """Also once more, in the same place, when the one before has ended."""
        ready, tell = os.pipe()
        self.process = subprocess.Popen([*self.command, '--ready-fd', str(tell)], pass_fds=[tell],
                                        **as_user(self.user))
        os.close(tell)
        told = os.read(ready, 5)
        os.close(ready)
        assert told == b'READY', f'the daemon said {told}'

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(READY)
        if TRANSPORT == 'fuse':
            # Of a daemon that was killed: ismount() takes the dead mount for none.
            subprocess.run(['umount', '-l', self.folder + '/fs'], check=False,
                           stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def counts(self):
        """What a client that is gone must not leave behind."""
        info = json.loads(run([TOOL, 'info', '--json', '--device', self.where]).stdout)
        proc = f'/proc/{self.process.pid}'
        with open(proc + '/maps', encoding='ascii') as maps:
            mappings = sum('memfd' in line for line in maps)
        return {'fds': len(os.listdir(proc + '/fd')), 'mappings': mappings,
                'heaps': [heap['used_bytes'] for heap in info['heaps']]}


def as_user(user):
    """For subprocess, to run something as another user with a group of the same number."""
    return {} if user is None else {'user': user, 'group': user, 'extra_groups': []}


def run(command, user=None, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False,
                          **as_user(user), **options)


def start(program, daemon, mode, word):
    """A client that has printed `word`."""
    client = subprocess.Popen([program, daemon.where, mode], stdout=subprocess.PIPE, text=True)
    line = client.stdout.readline()
    assert line == word + '\n', f'the client said {line!r}'
    return client


def state_of(pid):
    """As ps shows it: S while it sleeps in a call that a signal ends."""
    with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
        return file.read().rpartition(')')[2].split()[0]


def start_waiters(daemon, count):
    """Half of them with the library, the others without it where there is a node."""
    plain = PLAIN_CLIENT if HAS_NODE else LIBRARY_CLIENT
    waiters = [start((plain, LIBRARY_CLIENT)[i % 2], daemon, 'wait', 'waiting')
               for i in range(count)]
    # They print before they wait.
    for waiter in waiters:
        eventually(lambda pid=waiter.pid: state_of(pid), 'S')
    assert all(waiter.poll() is None for waiter in waiters), 'a wait ended by itself'
    return waiters


def results(waiters, within):
    """The errno of each wait; fails if one is not back in time."""
    deadline = time.monotonic() + within
    found = []
    for waiter in waiters:
        waiter.wait(max(0.01, deadline - time.monotonic()))
        found.append(int(waiter.stdout.read()))
        assert waiter.returncode == 0
    return found


def expect_equal(got, wanted):
    assert got == wanted, f'{got} instead of {wanted}'


def eventually(get, wanted, within=20):
    deadline = time.monotonic() + within
    while (got := get()) != wanted:
        assert time.monotonic() < deadline, f'{got} instead of {wanted}'
        time.sleep(0.05)


def main(tests_of):
    needed = {'fuse': '/dev/fuse', 'cuse': '/dev/cuse'}.get(TRANSPORT)
    if needed and not os.access(needed, os.R_OK | os.W_OK):
        print(f'1..0 # SKIP machine lacks {needed}')
        return
    # Those of a device node have 'node' in their name; a socket has none.
    tests = [(name, test) for name, test in tests_of.items() if name.startswith('test_')
             and not ('_node_' in name and not HAS_NODE)]
    for number, (name, test) in enumerate(tests, 1):
        name = name.removeprefix('test_').replace('_', ' ')
        try:
            skipped = test()
            print(f'ok {number} - {name}' + (f' # SKIP {skipped}' if skipped else ''))
        except (AssertionError, subprocess.TimeoutExpired, ValueError) as error:
            for line in str(error).splitlines():
                print('#', line)
            print(f'not ok {number} - {name}')
        sys.stdout.flush()
    print(f'1..{len(tests)}')
