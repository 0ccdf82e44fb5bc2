// `alert`: rules over live events, or over those of a trace.
#ifndef CLI_ALERT_COMMAND_H_
#define CLI_ALERT_COMMAND_H_

#include <CLI/App.hpp>

namespace correlate {

void AddAlertCommand(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_ALERT_COMMAND_H_
