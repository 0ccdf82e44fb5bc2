// --config FILE of a command: its long options from a file, a line each (TOML, as CLI11 reads it).
// What the command line says goes before.
#ifndef CLI_CONFIG_FILE_H_
#define CLI_CONFIG_FILE_H_

#include <CLI/App.hpp>
#include <string>

namespace correlate {

// To be added before the options are used; they are complete in the command's callback once
// ReadConfigFile returned.
void AddConfigOption(CLI::App& command, std::string* path);
// Throws CLI::ParseError, which says what is wrong with the file.
void ReadConfigFile(CLI::App& command, const std::string& path);

}  // namespace correlate

#endif  // CLI_CONFIG_FILE_H_
