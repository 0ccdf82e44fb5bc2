// `doctor`: what this host allows, what that costs, and the command that mends it.
#ifndef CLI_DOCTOR_COMMAND_H_
#define CLI_DOCTOR_COMMAND_H_

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "cli/doctor_checks.h"

namespace correlate {

// A line a check, with cost and mending in lines of their own below it.
std::string DoctorText(const std::vector<Check>& checks);
// One object: {"findings":N,"checks":[{"name","state","found","cost","mend"},...]}.
std::string DoctorJson(const std::vector<Check>& checks);

void AddDoctorCommand(CLI::App& app, int* exit_code);

}  // namespace correlate

#endif  // CLI_DOCTOR_COMMAND_H_
