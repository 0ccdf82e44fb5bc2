#include "cli/manual_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/version.h"
#include "cli/examples.h"
#include "cli/exit_codes.h"
#include "cli/privileges.h"
#include "export/export_format.h"
#include "export/protobuf_tables.h"
#include "render/text.h"

namespace correlate {
namespace {

std::vector<CLI::App*> Commands(CLI::App& app) {
  return app.get_subcommands([](CLI::App* command) { return !command->get_name().empty(); });
}

std::vector<std::string> OptionNames(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// Options whose values are known words.
const std::vector<std::pair<std::string, std::string>>& KnownValues() {
  static const auto* const values = new std::vector<std::pair<std::string, std::string>>{
      {"--stacks", "all adaptive none"},
      {"--attribution", "auto verdict off"},
      {"--table", absl::StrJoin(ProtobufTables(), " ")},
      {"--print-schema", "proto clickhouse"},
      {"--redact", "addresses names keys addresses,names,keys"},
      {"--format", absl::StrCat(absl::StrJoin(ExportFormats(), " ",
                                              [](std::string* out, const ExportFormat& format) {
                                                absl::StrAppend(out, format.name);
                                              }),
                                " trace")}};
  return *values;
}

std::string OneLine(const std::string& text) {
  return std::string(absl::StripAsciiWhitespace(
      absl::StrReplaceAll(text.substr(0, text.find(". ")), {{"\n", " "}})));
}

std::string BashCompletion(CLI::App& app) {
  std::string names;
  std::string cases;
  for (CLI::App* command : Commands(app)) {
    absl::StrAppend(&names, names.empty() ? "" : " ", command->get_name());
    absl::StrAppend(&cases, "    ", command->get_name(), ") words='",
                    absl::StrJoin(OptionNames(*command), " "), "' ;;\n");
  }
  std::string values;
  for (const auto& [option, words] : KnownValues()) {
    absl::StrAppend(&values, "    ", option, ") COMPREPLY=($(compgen -W '", words,
                    "' -- \"$current\")); return ;;\n");
  }
  return absl::StrCat(
      "# bash completion for bpftrace-correlate\n"
      "_bpftrace_correlate() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words=\n"
      "  if ((COMP_CWORD == 1)); then\n"
      "    COMPREPLY=($(compgen -W '",
      names,
      " --help --version' -- \"$current\"))\n"
      "    return\n"
      "  fi\n"
      "  case $previous in\n",
      values,
      "  esac\n"
      "  if [[ $current != -* ]]; then\n"
      "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
      "    return\n"
      "  fi\n"
      "  case ${COMP_WORDS[1]} in\n",
      cases,
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "}\n"
      "complete -o filenames -F _bpftrace_correlate bpftrace-correlate\n");
}

std::string ZshCompletion(CLI::App& app) {
  std::string commands;
  std::string cases;
  for (CLI::App* command : Commands(app)) {
    const std::string help =
        absl::StrReplaceAll(OneLine(command->get_description()), {{":", "\\:"}});
    absl::StrAppend(&commands, "    ", SingleQuoted(command->get_name() + ":" + help), "\n");
    absl::StrAppend(&cases, "    ", command->get_name(), ") _values -w option ");
    for (const std::string& name : OptionNames(*command))
      absl::StrAppend(&cases, SingleQuoted(name), " ");
    absl::StrAppend(&cases, ";;\n");
  }
  return absl::StrCat(
      "#compdef bpftrace-correlate\n"
      "_bpftrace_correlate() {\n"
      "  local -a commands=(\n",
      commands,
      "  )\n"
      "  if ((CURRENT == 2)); then\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  if [[ $words[CURRENT] != -* ]]; then\n"
      "    _files\n"
      "    return\n"
      "  fi\n"
      "  case $words[2] in\n",
      cases,
      "  esac\n"
      "}\n"
      "_bpftrace_correlate \"$@\"\n");
}

std::string FishCompletion(CLI::App& app) {
  std::string text = "# fish completion for bpftrace-correlate\n";
  for (CLI::App* command : Commands(app)) {
    absl::StrAppend(&text, "complete -c bpftrace-correlate -f -n __fish_use_subcommand -a ",
                    command->get_name(), " -d ", SingleQuoted(OneLine(command->get_description())),
                    "\n");
    for (const CLI::Option* option : command->get_options()) {
      std::string line =
          absl::StrCat("complete -c bpftrace-correlate -n '__fish_seen_subcommand_from ",
                       command->get_name(), "'");
      if (option->get_lnames().empty() && option->get_snames().empty()) continue;
      for (const std::string& name : option->get_snames()) absl::StrAppend(&line, " -s ", name);
      for (const std::string& name : option->get_lnames()) absl::StrAppend(&line, " -l ", name);
      if (option->get_items_expected_max() > 0) line += " -r";
      for (const auto& [known, words] : KnownValues()) {
        const auto& names = option->get_lnames();
        if (!names.empty() && "--" + names.front() == known) {
          absl::StrAppend(&line, " -a '", words, "'");
        }
      }
      absl::StrAppend(&text, line, " -d ", SingleQuoted(OneLine(option->get_description())), "\n");
    }
  }
  return text;
}

// Text for troff: nothing in it is a request or an escape.
std::string Troff(const std::string& text) {
  std::string result;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    std::string safe = absl::StrReplaceAll(line, {{"\\", "\\e"}, {"-", "\\-"}, {"'", "\\(aq"}});
    if (absl::StartsWith(safe, ".")) safe = "\\&" + safe;
    absl::StrAppend(&result, result.empty() ? "" : "\n", safe);
  }
  return result;
}

std::string ManualExamples(const std::string& command) {
  std::string text;
  for (const Example& example : ExamplesOf(command)) {
    absl::StrAppend(&text, ".TP\n.B ", Troff("bpftrace-correlate " + example.arguments), "\n",
                    Troff(example.meaning), "\n");
  }
  return text.empty() ? "" : ".SH EXAMPLES\n" + text;
}

std::string ManualPrivileges(const std::string& command) {
  const absl::Span<const Privilege> privileges = PrivilegesOf(command);
  std::string text = ".SH CAPABILITIES\n";
  if (privileges.empty()) return text + "None is needed.\n";
  if (command == "programs") text += "None is needed to read a trace. Of a live host:\n";
  for (const Privilege& privilege : privileges) {
    absl::StrAppend(&text, ".TP\n.B ", privilege.capability,
                    "\nwithout: ", Troff(std::string(privilege.without)), "\n");
  }
  return text;
}

std::string ManualOf(CLI::App& command) {
  const std::string name = absl::StrCat("bpftrace-correlate-", command.get_name());
  std::string text =
      absl::StrCat(".TH ", absl::AsciiStrToUpper(name), " 1 \"\" \"bpftrace-correlate ", kVersion,
                   "\"\n.SH NAME\n", Troff(name), " \\- ",
                   Troff(OneLine(command.get_description())), "\n.SH SYNOPSIS\n.B ",
                   Troff("bpftrace-correlate " + command.get_name()), "\n[\\fIoptions\\fR]");
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    absl::StrAppend(&text, " \\fI", Troff(option->get_name(true)), "\\fR");
  }
  absl::StrAppend(&text, "\n.SH DESCRIPTION\n", Troff(command.get_description()),
                  "\n.SH OPTIONS\n");
  for (const CLI::Option* option : command.get_options()) {
    const std::string type = option->get_items_expected_max() > 0 ? option->get_type_name() : "";
    absl::StrAppend(&text, ".TP\n.B ", Troff(option->get_name(false, true)),
                    type.empty() ? "" : " \\fI" + Troff(type) + "\\fR", "\n",
                    Troff(option->get_description()), "\n");
    if (!option->get_default_str().empty()) {
      absl::StrAppend(&text, "(", Troff(option->get_default_str()), ")\n");
    }
  }
  return absl::StrCat(text, ManualExamples(command.get_name()),
                      ManualPrivileges(command.get_name()),
                      ".SH EXIT STATUS\n0 success, 1 failure, 2 bad usage, 3 findings (with "
                      "\\-\\-exit\\-code), 4 the trace is damaged or cut short.\n.SH SEE ALSO\n.BR "
                      "bpftrace\\-correlate (1)\n");
}

std::string Manual(CLI::App& app) {
  std::string text =
      absl::StrCat(".TH BPFTRACE-CORRELATE 1 \"\" \"bpftrace-correlate ", kVersion,
                   "\"\n.SH NAME\nbpftrace\\-correlate \\- which BPF program dropped or "
                   "broke this packet\n.SH SYNOPSIS\n.B bpftrace\\-correlate\n\\fICOMMAND\\fR "
                   "[\\fIoptions\\fR]\n.SH DESCRIPTION\n",
                   Troff(app.get_description()), "\n.SH COMMANDS\n");
  std::string also;
  for (CLI::App* command : Commands(app)) {
    absl::StrAppend(&text, ".TP\n.B ", Troff(command->get_name()), "\n",
                    Troff(OneLine(command->get_description())), "\n");
    absl::StrAppend(&also, also.empty() ? "" : ",\n", ".BR ",
                    Troff("bpftrace-correlate-" + command->get_name()), " (1)");
  }
  return absl::StrCat(text, ".SH SEE ALSO\n", also, "\n");
}

}  // namespace

