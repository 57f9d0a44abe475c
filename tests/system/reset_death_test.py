#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who dies while the device is reset: the daemon, or a client.

Usage: reset_death_test.py socket|fuse|cuse FAKEGPUD FAKEGPU PLAIN_CLIENT LIBRARY_CLIENT RESET_CLIENT
Writes TAP.
"""
import errno
import signal

from harness import AT_ONCE, Daemon, eventually, expect_equal, main, results, start_waiters
from reset_harness import (SLOW, expect_fresh_apps_are_served, expect_right_pictures, report,
                           result, slow_reset, spawn, start_artists)


def test_a_daemon_killed_during_a_reset_leaves_no_client_hanging_and_is_replaced():
    with Daemon(*SLOW) as daemon:
        waiters = start_waiters(daemon, 2)
        artists = start_artists(daemon)
        guilty, watcher = slow_reset(daemon)
        daemon.process.kill()
        daemon.process.wait()
        gone = {errno.ENODEV, errno.ECONNABORTED, errno.ENOTCONN}
        found = results(waiters, AT_ONCE)
        assert set(found) <= gone, found
        for client, name in ((guilty, 'hung'), (watcher, 'work')):
            told = report(client, AT_ONCE)
            assert told[name]['waited'] in gone or told[name]['submitted'] in gone, told
        for artist in artists:
            assert report(artist, AT_ONCE)['lost'] in gone
        daemon.start()
        expect_fresh_apps_are_served(daemon)
        # The faults are armed anew, and so is the ladder.
        told = report(spawn(daemon, 'hang', 'hanging'))
        expect_equal(told['hung'], result(error=errno.ETIME))


def test_a_daemon_asked_to_end_during_a_reset_ends_well():
    with Daemon(*SLOW) as daemon:
        waiters = start_waiters(daemon, 2)
        guilty, watcher = slow_reset(daemon)
        daemon.process.send_signal(signal.SIGTERM)
        expect_equal(results(waiters, 2 * AT_ONCE), [errno.ENODEV] * 2)
        for client, name in ((guilty, 'hung'), (watcher, 'work')):
            told = report(client, 2 * AT_ONCE)
            assert errno.ENODEV in (told[name]['waited'], told[name]['submitted']), told
        expect_equal(daemon.process.wait(2 * AT_ONCE), 0)
        daemon.start()
        expect_fresh_apps_are_served(daemon)


def kill_during_a_reset(which):
    with Daemon(*SLOW) as daemon:
        expect_fresh_apps_are_served(daemon)
        eventually(lambda: daemon.counts() == daemon.counts(), True)
        before = daemon.counts()
        artists = start_artists(daemon)
        guilty, watcher = slow_reset(daemon)
        clients = {'guilty': guilty, 'innocent': artists[0]}
        clients[which].kill()
        clients[which].wait()
        # Whoever is left has what it would have had.
        expect_equal(report(watcher)['work'], result())
        for artist in artists:
            if artist is not clients[which]:
                expect_right_pictures(report(artist))
        if which != 'guilty':
            expect_equal(report(guilty)['hung'], result(error=errno.ETIME))
        expect_fresh_apps_are_served(daemon)
        for name in ('fds', 'heaps'):
            eventually(lambda key=name: daemon.counts()[key], before[name])


def test_a_guilty_client_killed_during_a_reset_does_not_disturb_it():
    kill_during_a_reset('guilty')


def test_an_innocent_client_killed_during_a_reset_does_not_disturb_it():
    kill_during_a_reset('innocent')


main(globals())
