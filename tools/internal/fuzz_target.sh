# shellcheck shell=bash
# How tools/fuzz and tools/test run one libFuzzer target. The caller sets ROOT.

# run_fuzz_target BINARY SECONDS CORPUS FOUND [OPTION...]: with the target's seeds and dictionary. What reaches further is kept in
# CORPUS, an input that broke something gets FOUND before its name.
run_fuzz_target() {
  local binary=$1 seconds=$2 corpus=("$3") found=$4
  local name=${binary##*/}
  local seeds="$ROOT/tests/fuzz/corpus/$name" dictionary="$ROOT/tests/fuzz/dictionaries/$name"
  shift 4
  mkdir -p "${corpus[0]}"
  [[ -d $seeds ]] && corpus+=("$seeds")
  [[ -e $dictionary ]] && corpus+=("-dict=$dictionary")
  # Entropic scheduling keeps books of features, which takes most of the time of a target that has tens of thousands.
  # One that hangs in spite of libFuzzer's own limit is ended.
  timeout --kill-after=10 $((seconds * 4 + 60)) "$binary" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 \
    -entropic=0 -print_final_stats=1 -artifact_prefix="$found" "$@" "${corpus[@]}"
}
