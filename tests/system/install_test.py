#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Whether `meson install` puts everything where it belongs. Writes TAP.

Usage: install_test.py BUILD_FOLDER
"""
import json
import os
import subprocess
import sys
import tempfile

BUILD = sys.argv[1]
SCENARIOS = os.path.join(os.path.dirname(__file__), '../../tools/fakegpu/sim/scenarios')
HEADERS = ('cmdbuf.h', 'context.h', 'debug.h', 'device.h', 'fakegpu.h', 'fakegpu.hpp',
           'faults.h', 'kernels.h', 'memory.h', 'pm4.h', 'sdma.h', 'sync.h', 'usage.h')


def options():
    told = subprocess.run(['meson', 'introspect', '--buildoptions', BUILD], check=True,
                          capture_output=True, text=True).stdout
    return {option['name']: option['value'] for option in json.loads(told)}


def wanted():
    """Paths below the prefix."""
    option = options()
    lib, include, man = option['libdir'], option['includedir'], option['mandir']
    paths = {option['bindir'] + '/fakegpu', option['bindir'] + '/fakegpud',
             'lib/systemd/system/fakegpud.service', 'lib/udev/rules.d/70-fakegpu.rules',
             lib + '/pkgconfig/libdrm_fakegpu.pc', include + '/fakegpu_drm.h',
             *(f'{man}/man1/fakegpu{page}.1' for page in ('', '-inject', '-record', '-sim')),
             man + '/man3/libdrm_fakegpu.3', man + '/man8/fakegpud.8'}
    paths |= {f'{option["datadir"]}/fakegpu/scenarios/{name}' for name in os.listdir(SCENARIOS)}
    for name in ('libdrm_fakegpu.so', 'libdrm_fakegpu_inprocess.so'):
        paths |= {f'{lib}/{name}{version}' for version in ('', '.1', '.1.0.0')}
    return option['prefix'], paths | {f'{include}/fakegpu/{header}' for header in HEADERS}


def main():
    prefix, paths = wanted()
    with tempfile.TemporaryDirectory() as root:
        subprocess.run(['meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet', '--destdir',
                        root], check=True, stdout=subprocess.DEVNULL)
        found = {os.path.relpath(os.path.join(folder, name), root + prefix)
                 for folder, _, names in os.walk(root) for name in names}
        programs = [path for path in found if os.path.basename(path) in ('fakegpu', 'fakegpud')]
        runs = all(subprocess.run([f'{root}{prefix}/{program}', '--version'], check=False,
                                  stdout=subprocess.DEVNULL).returncode == 0
                   for program in programs)
        with open(f'{root}{prefix}/lib/systemd/system/fakegpud.service', encoding='utf-8') as file:
            starts = f'ExecStart={prefix}/{options()["bindir"]}/fakegpud\n' in file.read()
    for path in sorted(paths ^ found):
        print('#', 'missing' if path in paths else 'unexpected', path)
    for number, (good, name) in enumerate(
            ((found == paths, 'every file is in its place and no other is installed'),
             (runs, 'the programs run from there'),
             (starts, 'the unit starts the installed daemon')), 1):
        print(('ok' if good else 'not ok'), number, '-', name)
    print('1..3')


main()
