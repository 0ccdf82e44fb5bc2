# shellcheck shell=bash disable=SC2034
# How tools/run and tools/test call Bazel, the same on every host: no one's own bazelrc, an output folder for
# each user, no symlinks in the checkout (root's and a user's would replace each other). The caller sets ROOT.

# Prints a folder that belongs to the caller alone, for what is built. Root with a user's HOME (sudo -E)
# must leave nothing there; a HOME may also be unset, empty or read-only.
output_root() {
  local name="bpftrace-correlate-$UID" base dir
  for base in "${XDG_CACHE_HOME-}" "${HOME:+$HOME/.cache}"; do
    [[ $base == /* ]] || continue
    if [[ -d $base ]]; then
      [[ -O $base && -w $base ]] || continue
    else
      [[ -O ${base%/*} && -w ${base%/*} ]] || continue
    fi
    mkdir -p "$base/$name" && echo "$base/$name" && return
  done
  dir="/var/tmp/$name"
  # Anybody can make a folder in /var/tmp: only one of our own, closed to others, will do.
  mkdir -m 700 "$dir" 2>/dev/null || true
  if [[ -L $dir || ! -d $dir || ! -O $dir ]]; then
    echo "no place to build: $dir belongs to somebody else; set HOME or XDG_CACHE_HOME" >&2
    return 1
  fi
  chmod 700 "$dir"
  echo "$dir"
}

# Sets what correlate_bazel goes by. Bazel does not look at what Debian's packages installed, so their versions
# are part of every action: after an upgrade everything is built again.
prepare_bazel() {
  # shellcheck source=tools/internal/packages.sh
  source "$ROOT/tools/internal/packages.sh"
  OUTPUT_ROOT=$(output_root)
  PACKAGES_HASH=$({
    dpkg-query -W "${RUN_PACKAGES[@]%%>=*}"
    cat /usr/local/lib/bpftrace-correlate/libperf/stamp
  } | cksum | cut -d ' ' -f 1)
  PROGRESS=(--show_progress --show_progress_rate_limit=20)
  if [[ -t 2 ]]; then PROGRESS=(--show_progress --curses=yes); fi
}

# The idle server holds 240 MB, so it stays only for the next command in a row.
correlate_bazel() { run_bazel "" "$@"; }

# A second Bazel beside the first one, with what it builds in a folder of its own. Where the kernel does not share the CPUs out by
# session (sched(7), autogroups: each action of Bazel is a session) it gets the CPU time that nobody else wants.
correlate_bazel_aside() { run_bazel "$OUTPUT_ROOT/aside" "$@"; }

run_bazel() {
  local base=$1 command=$2
  shift 2
  local options=() startup=(--max_idle_secs=15)
  [[ ! $base ]] || startup+=("--output_base=$base")
  if [[ $command != info && $command != query && $command != shutdown ]]; then
    options=(--experimental_convenience_symlinks=ignore
      --action_env=CORRELATE_PACKAGES="$PACKAGES_HASH" --host_action_env=CORRELATE_PACKAGES="$PACKAGES_HASH")
  fi
  (cd "$ROOT"
    [[ ! $base ]] || chrt --idle --pid 0 "$BASHPID" || true
    exec /usr/bin/bazel --nosystem_rc --bazelrc=/etc/bazel/bazelrc --nohome_rc \
    --output_user_root="$OUTPUT_ROOT" "${startup[@]}" "$command" "${options[@]}" "$@")
}
