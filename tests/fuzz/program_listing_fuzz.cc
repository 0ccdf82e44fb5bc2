// Any image of a program, as a hostile trace may hold one: its text is made, and nothing else
// happens.
#include <cstddef>
#include <cstdint>

#include "disassembly/program_listing.h"
#include "tests/fuzz/planted_bug.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  correlate::ProgramImage image;
  const auto next = [&]() -> uint32_t {
    if (size == 0) return 0;
    --size;
    return *data++;
  };
  for (uint32_t i = next() % 8; i > 0; --i) {
    const uint32_t place = next() * next();
    image.functions.push_back({place, "int f()", "bpf_prog_f", uint64_t{next()} << 8, next() * 3});
  }
  for (uint32_t i = next() % 8; i > 0; --i) {
    image.lines.push_back({next(), uint64_t{next()} << 8, "file", "a\nb", next(), next()});
  }
  for (uint32_t i = next() % 8; i > 0; --i) image.calls.push_back({next(), "helper", next()});
  image.xlated.assign(reinterpret_cast<const char*>(data), size);
  image.jited.assign(reinterpret_cast<const char*>(data), size / 2);
  // Without libLLVM there is no native text, as for whoever has none.
  static const auto machines = {correlate::MachineCode::Open("x86_64"),
                                correlate::MachineCode::Open("aarch64")};
  const auto& machine = machines.begin()[image.jited.size() % 2];
  const correlate::ProgramListing listing =
      correlate::MakeListing(image, machine.ok() ? machine->get() : nullptr, {{256, 1}});
  correlate::PlantedBug(listing.functions.size() > 2 && listing.functions[1].translated.size() > 3);
  const correlate::ListingOptions options = {.opcodes = true, .line_numbers = true};
  correlate::TranslatedText(listing, options);
  correlate::NativeText(listing, options);
  correlate::JoinedText(listing, options);
  correlate::FlowGraph(listing, "f");
  return 0;
}
