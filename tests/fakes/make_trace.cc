// Writes a trace of made-up events: make_trace small TRACE, or make_trace EVENTS TRACE [STACKS
// [PROGRAMS]]. For tests and measurements of what reads traces.
#include <cstdlib>
#include <iostream>
#include <string>

#include "proto/trace_writer.h"
#include "tests/fakes/recording.h"

int main(int argc, char** argv) {
  if (argc < 3 || argc > 5) {
    std::cerr << "usage: make_trace small|EVENTS TRACE [STACKS [PROGRAMS]]\n";
    return 2;
  }
  const auto writer = correlate::TraceWriter::Create(argv[2]);
  if (!writer.ok()) {
    std::cerr << writer.status().message() << "\n";
    return 1;
  }
  if (std::string(argv[1]) == "small") {
    correlate::FeedTestRecording(**writer);
  } else {
    correlate::ManyEvents many;
    many.events = std::strtoull(argv[1], nullptr, 10);
    if (argc > 3) many.stacks = static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10));
    if (argc > 4) many.programs = static_cast<uint32_t>(std::strtoul(argv[4], nullptr, 10));
    correlate::FeedManyEvents(many, **writer);
  }
  const absl::Status closed = (*writer)->Close();
  if (closed.ok()) return 0;
  std::cerr << closed.message() << "\n";
  return 1;
}
