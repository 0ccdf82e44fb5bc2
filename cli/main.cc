// bpftrace-correlate: composition root. Every command is a file pair of its own (x_command.h) that
// adds its options to the parser and leaves the process's exit status here.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/version.h"

int main(int argc, char** argv) {
  // Commands write to std::cout alone, millions of lines at times: in large blocks.
  std::ios::sync_with_stdio(false);
  static char block[256 * 1024];
  std::cout.rdbuf()->pubsetbuf(block, sizeof block);
  CLI::App app(
      "Which BPF program, attached where, by which verdict and at which source line, dropped or "
      "broke this packet?",
      "bpftrace-correlate");
  app.set_version_flag("--version", std::string("bpftrace-correlate ") + correlate::kVersion);
  app.require_subcommand(1);
  int exit_code = correlate::kExitSuccess;
  correlate::AddCommands(app, &exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? correlate::kExitSuccess : correlate::kExitUsage;
  }
  return exit_code;
}
