# SPDX-License-Identifier: MIT
"""What the tests of a device that is reset share.

Arguments besides the harness': RESET_CLIENT
"""
import json
import sys

from harness import LIBRARY_CLIENT, READY, expect_equal, run, start

RESET_CLIENT = sys.argv[6]
# fakegpu_drm.h, DRM_FAKEGPU_CTX_*
RESET, GUILTY, IN_PROGRESS = 1, 2, 8
RING = 'comp_1.0'  # that hangs
# Much more than a job here takes on a machine under load.
LOCKUP = ('--lockup-timeout', '800,800,800')
# A recovery that takes nearly a second: one step after the other is too slow, and the last not
# quite.
SLOW = (*LOCKUP, '--inject', f'mute-kill,ring={RING}', '--inject',
        'slow-reset,probability=1,duration=600ms')


def spawn(daemon, mode, word):
    return start(RESET_CLIENT, daemon, mode, word)


def start_artists(daemon):
    return [spawn(daemon, mode, 'drawing') for mode in ('draw0', 'draw1')]


def report(client, within=READY):
    """What a client says in the end."""
    text, _ = client.communicate(timeout=within)
    expect_equal(client.returncode, 0)
    return json.loads(text)


def result(submitted=0, waited=0, error=0):
    return {'submitted': submitted, 'waited': waited, 'error': error}


def expect_fresh_apps_are_served(daemon):
    expect_equal(daemon.process.poll(), None)
    expect_equal(run([LIBRARY_CLIENT, daemon.where, 'fill']).stdout, 'filled\n')


def expect_right_pictures(drawn):
    told = (drawn['wrong'], drawn['failed'], drawn['flags'], drawn['lost'])
    expect_equal(told, (0, 0, RESET, None))
    assert drawn['pictures'] > 2, drawn


def slow_reset(daemon):
    """One that has begun, the client that caused it, and one that sees it."""
    guilty = spawn(daemon, 'hang', 'hanging')
    return guilty, spawn(daemon, 'watch', 'resetting')
