#include "symbolize/kernel_symbols.h"

#include <algorithm>
#include <limits>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"

namespace correlate {
namespace {

// No function of the kernel is larger; beyond it an address after the last symbol is unknown.
constexpr uint64_t kMostSymbolBytes = 1 << 20;

struct Line {
  uint64_t address = 0;
  char type = 0;
  absl::string_view name;
  absl::string_view module;
};

absl::string_view TakeWord(absl::string_view* rest) {
  size_t begin = 0;
  while (begin < rest->size() && ((*rest)[begin] == ' ' || (*rest)[begin] == '\t')) ++begin;
  size_t end = begin;
  while (end < rest->size() && (*rest)[end] != ' ' && (*rest)[end] != '\t') ++end;
  const absl::string_view word = rest->substr(begin, end - begin);
  rest->remove_prefix(end);
  return word;
}

bool ParseHex(absl::string_view word, uint64_t* value) {
  if (word.empty() || word.size() > 16) return false;
  *value = 0;
  for (const char c : word) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return false;
    *value = *value << 4 | static_cast<uint64_t>(digit);
  }
  return true;
}

bool ParseLine(absl::string_view text, Line* line) {
  if (!ParseHex(TakeWord(&text), &line->address)) return false;
  const absl::string_view type = TakeWord(&text);
  line->name = TakeWord(&text);
  if (type.size() != 1 || line->name.empty()) return false;
  line->type = type.front();
  line->module = TakeWord(&text);
  if (line->module.size() > 2 && line->module.front() == '[' && line->module.back() == ']') {
    line->module = line->module.substr(1, line->module.size() - 2);
  }
  return true;
}

}  // namespace

FrameKind BpfSymbolKind(absl::string_view name) {
  if (absl::StartsWith(name, "bpf_trampoline_")) return FrameKind::kBpfTrampoline;
  if (absl::StartsWith(name, "bpf_dispatcher_")) return FrameKind::kBpfDispatcher;
  return FrameKind::kBpf;
}

absl::StatusOr<KernelSymbols> KernelSymbols::Parse(absl::string_view kallsyms) {
  KernelSymbols symbols;
  symbols.modules_.emplace_back();
  absl::flat_hash_map<std::string, uint16_t> module_numbers = {{"", 0}};
  bool hidden = false;
  while (!kallsyms.empty()) {
    const size_t end = std::min(kallsyms.find('\n'), kallsyms.size());
    Line line;
    const bool parsed = ParseLine(kallsyms.substr(0, end), &line);
    kallsyms.remove_prefix(std::min(end + 1, kallsyms.size()));
    if (!parsed || line.name.size() > std::numeric_limits<uint16_t>::max() ||
        symbols.names_.size() > std::numeric_limits<uint32_t>::max() - line.name.size()) {
      continue;
    }
    if (line.address == 0) {
      hidden = true;
      continue;
    }
    auto module = module_numbers.find(line.module);
    if (module == module_numbers.end()) {
      if (symbols.modules_.size() > std::numeric_limits<uint16_t>::max()) continue;
      symbols.modules_.emplace_back(line.module);
      module =
          module_numbers.emplace(line.module, static_cast<uint16_t>(symbols.modules_.size() - 1))
              .first;
    }
    Entry entry;
    entry.address = line.address;
    entry.name_offset = static_cast<uint32_t>(symbols.names_.size());
    entry.name_size = static_cast<uint16_t>(line.name.size());
    entry.module = module->second;
    entry.text = line.type == 't' || line.type == 'T' || line.type == 'w' || line.type == 'W';
    entry.global = line.type == 'T' || line.type == 'W';
    symbols.names_.append(line.name.data(), line.name.size());
    symbols.entries_.push_back(entry);
  }
  if (symbols.entries_.empty() && hidden) {
    // kernel/ksyms_common.c, kallsyms_show_value
    return absl::FailedPreconditionError(
        "/proc/kallsyms shows no addresses: run as root with sysctl kernel.kptr_restrict below 2 "
        "(or with CAP_SYSLOG; without it kernel.kptr_restrict=0 and kernel.perf_event_paranoid=1 "
        "would do)");
  }
  const auto better = [](const Entry& a, const Entry& b) {
    if (a.address != b.address) return a.address < b.address;
    if (a.text != b.text) return a.text;
    return a.global && !b.global;
  };
  std::stable_sort(symbols.entries_.begin(), symbols.entries_.end(), better);
  const auto same_address = [](const Entry& a, const Entry& b) { return a.address == b.address; };
  symbols.entries_.erase(
      std::unique(symbols.entries_.begin(), symbols.entries_.end(), same_address),
      symbols.entries_.end());
  symbols.entries_.shrink_to_fit();
  symbols.names_.shrink_to_fit();
  return symbols;
}

absl::string_view KernelSymbols::Name(const Entry& entry) const {
  return absl::string_view(names_).substr(entry.name_offset, entry.name_size);
}

std::optional<KernelSymbols::Symbol> KernelSymbols::Lookup(uint64_t address) const {
  const auto after =
      std::upper_bound(entries_.begin(), entries_.end(), address,
                       [](uint64_t wanted, const Entry& entry) { return wanted < entry.address; });
  if (after == entries_.begin()) return std::nullopt;
  const Entry& entry = *std::prev(after);
  Symbol symbol;
  symbol.offset = address - entry.address;
  if (!entry.text || symbol.offset >= kMostSymbolBytes) return std::nullopt;
  symbol.name = Name(entry);
  const std::string& module = modules_[entry.module];
  if (module == "bpf") {
    symbol.kind = BpfSymbolKind(symbol.name);
  } else if (!module.empty()) {
    symbol.module = module;
    symbol.kind = FrameKind::kModule;
  }
  return symbol;
}

std::vector<KernelSymbols::TextRange> KernelSymbols::FindText(absl::string_view function) const {
  std::vector<TextRange> found;
  for (size_t i = 0; i + 1 < entries_.size(); ++i) {
    if (!entries_[i].text) continue;
    const absl::string_view name = Name(entries_[i]);
    if (name.substr(0, name.find('.')) != function) continue;
    const uint64_t begin = entries_[i].address;
    found.push_back({begin, begin + std::min(entries_[i + 1].address - begin, kMostSymbolBytes)});
  }
  return found;
}

}  // namespace correlate
