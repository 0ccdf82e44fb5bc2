// What --help and the manual show of each command's use.
#ifndef CLI_EXAMPLES_H_
#define CLI_EXAMPLES_H_

#include <string>
#include <vector>

namespace correlate {

struct Example {
  std::string arguments;  // behind "bpftrace-correlate "
  std::string meaning;
};

// Empty: there is no such command.
std::vector<Example> ExamplesOf(const std::string& command);

}  // namespace correlate

#endif  // CLI_EXAMPLES_H_
