#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What tests that run in a user-mode Linux guest rely on. Writes TAP.
# Usage: runner_test.sh PATH-OF-tools/uml/run

run=$1
tests=0

# report NAME STATUS: one TAP line.
report() {
  tests=$((tests + 1))
  if [[ $2 == 0 ]]; then echo "ok $tests - $1"; else echo "not ok $tests - $1"; fi
}

# expect NAME WANTED GOT
expect() {
  [[ $2 == "$3" ]]
  report "$1" $?
  [[ $2 == "$3" ]] || printf '# wanted: %q\n# got: %q\n' "$2" "$3"
}

# The guest's folders and processes are found by this path.
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch

leftovers() {
  ls "$scratch"
  grep -lazF "$scratch/uml." /proc/[0-9]*/cmdline 2>/dev/null
}

# Helpers of a killed guest take a moment to go.
expect_nothing_left() {
  local i
  for ((i = 0; i < 40; i++)); do
    [[ -z $(leftovers) ]] && break
    sleep 0.05
  done
  expect "$1" '' "$(leftovers)"
}

if ! command -v linux.uml >/dev/null; then
  echo '1..0 # SKIP machine lacks user-mode-linux'
  exit 0
fi

"$run" true
expect 'a status of 0 is passed on' 0 $?

output=$("$run" sh -c 'printf "%s" out; printf "%s" err >&2; exit 7' 2>"$TMPDIR/err")
expect 'another status is passed on' 7 $?
expect 'stdout holds what went to stdout' out "$output"
expect 'stderr holds what went to stderr' err "$(<"$TMPDIR/err")"
rm "$TMPDIR/err"

wanted=$(printf '[%s]' 'a b' "c'd" 'e"f' '$HOME `id` \' '' '*' $'new\nline')
expect 'arguments keep spaces, quotes and newlines' "$wanted" \
  "$("$run" printf '[%s]' 'a b' "c'd" 'e"f' '$HOME `id` \' '' '*' $'new\nline')"

mkdir "$scratch/a folder"
guest_output=$(
  cd "$scratch/a folder" || exit
  export FAKEGPU_TEST="it's kept" OTHER=kept UNLISTED=lost UML_ENV=OTHER
  "$run" sh -c 'echo "$PWD|$FAKEGPU_TEST|$OTHER|${UNLISTED-none}"; echo left >by-the-guest
    head -c 300000 /dev/zero | tr "\0" "\377" >blob; printf "\0\r\n\t\33" >>blob; cat blob >&2
    stat -c "%a %F" /dev/cuse; cat' 2>"$scratch/blob"
)
lines=()
[[ -n $guest_output ]] && mapfile -t lines <<<"$guest_output"
expect 'folder and chosen variables are kept' "$scratch/a folder|it's kept|kept|none" "${lines[0]-}"
expect '/dev/cuse is there, for root only' '600 character special file' "${lines[1]-}"
expect 'stdin is empty' 2 "${#lines[@]}"
expect 'a file written by the guest is on the host' left "$(cat "$scratch/a folder/by-the-guest")"
cmp "$scratch/blob" "$scratch/a folder/blob" >&2
report 'bytes come out as written' $?
rm -r "$scratch/a folder" "$scratch/blob"

"$run" /nonexistent 2>/dev/null
expect 'an unknown command gives 127' 127 $?
"$run" sh -c 'kill -SEGV $$' 2>/dev/null
expect 'a signal gives 128 and its number' 139 $?
"$run" 2>/dev/null
expect 'no command is a usage error' 2 $?
output=$(UML_MEM=1M "$run" true 2>&1)
expect 'a guest that cannot start gives 125' 125 $?
[[ $output == *'physical memory'* ]]
report 'and says why' $?
expect_nothing_left 'nothing is left after normal ends'

output=$(UML_TIMEOUT=6 "$run" sh -c 'echo started; exec sleep 100' 2>/dev/null)
expect 'a command that takes too long gives 124' 124 $?
expect 'and keeps what it wrote before' started "$output"
expect_nothing_left 'nothing is left after a timeout'

# A fifo tells when the guest runs; this shell holds it open to the end.
mkfifo "$scratch/out"
exec 5<>"$scratch/out"
rm "$scratch/out"
for signal in INT TERM; do
  # env: an asynchronous command of this shell would ignore SIGINT.
  env --default-signal=INT "$run" sh -c 'echo started; exec sleep 100' >&5 2>/dev/null &
  runner=$!
  read -r -u 5 output
  kill -"$signal" "$runner"
  wait "$runner" 2>/dev/null
  status=$?
  expect "SIG$signal ends the runner" $((128 + $(kill -l "$signal"))) "$status"
done
expect_nothing_left 'nothing is left after signals'

echo "1..$tests"
