// bpftrace-correlate: composition root. Every command is a file pair of its own (x_command.h) that
// adds its options to the parser and leaves the process's exit status here.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "alert/http_client.h"
#include "alert/metrics_endpoint.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "disassembly/machine_code.h"

namespace {

// What the static program does without (docs/packaging.md).
std::string Version() {
  const auto part = [](const char* name, bool available) {
    return absl::StrCat(available ? "  with    " : "  without ", name, "\n");
  };
  std::string text = absl::StrCat(
      "bpftrace-correlate ", correlate::kVersion, "\n",
      part("the disassembler of machine code (annotate --code jited)",
           correlate::MachineCode::Available()),
      part("HTTP and TLS (alert: webhook, Alertmanager)", correlate::CurlClient::Available()),
      part("the metrics endpoint (alert --listen)", correlate::MetricsEndpoint::Available()));
  text.pop_back();
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  // Commands write to std::cout alone, millions of lines at times: in large blocks.
  std::ios::sync_with_stdio(false);
  static char block[256 * 1024];
  std::cout.rdbuf()->pubsetbuf(block, sizeof block);
  CLI::App app(
      "Which BPF program, attached where, by which verdict and at which source line, dropped or "
      "broke this packet?",
      "bpftrace-correlate");
  app.set_version_flag("--version", Version());
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
