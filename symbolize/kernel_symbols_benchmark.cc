// What reading the text of /proc/kallsyms costs at the start of a recording, and what looking an
// address up does.
#include <benchmark/benchmark.h>

#include <string>

#include "absl/strings/str_format.h"
#include "symbolize/kernel_symbols.h"

namespace correlate {
namespace {

constexpr uint64_t kText = 0xffffffff81000000;

// As many lines, in order of address, as the kernel prints them.
std::string Kallsyms(int64_t symbols) {
  std::string text;
  for (int64_t i = 0; i < symbols; ++i) {
    absl::StrAppendFormat(&text, "%016x %c some_function_of_the_kernel_%d\n", kText + i * 320,
                          i % 3 == 0 ? 'T' : 't', i);
  }
  return text;
}

void BM_ParseKallsyms(benchmark::State& state) {
  const std::string text = Kallsyms(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(KernelSymbols::Parse(text));
}
BENCHMARK(BM_ParseKallsyms)->ArgName("symbols")->Arg(100'000)->Unit(benchmark::kMillisecond);

void BM_LookUpAddress(benchmark::State& state) {
  const auto symbols = KernelSymbols::Parse(Kallsyms(100'000));
  uint64_t at = 0;
  for (auto _ : state) {
    at = (at + 7919 * 320) % (100'000 * 320);
    benchmark::DoNotOptimize(symbols->Lookup(kText + at));
  }
}
BENCHMARK(BM_LookUpAddress);

}  // namespace
}  // namespace correlate
