#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Several users over one transport: whose daemon it is, who may come, and who may do what.

Usage: users_test.py socket|fuse|cuse FAKEGPUD FAKEGPU PLAIN_CLIENT LIBRARY_CLIENT
Writes TAP.
"""
import errno
import json
import os
import subprocess
import sys
import tempfile

from harness import (DAEMON, LIBRARY_CLIENT, PLAIN_CLIENT, TOOL, TRANSPORT, Daemon, expect_equal,
                     main, run, start)

# Nobody's and the next: that they have no name does not matter.
OWNER, OTHER = 65534, 65533
REFUSED = [errno.EACCES, errno.EACCES]


def lacks(user):
    """Why a daemon of this user, or a client, cannot be had here; None if it can."""
    if os.geteuid() != 0:
        return 'machine lacks root'
    if run(['test', '-x', DAEMON, '-a', '-x', LIBRARY_CLIENT], user=user).returncode != 0:
        return 'machine lacks a build folder that other users can read'
    return None


def lacks_mount_of_a_user():
    """The same for a daemon that serves over this transport."""
    if TRANSPORT == 'cuse':
        return 'machine lacks a /dev/cuse for everybody'
    if TRANSPORT == 'fuse':
        if run(['sh', '-c', 'command -v fusermount3']).returncode != 0:
            return 'machine lacks fusermount3'
        if run(['sh', '-c', ': <>/dev/fuse'], user=OWNER).returncode != 0:
            return 'machine lacks a /dev/fuse for everybody'
    return lacks(OWNER)


def errnos(daemon, mode, user=None):
    ended = run([LIBRARY_CLIENT, daemon.where, mode], user=user)
    expect_equal((ended.returncode, ended.stderr), (0, ''))
    return [int(line) for line in ended.stdout.split()]


def test_high_priority_of_roots_daemon_is_for_root():
    if reason := lacks(OTHER):
        return reason
    with Daemon() as daemon:
        expect_equal(errnos(daemon, 'high'), [0, 0])
        expect_equal(errnos(daemon, 'high', OTHER), REFUSED)
    return None


def test_high_priority_of_a_users_daemon_is_for_that_user():
    if reason := lacks_mount_of_a_user():
        return reason
    with Daemon(user=OWNER) as daemon:
        expect_equal(errnos(daemon, 'high', OWNER), [0, 0])
        if TRANSPORT == 'socket':
            expect_equal(errnos(daemon, 'high'), [0, 0])
            expect_equal(errnos(daemon, 'high', OTHER), REFUSED)
    return None


def policies(daemon, user=None):
    return {ring['policy'] for ring in json.loads(
        run([TOOL, 'info', '--json', '--device', daemon.where], user=user).stdout)['rings']}


def test_the_policies_of_roots_daemon_are_for_root_to_choose():
    if reason := lacks(OTHER):
        return reason
    with Daemon() as daemon:
        expect_equal(errnos(daemon, 'policy', OTHER), REFUSED)
        expect_equal(policies(daemon), {'prepaid'})
        expect_equal(errnos(daemon, 'policy'), [0, 0])
        expect_equal(policies(daemon), {'fifo', 'rr'})
        ended = run([TOOL, 'policy', 'edf', '--device', daemon.where], user=OTHER)
        expect_equal(ended.returncode, 1)
        assert 'Permission denied' in ended.stderr, ended.stderr
        expect_equal(policies(daemon, OTHER), {'fifo', 'rr'})
    return None


def test_the_policies_of_a_users_daemon_are_for_that_user_to_choose():
    if reason := lacks_mount_of_a_user():
        return reason
    with Daemon(user=OWNER) as daemon:
        expect_equal(errnos(daemon, 'policy', OWNER), [0, 0])
        expect_equal(policies(daemon, OWNER), {'fifo', 'rr'})
        if TRANSPORT == 'socket':
            expect_equal(errnos(daemon, 'policy'), [0, 0])
            expect_equal(errnos(daemon, 'policy', OTHER), REFUSED)
    return None


def test_the_faults_of_roots_daemon_are_for_root_to_inject():
    if reason := lacks(OTHER):
        return reason
    with Daemon('--inject', 'hang,nth=1000000') as daemon:
        expect_equal(errnos(daemon, 'inject', OTHER), [errno.EACCES] * 3)
        ended = run([TOOL, 'inject', 'hang', '--device', daemon.where], user=OTHER)
        expect_equal(ended.returncode, 1)
        assert 'Permission denied' in ended.stderr, ended.stderr
        status = run([TOOL, 'inject', '--status', '--device', daemon.where])
        expect_equal(status.stdout, 'armed hang,nth=1000000: triggers 0, fired 0\n')
        expect_equal(errnos(daemon, 'inject'), [0, 0, 0])
    return None


def test_the_faults_of_a_users_daemon_are_for_that_user_to_inject():
    if reason := lacks_mount_of_a_user():
        return reason
    with Daemon(user=OWNER) as daemon:
        expect_equal(errnos(daemon, 'inject', OWNER), [0, 0, 0])
        if TRANSPORT == 'socket':
            expect_equal(errnos(daemon, 'inject'), [0, 0, 0])
            expect_equal(errnos(daemon, 'inject', OTHER), [errno.EACCES] * 3)
    return None


def test_another_user_is_served_memory_and_all():
    if reason := lacks(OTHER):
        return reason
    with Daemon() as daemon:
        ended = run([LIBRARY_CLIENT, daemon.where, 'fill'], user=OTHER)
        expect_equal((ended.returncode, ended.stdout, ended.stderr), (0, 'filled\n', ''))
    return None


def clients(daemon, user=None):
    ended = run([TOOL, 'usage', '--json', '--device', daemon.where], user=user)
    expect_equal((ended.returncode, ended.stderr), (0, ''))
    return json.loads(ended.stdout)['clients']


def test_a_user_sees_none_of_anothers_clients():
    if reason := lacks(OTHER):
        return reason
    with Daemon() as daemon:
        client = start(LIBRARY_CLIENT, daemon, 'busy', 'busy')
        seen = clients(daemon, OTHER)
        text = run([TOOL, 'usage', '--fdinfo', '--device', daemon.where], user=OTHER)
        everybody = clients(daemon)
        client.kill()
        client.wait()
        expect_equal([entry['uid'] for entry in seen], [OTHER])
        expect_equal(text.stdout.count('drm-driver'), 1)
        assert client.pid in [entry['pid'] for entry in everybody], everybody
    return None


def test_a_node_of_a_mode_for_the_owner_is_closed_to_others():
    if reason := lacks(OTHER):
        return reason
    with Daemon('--mode', '0600') as daemon:
        expect_equal(run([PLAIN_CLIENT, daemon.where, 'submit']).returncode, 0)
        ended = run([PLAIN_CLIENT, daemon.where, 'submit'], user=OTHER)
        expect_equal(ended.returncode, 1)
        assert 'Permission denied' in ended.stderr, ended.stderr
    return None


def test_a_mode_for_the_owner_closes_the_socket_to_others():
    if reason := lacks(OTHER):
        return reason
    with Daemon('--mode', '0600') as daemon:
        expect_equal(run([LIBRARY_CLIENT, daemon.socket, 'fill']).returncode, 0)
        ended = run([LIBRARY_CLIENT, daemon.socket, 'fill'], user=OTHER)
        expect_equal(ended.returncode, 1)
        assert 'Permission denied' in ended.stderr, ended.stderr
    return None


def test_a_node_of_an_ordinary_users_daemon_is_that_users_alone():
    if reason := lacks_mount_of_a_user():
        return reason
    with Daemon(user=OWNER) as daemon:
        ended = run([PLAIN_CLIENT, daemon.where, 'submit'], user=OWNER)
        expect_equal((ended.returncode, ended.stdout, ended.stderr), (0, 'done\n', ''))
        # Passthrough, and so mmap, takes rights that only root has: memory comes by the channel.
        info = json.loads(run([TOOL, 'info', '--json', '--device', daemon.where],
                              user=OWNER).stdout)
        expect_equal((info['features']['mmap'], info['features']['channel']), (False, True))
        ended = run([LIBRARY_CLIENT, daemon.where, 'fill'], user=OWNER)
        expect_equal((ended.returncode, ended.stdout, ended.stderr), (0, 'filled\n', ''))
        with open('/etc/fuse.conf', encoding='utf-8') as conf:
            if any(line.strip() == 'user_allow_other' for line in conf):
                return None
        for user in (OTHER, None):
            ended = run([PLAIN_CLIENT, daemon.where, 'submit'], user=user)
            expect_equal(ended.returncode, 1)
            assert 'Permission denied' in ended.stderr, ended.stderr
    return None


def test_an_ordinary_users_programs_find_that_users_daemon():
    if reason := lacks_mount_of_a_user():
        return reason
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, OWNER, OWNER)
        environment = {**os.environ, 'XDG_RUNTIME_DIR': folder}
        environment.pop('FAKEGPU_DEVICE', None)
        options = {'env': environment, 'user': OWNER, 'group': OWNER, 'extra_groups': []}
        ready, tell = os.pipe()
        with subprocess.Popen([DAEMON, '--transport', TRANSPORT, '--vram', '64', '--ready-fd',
                               str(tell)], pass_fds=[tell], **options) as daemon:
            os.close(tell)
            expect_equal(os.read(ready, 5), b'READY')
            os.close(ready)
            ended = run([TOOL, 'info', '--json'], user=OWNER, env=environment)
            daemon.terminate()
            expect_equal(daemon.wait(60), 0)
        expect_equal(ended.returncode, 0)
        expect_equal(json.loads(ended.stdout)['transport'], TRANSPORT)
    return None


def with_a_fuse_for_everybody():
    """Starts this program again in a mount namespace where /dev/fuse is as udev makes it, if the
    machine's is for root only."""
    mark = 'FAKEGPU_TEST_NAMESPACE'
    if TRANSPORT != 'fuse' or os.geteuid() != 0 or mark in os.environ:
        return
    if not os.path.exists('/dev/fuse') or os.stat('/dev/fuse').st_mode & 0o006 == 0o006:
        return
    with tempfile.TemporaryDirectory() as folder:
        node = folder + '/fuse'
        script = 'mknod -m 666 "$0" c 10 229 && mount --bind "$0" /dev/fuse && exec "$@"'
        enter = ['unshare', '--mount', 'sh', '-c', script, node]
        if run([*enter, 'true']).returncode != 0:
            return
        os.remove(node)
        ended = subprocess.run([*enter, sys.executable, *sys.argv], check=False,
                               env={**os.environ, mark: 'entered'})
    sys.exit(ended.returncode)


with_a_fuse_for_everybody()
main(globals())
