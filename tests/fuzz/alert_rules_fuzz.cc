// Any text as a file of alert rules: taken, or refused with where the mistake is.
#include <cstdint>
#include <string>

#include "alert/rule.h"
#include "tests/fuzz/planted_bug.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto rules = correlate::ParseRules(text, "rules");
  if (!rules.ok()) {
    if (rules.status().message().find("rules") == std::string::npos) __builtin_trap();
    return 0;
  }
  correlate::PlantedBug(rules->size() > 2 && (*rules)[1].by.size() > 2);
  (void)correlate::SnapshotsOf(*rules);
  return 0;
}
