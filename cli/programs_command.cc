#include "cli/programs_command.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "cli/exit_codes.h"
#include "cli/map_contents.h"
#include "cli/program_tables.h"
#include "cli/trace_input.h"
#include "collector/attachment_scanner.h"
#include "collector/host_facts.h"
#include "collector/map_scanner.h"
#include "collector/pin_scanner.h"
#include "collector/program_scanner.h"

namespace correlate {
namespace {

void Warn(const std::string& text) { std::cerr << "bpftrace-correlate programs: " << text << "\n"; }

absl::Status LookAtHost(ProgramTables& tables) {
  tables.OnClocks(ReadClocks());
  // Attachments first: a program that is attached in between is then at least listed.
  ASSIGN_OR_RETURN(const AttachmentScan scan, ScanAttachments());
  ASSIGN_OR_RETURN(const std::vector<ProgramInfo> programs, ScanPrograms());
  const auto pins = ScanPins();
  for (ProgramInfo program : programs) {
    if (const auto pinned = pins.find(program.id); pinned != pins.end()) {
      program.pins = pinned->second;
    }
    tables.OnProgram(program);
  }
  for (const Attachment& attachment : scan.attachments) tables.OnAttachment(attachment);
  ASSIGN_OR_RETURN(const std::vector<MapInfo> maps, ScanMaps());
  for (const MapInfo& map : maps) tables.OnMap(map);
  for (const std::string& note : scan.notes) Warn(note);
  if (tables.AddressesHidden()) {
    Warn(
        "the kernel hides the addresses of programs (kernel.kptr_restrict) or does not compile "
        "them (net.core.bpf_jit_enable); see `bpftrace-correlate doctor`");
  }
  return absl::OkStatus();
}

int PrintMap(const TraceInput& input, const std::string& wanted, bool json) {
  if (input.path.empty()) {
    Warn("--map is of a trace: `bpftool map dump` shows what a map of this host holds now");
    return kExitUsage;
  }
  MapContents contents(wanted);
  const int status = ReadTraceInput(input, "programs", contents);
  if (status == kExitFailure) return status;
  if (contents.empty()) {
    Warn("the trace holds nothing of map " + wanted + ": `record --snapshot-map " + wanted +
         "` keeps it");
    return kExitFailure;
  }
  std::cout << (json ? contents.ToJson().dump() + "\n" : contents.Text()) << std::flush;
  return status;
}

}  // namespace

void AddProgramsCommand(CLI::App& app, int* exit_code) {
  struct Flags {
    TraceInput input;
    bool json = false;
    bool maps = false;
    std::string map;
  };
  auto flags = std::make_shared<Flags>();
  flags->input.path.clear();  // without a trace it is this host
  CLI::App* command = app.add_subcommand(
      "programs",
      "BPF programs with functions, addresses and where they are attached: of this "
      "host, or of a trace");
  AddTraceInput(command, &flags->input);
  command->add_flag("--json", flags->json, "One JSON object");
  command->add_flag("--maps", flags->maps, "BPF maps instead, and which programs use them");
  command
      ->add_option("--map", flags->map,
                   "What this map of a trace held (record --snapshot-map), by its types")
      ->type_name("ID|NAME");
  command->callback([flags, exit_code] {
    if (!flags->map.empty()) {
      *exit_code = PrintMap(flags->input, flags->map, flags->json);
      return;
    }
    ProgramTables tables;
    if (flags->input.path.empty()) {
      const absl::Status status = LookAtHost(tables);
      *exit_code = status.ok() ? kExitSuccess : kExitFailure;
      if (!status.ok()) Warn(std::string(status.message()));
    } else {
      *exit_code = ReadTraceInput(flags->input, "programs", tables);
    }
    if (*exit_code == kExitFailure) return;
    if (flags->maps) {
      std::cout << (flags->json ? tables.MapsToJson().dump() + "\n" : tables.MapsText());
    } else {
      std::cout << (flags->json ? tables.ToJson().dump() + "\n" : tables.Text());
    }
    std::cout << std::flush;
  });
}

}  // namespace correlate
