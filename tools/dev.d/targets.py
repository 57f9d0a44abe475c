#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lists what to build, as output files relative to the build folder.

targets.py BUILD-DIR REGEX             default targets whose "path/of/meson.build:name" matches
targets.py BUILD-DIR --suites A,B,...  what the tests of these suites depend on
"""
import json
import os
import re
import sys


def main():
    build_dir = os.path.realpath(sys.argv[1])

    def info(name):
        with open(os.path.join(build_dir, 'meson-info', name)) as file:
            return json.load(file)

    source_dir = info('meson-info.json')['directories']['source']
    targets = info('intro-targets.json')
    if sys.argv[2] == '--suites':
        suites = set(sys.argv[3].split(','))
        wanted = {target_id for test in info('intro-tests.json')
                  if suites & {suite.split(':')[-1] for suite in test['suite']}
                  for target_id in test['depends']}
        chosen = [target for target in targets if target['id'] in wanted]
    else:
        pattern = re.compile(sys.argv[2])
        chosen = [target for target in targets if target['build_by_default'] and pattern.search(
            f"{os.path.relpath(target['defined_in'], source_dir)}:{target['name']}")]
    for target in chosen:
        for output in target['filename']:
            print(os.path.relpath(output, build_dir))


if __name__ == '__main__':
    main()
