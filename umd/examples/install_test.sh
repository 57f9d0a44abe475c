#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the library into an empty folder, builds the example with what pkg-config says of it and
# nothing else, and runs it in-process.
#   install_test.sh BUILD_FOLDER EXAMPLE.c
set -eu
build=$1
example=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT INT TERM

meson install -C "$build" --no-rebuild --quiet --tags devel,umd --destdir "$root"
pc=$(find "$root" -name libdrm_fakegpu.pc)
[ -n "$pc" ] || { echo "libdrm_fakegpu.pc is not installed"; exit 1; }
libdir=$(dirname "$(dirname "$pc")")

# Only our own paths move to the folder; libdrm's stay where they are.
prefix=$(sed -n 's/^prefix=//p' "$pc")
sed -i "s|^prefix=.*|prefix=$root$prefix|" "$pc"
export PKG_CONFIG_PATH="$(dirname "$pc")"
flags=$(pkg-config --cflags --libs libdrm_fakegpu)
echo "flags: $flags"

# shellcheck disable=SC2086
${CC:-cc} -std=c11 -Wall -Wextra -Werror -pedantic "$example" -o "$root/example" $flags
output=$(LD_LIBRARY_PATH=$libdir FAKEGPU_DEVICE=inprocess: "$root/example")
echo "$output"
case $output in
  *"over inprocess: the GPU wrote 42") ;;
  *) exit 1 ;;
esac

# The daemon's absence is told, not guessed around.
if LD_LIBRARY_PATH=$libdir "$root/example" /nowhere 2>"$root/error"; then
  echo "opened a device that is not there"
  exit 1
fi
grep -q "No such file" "$root/error"

# And the C++ face compiles by itself.
printf '#include <fakegpu/fakegpu.hpp>\nint main() { return 0; }\n' >"$root/face.cc"
# shellcheck disable=SC2086
${CXX:-c++} -std=c++20 -Wall -Wextra -Werror "$root/face.cc" -o "$root/face" $flags
