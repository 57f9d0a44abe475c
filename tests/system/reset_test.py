#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The whole system while the device is reset: who hangs, and who does not.

Usage: reset_test.py socket|fuse|cuse FAKEGPUD FAKEGPU PLAIN_CLIENT LIBRARY_CLIENT RESET_CLIENT
Writes TAP.
"""
import errno
import re

from harness import TOOL, Daemon, expect_equal, main, run
from reset_harness import (GUILTY, IN_PROGRESS, LOCKUP, RESET, RING, SLOW,
                           expect_fresh_apps_are_served, expect_right_pictures, report, result,
                           slow_reset, spawn, start_artists)

# What makes each step of the ladder fail.
MUTES = {'soft recovery': 'mute-kill', 'queue reset': 'mute-queue-reset',
         'engine reset': 'mute-engine-reset'}


def hang_while_others_draw(step, error, *mute):
    with Daemon(*LOCKUP) as daemon:
        for earlier in mute:
            expect_equal(run([TOOL, 'inject', MUTES[earlier], '--ring', RING, '--device',
                              daemon.where]).stderr, '')
        artists = start_artists(daemon)
        guilty = report(spawn(daemon, 'hang', 'hanging'))
        for artist in artists:
            expect_right_pictures(report(artist))
        expect_equal(guilty['hung'], result(error=error))
        expect_equal(guilty['flags'], RESET | GUILTY)
        expect_equal(guilty['late'], result(errno.ECANCELED, None, None))
        dump = run([TOOL, 'dump', '--device', daemon.where]).stdout
        expect_equal(re.findall(r'^ended by: (.*)$', dump, re.M), [step])
        expect_fresh_apps_are_served(daemon)
    return guilty


def test_pictures_are_right_while_an_app_hangs_and_its_waves_are_killed():
    hang_while_others_draw('soft recovery', errno.ENODATA)


def test_pictures_are_right_while_an_app_hangs_and_its_engine_is_reset():
    guilty = hang_while_others_draw('engine reset', errno.ETIME, 'soft recovery', 'queue reset')
    expect_equal(guilty['behind'], result(error=errno.ECANCELED))


def test_pictures_are_right_while_an_app_hangs_and_the_gpu_is_reset():
    guilty = hang_while_others_draw('GPU reset', errno.ETIME, *MUTES)
    expect_equal(guilty['behind'], result(error=errno.ECANCELED))


def test_a_reset_is_seen_by_others_and_their_jobs_wait_for_its_end():
    with Daemon(*SLOW) as daemon:
        guilty, watcher = slow_reset(daemon)
        seen = report(watcher)
        expect_equal(seen, {'work': result(), 'polled': errno.ETIME, 'before': IN_PROGRESS,
                            'meanwhile': IN_PROGRESS, 'after': RESET})
        told = report(guilty)
        # Nobody is to blame before the reset is over.
        expect_equal(told['meanwhile'], result(error=errno.ECANCELED))
        expect_equal(told['hung'], result(error=errno.ETIME))
        expect_equal(told['flags'], RESET | GUILTY)
        expect_fresh_apps_are_served(daemon)


main(globals())
