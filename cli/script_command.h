// `script`: one event after the other in order of time, as text near to `perf script`'s or as JSON.
#ifndef CLI_SCRIPT_COMMAND_H_
#define CLI_SCRIPT_COMMAND_H_

#include <CLI/App.hpp>
#include <memory>
#include <ostream>

#include "symbolize/trace_sink.h"

namespace correlate {

// Prints what it is fed; borrows `out`, and wants no more once that fails.
std::unique_ptr<TraceSink> MakeScriptPrinter(std::ostream& out, bool json);

void AddScriptCommand(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_SCRIPT_COMMAND_H_
