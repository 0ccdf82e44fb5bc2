// What every command that reads a trace shares: its option, the damage report, the exit status, and
// that from then on it starts no program and opens no connection (base/reader_sandbox.h).
#ifndef CLI_TRACE_INPUT_H_
#define CLI_TRACE_INPUT_H_

#include <CLI/App.hpp>
#include <iostream>
#include <string>

#include "proto/printing_lanes.h"
#include "symbolize/trace_sink.h"

namespace correlate {

struct TraceInput {
  std::string path = "bpftrace-correlate.pb";  // "-": stdin
};

struct SelectionFlags {
  std::string time;
  std::string filter;
};

// `-i FILE` or a positional argument.
void AddTraceInput(CLI::App* command, TraceInput* input);

// `--time FROM,TO` and `--filter EXPR`.
void AddSelection(CLI::App* command, SelectionFlags* flags);

// Reads the trace into `sink`. Damage goes to stderr as one sentence. Returns the exit status:
// success, failure (the message is on stderr), or kExitDamaged.
int ReadTraceInput(const TraceInput& input, const std::string& command, TraceSink& sink);
// The same for what prints event after event: see PrintTraceFile.
int PrintTraceInput(const TraceInput& input, const std::string& command,
                    const PrintingLanes::MakePrinter& make, std::ostream& out = std::cout);

}  // namespace correlate

#endif  // CLI_TRACE_INPUT_H_
