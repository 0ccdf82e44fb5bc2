// Any text as /proc/kallsyms.
#include <cstdint>

#include "symbolize/kernel_symbols.h"
#include "tests/fuzz/planted_bug.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto symbols =
      correlate::KernelSymbols::Parse(absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!symbols.ok()) return 0;
  for (const uint64_t address : {uint64_t{0}, uint64_t{0xffffffff81000000}, UINT64_MAX}) {
    const auto symbol = symbols->Lookup(address);
    if (symbol.has_value() && symbol->name.empty()) __builtin_trap();
    correlate::PlantedBug(symbol.has_value() && symbol->module.size() > 12 && symbol->offset > 64);
  }
  return 0;
}
