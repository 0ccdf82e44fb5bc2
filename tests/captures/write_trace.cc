// Writes a capture as a trace: write_trace CAPTURE TRACE. For tests of what reads traces, which
// then need neither root nor a kernel.
#include <iostream>

#include "proto/trace_writer.h"
#include "tests/captures/capture.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: write_trace CAPTURE TRACE\n";
    return 2;
  }
  const auto writer = correlate::TraceWriter::Create(argv[2]);
  if (!writer.ok()) {
    std::cerr << writer.status().message() << "\n";
    return 1;
  }
  const auto replayed = correlate::ReplayCapture(argv[1], **writer);
  const absl::Status closed = (*writer)->Close();
  if (replayed.ok() && closed.ok()) return 0;
  std::cerr << replayed.status().message() << closed.message() << "\n";
  return 1;
}
