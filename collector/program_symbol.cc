#include "collector/program_symbol.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace correlate {

std::string TagToHex(const BpfTag& tag) {
  return absl::BytesToHexString({reinterpret_cast<const char*>(tag.data()), tag.size()});
}

std::string ProgramSymbol(const BpfTag& tag, absl::string_view name) {
  return absl::StrCat("bpf_prog_", TagToHex(tag), name.empty() ? "" : "_", name);
}

}  // namespace correlate
