// Any bytes as a trace file.
#include <cstdint>

#include "proto/trace_reader.h"
#include "tests/fuzz/planted_bug.h"
#include "tests/fuzz/trace_mutator.h"

namespace {

class Names : public correlate::TraceSink {
 public:
  void OnProgram(const correlate::ProgramInfo& program) override {
    correlate::PlantedBug(program.name.size() > 24);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Names names;
  correlate::ReadTraceBytes({reinterpret_cast<const char*>(data), size}, names);
  return 0;
}
