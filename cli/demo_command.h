// `demo`: makes drops and XDP exceptions in network namespaces of its own, records them as `record`
// does, prints the report, and leaves nothing behind.
#ifndef CLI_DEMO_COMMAND_H_
#define CLI_DEMO_COMMAND_H_

#include <CLI/App.hpp>
#include <string>

namespace correlate {

struct DemoRequest {
  std::string output;  // empty: no trace is kept; "-": stdout, and the report goes to stderr
};

// The process's exit status. Moves the process into a mount namespace of its own.
int RunDemo(const DemoRequest& request);

void AddDemoCommand(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_DEMO_COMMAND_H_
