// What every command that reads a trace shares: its option, the damage report, the exit status.
#ifndef CLI_TRACE_INPUT_H_
#define CLI_TRACE_INPUT_H_

#include <CLI/App.hpp>
#include <string>

#include "proto/printing_lanes.h"
#include "symbolize/trace_sink.h"

namespace correlate {

struct TraceInput {
  std::string path = "bpftrace-correlate.pb";  // "-": stdin
};

// `-i FILE` or a positional argument.
void AddTraceInput(CLI::App* command, TraceInput* input);

// Reads the trace into `sink`. Damage goes to stderr as one sentence. Returns the exit status:
// success, failure (the message is on stderr), or kExitDamaged.
int ReadTraceInput(const TraceInput& input, const std::string& command, TraceSink& sink);
// The same for what prints event after event to stdout: see PrintTraceFile.
int PrintTraceInput(const TraceInput& input, const std::string& command,
                    const PrintingLanes::MakePrinter& make);

}  // namespace correlate

#endif  // CLI_TRACE_INPUT_H_