void AddManualCommands(CLI::App& app, int* exit_code) {
  auto shell = std::make_shared<std::string>();
  CLI::App* completion =
      app.add_subcommand("completion", "What a shell completes: bash, zsh or fish");
  completion->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->callback([&app, shell, exit_code] {
    std::cout << (*shell == "bash"  ? BashCompletion(app)
                  : *shell == "zsh" ? ZshCompletion(app)
                                    : FishCompletion(app))
              << std::flush;
    *exit_code = std::cout.good() ? kExitSuccess : kExitFailure;
  });
  auto name = std::make_shared<std::string>();
  CLI::App* manual =
      app.add_subcommand("manual", "The manual page, or that of one command, for man(1)");
  manual->add_option("COMMAND", *name, "Of which; without it the page over all");
  manual->callback([&app, name, exit_code] {
    *exit_code = kExitSuccess;
    if (name->empty()) {
      std::cout << Manual(app) << std::flush;
      return;
    }
    const std::vector<CLI::App*> commands = Commands(app);
    const auto command = std::find_if(commands.begin(), commands.end(), [&](const CLI::App* one) {
      return one->get_name() == *name;
    });
    if (command == commands.end()) {
      std::cerr << "bpftrace-correlate manual: there is no command " << *name << "\n";
      *exit_code = kExitUsage;
      return;
    }
    std::cout << ManualOf(**command) << std::flush;
  });
  for (CLI::App* command : Commands(app)) {
    std::string text;
    for (const Example& example : ExamplesOf(command->get_name())) {
      absl::StrAppend(&text, text.empty() ? "Examples:\n" : "\n", "  bpftrace-correlate ",
                      example.arguments, "\n      ", example.meaning);
    }
    command->footer(text);
  }
}

}  // namespace correlate
