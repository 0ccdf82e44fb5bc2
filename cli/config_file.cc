#include "cli/config_file.h"

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"

namespace correlate {

void AddConfigOption(CLI::App& command, std::string* path) {
  command
      .add_option("--config", *path,
                  "Options from this file, a line each: listen = \"127.0.0.1:9435\"; those of the\n"
                  "command line go before")
      ->type_name("FILE")
      ->configurable(false);
}

// CLI11 reads configuration files for the program as a whole only.
void ReadConfigFile(CLI::App& command, const std::string& path) {
  if (path.empty()) return;
  const auto wrong = [&path](const std::string& name, const char* why) {
    return CLI::ConfigError(absl::StrCat(path, ": ", name, why));
  };
  for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_file(path)) {
    if (item.name == "++" || item.name == "--") continue;  // CLI11's marks of sections
    CLI::Option* option = command.get_option_no_throw("--" + item.name);
    if (option == nullptr || !item.parents.empty()) {
      throw wrong(item.fullname(), ": there is no such option");
    }
    if (!option->get_configurable()) throw wrong(item.name, " cannot stand in such a file");
    if (option->count() > 0) continue;
    const bool flag = option->get_expected_min() == 0;
    for (const std::string& input : item.inputs) {
      option->add_result(flag ? option->get_flag_value(item.name, input) : input);
    }
    option->run_callback();
  }
}

}  // namespace correlate
