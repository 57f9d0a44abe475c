# SPDX-License-Identifier: MIT
#
# `tools/dev test`; sourced by tools/dev.

summary=()   # arguments of summary.py
timings=()   # lines "seconds stage"

# stage NAME COMMAND...: runs the command and notes how long it took.
stage() {
  local name=$1 begin=$SECONDS status
  shift
  echo "== $name"
  "$@"
  status=$?
  timings+=("$(printf '%5d s  %s' $((SECONDS - begin)) "$name")")
  return "$status"
}

# build_for DIR SUITES [REGEX]: what the suites' tests depend on, and the targets that match.
build_for() {
  local dir=$1 targets
  mapfile -t targets < <(targets_in "$dir" --suites "$2"; [[ -n ${3-} ]] && targets_in "$dir" "$3")
  ((${#targets[@]} == 0)) || (compile "$dir" "${targets[@]}")
}

# run_suites DIR SUITES [MESON TEST OPTION...]
run_suites() {
  local dir=$root/$1 stage_name="$1 $2" logbase=$root/$1/meson-logs/dev suite options=() status
  for suite in ${2//,/ }; do options+=(--suite "$suite"); done
  shift 2
  # A program that crashes writes no result; the one of the run before must not be taken for it.
  rm -f "$dir"/*.xml "$logbase".*
  meson test -C "$dir" --no-rebuild --logbase "${logbase##*/}" "${options[@]}" "$@" </dev/null
  status=$?
  summary+=(--run "$stage_name" "$logbase" "$status")
}

# build_and_run DIR SUITES REGEX CONFIGURE-OPTIONS -- MESON-TEST-OPTIONS
build_and_run() {
  local dir=$1 suites=$2 regex=$3 options=()
  shift 3
  while [[ $1 != -- ]]; do options+=("$1"); shift; done
  shift
  if (configure "$dir" "${options[@]}") && stage "build $dir" build_for "$dir" "$suites" "$regex"; then
    stage "run $dir: $suites" run_suites "$dir" "$suites" "$@"
  else
    summary+=(--failed "$dir does not build")
  fi
}

# Prints what sanitized programs must be started with. The sanitizers of g++ 12 and clang 14 assume fewer
# random address bits than newer kernels use; then programs crash at start, or now and then.
sanitizer_wrapper() {
  local bits
  { read -r bits </proc/sys/vm/mmap_rnd_bits; } 2>/dev/null
  ((${bits:-32} <= 28)) || ! setarch -R true 2>/dev/null || echo 'setarch -R'
}

# Whether a trivial program runs under TSan here.
tsan_runs() {
  local dir status
  dir=$(mktemp -d) || return 1
  echo 'int main() { return 0; }' >"$dir/probe.cc"
  ${CXX:-g++} -fsanitize=thread -o "$dir/probe" "$dir/probe.cc" && $1 "$dir/probe"
  status=$?
  rm -rf "$dir"
  return "$status"
}

run_tests() {
  local quick= wrapper wrapper_options=() timing slow=()
  case ${1-} in
    --quick) quick=1 ;;
    '') ;;
    *) say "test: unknown argument '$1'"; exit 2 ;;
  esac
  (($# <= 1)) || { say "test: unknown argument '$2'"; exit 2; }
  stage packages setup test
  cd "$root" || exit 1

  if [[ -n $quick ]]; then
    build_and_run build unit,conformance,plain '^(?!tests/)' -Dbuildtype=debugoptimized -Dtests=true --
  else
    wrapper=$(sanitizer_wrapper)
    [[ -n $wrapper ]] && wrapper_options=(--wrapper "$wrapper")
    slow=(--timeout-multiplier 4)
    export ASAN_OPTIONS=${ASAN_OPTIONS-halt_on_error=1:abort_on_error=1:print_summary=1:detect_stack_use_after_return=1}
    export UBSAN_OPTIONS=${UBSAN_OPTIONS-halt_on_error=1:abort_on_error=1:print_summary=1:print_stacktrace=1}
    export TSAN_OPTIONS=${TSAN_OPTIONS-halt_on_error=1:second_deadlock_stack=1}

    build_and_run build uml,plain '^(?!tests/)' -Dbuildtype=debugoptimized -Dtests=true --
    build_and_run build-asan unit,conformance,system,fuzz-smoke '^(?!tests/)' \
      -Ddebug=true -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false -- \
      "${slow[@]}" "${wrapper_options[@]}"
    if tsan_runs "$wrapper"; then
      build_and_run build-tsan tsan '' \
        -Ddebug=true -Doptimization=1 -Db_sanitize=thread -Db_lundef=false -- \
        "${slow[@]}" "${wrapper_options[@]}"
    else
      summary+=(--skipped 'machine lacks the address space layout that TSan needs')
    fi
  fi

  echo
  for timing in "${timings[@]}"; do echo "$timing"; done
  printf '%5d s  in all\n\n' "$SECONDS"
  python3 "$helpers/summary.py" "${summary[@]}" 2>&1
}
