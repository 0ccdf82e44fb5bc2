#include "symbolize/program_table.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "collector/program_symbol.h"
#include "symbolize/kernel_symbols.h"

namespace correlate {
namespace {

// A side-band record's time and the load time of bpf_prog_info stand for one load when they are
// this close: the load time is taken when the load begins, the record is written when it ends
// (kernel/bpf/syscall.c, bpf_prog_load). Verification of a large program can take a second or more.
constexpr uint64_t kLoadTakesNs = 60'000'000'000;

// Two looks convert the load time from CLOCK_BOOTTIME with a little jitter; an id is not given
// twice within so short a time.
constexpr uint64_t kSameLoadNs = 100'000'000;

// The main function goes by the program's tag, subprograms by their own.
std::string SymbolName(const ProgramInfo& program, size_t function) {
  const ProgramFunction& f = program.functions[function];
  const BpfTag& tag = function == 0 ? program.tag : f.tag;
  const std::string name = f.name.empty() && function == 0 ? program.name : f.name;
  return ProgramSymbol(tag, name);
}

// The part of "bpf_prog_TAG_name" after the tag.
std::string FunctionOfSymbol(const std::string& symbol) {
  constexpr size_t kPrefix = sizeof("bpf_prog_0123456789abcdef_") - 1;
  return symbol.size() > kPrefix ? symbol.substr(kPrefix) : "";
}

}  // namespace

const ProgramInfo* ProgramTable::AddProgram(const ProgramInfo& info) {
  ++generation_;
  std::vector<ProgramInfo*>& same_id = by_id_[info.id];
  ProgramInfo* program = nullptr;
  for (ProgramInfo* other : same_id) {
    const uint64_t apart = other->load_time_ns > info.load_time_ns
                               ? other->load_time_ns - info.load_time_ns
                               : info.load_time_ns - other->load_time_ns;
    const bool same = other->opened ? apart < kSameLoadNs
                                    : other->load_time_ns >= info.load_time_ns &&
                                          other->load_time_ns - info.load_time_ns < kLoadTakesNs;
    if (same) program = other;
  }
  if (program == nullptr) {
    programs_.push_back(std::make_unique<ProgramInfo>(info));
    program = programs_.back().get();
    same_id.push_back(program);
    std::sort(same_id.begin(), same_id.end(), [](const ProgramInfo* a, const ProgramInfo* b) {
      return a->load_time_ns < b->load_time_ns;
    });
  } else if (!program->opened || info.opened) {
    const uint64_t unload_time_ns = std::min(program->unload_time_ns, info.unload_time_ns);
    const ProgramInfo before = std::exchange(*program, info);
    program->unload_time_ns = unload_time_ns;
    program->ours |= before.ours;
    if (info.loader_pid == 0) {
      program->loader_pid = before.loader_pid;
      program->loader_comm = before.loader_comm;
      program->loader_cgroup = before.loader_cgroup;
    }
    if (info.pins.empty()) program->pins = before.pins;
  }
  AddRanges(program);
  return program;
}

void ProgramTable::AddRanges(ProgramInfo* program) {
  for (size_t i = 0; i < program->functions.size(); ++i) {
    const ProgramFunction& function = program->functions[i];
    if (function.address == 0) continue;  // kptr_restrict hid it
    Range range;
    range.length_bytes = function.length_bytes;
    range.from_ns = program->load_time_ns;
    range.to_ns = program->unload_time_ns;
    range.symbol = SymbolName(*program, i);
    range.program = program;
    range.function = i;
    Range* known = nullptr;
    const auto [begin, end] = ranges_.equal_range(function.address);
    for (auto it = begin; it != end; ++it) {
      Range& other = it->second;
      // The same text, told by the side-band before or by an earlier look.
      if (other.program == program || (other.program == nullptr && other.from_ns <= range.to_ns &&
                                       range.from_ns <= other.to_ns)) {
        known = &other;
      }
    }
    if (known != nullptr) {
      range.to_ns = std::min(range.to_ns, known->to_ns);
      *known = std::move(range);
    } else {
      ranges_.emplace(function.address, std::move(range));
    }
  }
}

ProgramTable::Range* ProgramTable::FindRange(uint64_t address, uint64_t time_ns) {
  const auto [begin, end] = ranges_.equal_range(address);
  for (auto it = begin; it != end; ++it) {
    if (it->second.from_ns <= time_ns && time_ns <= it->second.to_ns) return &it->second;
  }
  return nullptr;
}

void ProgramTable::OnKsymbol(const KsymbolRecord& record) {
  if (!record.bpf) return;
  ++generation_;
  if (record.unregister) {
    Range* range = FindRange(record.address, record.time_ns);
    if (range != nullptr) range->to_ns = record.time_ns;
    return;
  }
  if (absl::StartsWith(record.name, "bpf_prog_")) pending_[record.cpu].push_back(record.address);
  Range* known = FindRange(record.address, record.time_ns);
  if (known != nullptr && known->program != nullptr &&
      (known->symbol == record.name || record.time_ns - known->from_ns < kLoadTakesNs)) {
    known->symbol = record.name;  // a look was faster than this record
    return;
  }
  // What stood there before ended without our hearing of it: its record was lost.
  if (known != nullptr) known->to_ns = record.time_ns;
  Range range;
  range.length_bytes = record.length_bytes;
  range.from_ns = record.time_ns;
  range.symbol = record.name;
  range.kind = BpfSymbolKind(record.name);
  ranges_.emplace(record.address, std::move(range));
}

void ProgramTable::OnSideBandLoss(uint64_t from_ns) {
  ++generation_;
  for (auto& [address, range] : ranges_) {
    if (range.to_ns == kForever) {
      range.doubtful_from_ns = std::min(range.doubtful_from_ns, from_ns);
    }
  }
}

void ProgramTable::Forget(uint64_t before_ns) {
  std::erase_if(ranges_, [&](const auto& entry) { return entry.second.to_ns < before_ns; });
  const auto ended = [&](const ProgramInfo* program) {
    return program->unload_time_ns < before_ns;
  };
  // A range may outlive its program where word of its end was lost.
  for (auto& [address, range] : ranges_) {
    if (range.program != nullptr && ended(range.program)) range.program = nullptr;
  }
  absl::erase_if(by_id_, [&](auto& entry) {
    std::erase_if(entry.second, ended);
    return entry.second.empty();
  });
  const size_t before = programs_.size();
  std::erase_if(programs_, [&](const auto& program) { return ended(program.get()); });
  forgotten_ += before - programs_.size();
  if (programs_.size() != before) ++generation_;
}

ProgramInfo* ProgramTable::FindMutable(uint32_t id, uint64_t time_ns) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  ProgramInfo* best = nullptr;
  for (ProgramInfo* program : found->second) {
    if (program->load_time_ns <= time_ns && time_ns <= program->unload_time_ns) best = program;
  }
  return best;
}

ProgramInfo* ProgramTable::FindFirst(uint32_t id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() || found->second.empty() ? nullptr : found->second.front();
}

// perf record tells without a time of what was there when it began (tools/perf/util/bpf-event.c),
// and its file may tell of the same program by its load time, too.
void ProgramTable::StoodBefore(ProgramInfo* program, const std::vector<uint64_t>& addresses) {
  for (const uint64_t address : addresses) {
    const auto [begin, end] = ranges_.equal_range(address);
    auto own = end;
    auto nameless = end;
    for (auto it = begin; it != end; ++it) {
      if (it->second.program == program) own = it;
      if (it->second.program == nullptr && it->second.from_ns == 0) nameless = it;
    }
    if (own == end || nameless == end) continue;
    own->second.from_ns = 0;
    ranges_.erase(nameless);
  }
}

const ProgramInfo* ProgramTable::OnBpfProgram(const BpfProgramRecord& record,
                                              absl::string_view comm) {
  ++generation_;
  if (!record.load) {
    ProgramInfo* program = FindMutable(record.program_id, record.time_ns);
    if (program != nullptr) program->unload_time_ns = record.time_ns;
    return program;
  }
  const std::vector<uint64_t> addresses = std::exchange(pending_[record.cpu], {});
  ProgramInfo* program = FindMutable(record.program_id, record.time_ns);
  if (program == nullptr && record.time_ns == 0) {
    program = FindFirst(record.program_id);
    if (program != nullptr) StoodBefore(program, addresses);
  }
  if (program != nullptr) {
    if (program->loader_pid == 0) program->loader_pid = record.pid;
    if (program->loader_comm.empty()) program->loader_comm = std::string(comm);
    return program;
  }

  // No look has succeeded, and perhaps none will: keep what the side-band tells.
  ProgramInfo info;
  info.id = record.program_id;
  info.type = kUnknownProgramType;
  info.tag = record.tag;
  info.load_time_ns = record.time_ns;
  info.loader_pid = record.pid;
  info.loader_comm = std::string(comm);
  std::vector<Range*> ranges;
  for (const uint64_t address : addresses) {
    Range* range = FindRange(address, record.time_ns);
    if (range == nullptr || range->program != nullptr) continue;
    ProgramFunction function;
    function.address = address;
    function.length_bytes = static_cast<uint32_t>(range->length_bytes);
    function.name = FunctionOfSymbol(range->symbol);
    info.functions.push_back(std::move(function));
    ranges.push_back(range);
  }
  if (!info.functions.empty()) {
    info.functions.front().tag = info.tag;
    info.name = info.functions.front().name;
  }
  programs_.push_back(std::make_unique<ProgramInfo>(std::move(info)));
  program = programs_.back().get();
  by_id_[record.program_id].push_back(program);
  for (size_t i = 0; i < ranges.size(); ++i) {
    ranges[i]->program = program;
    ranges[i]->function = i;
  }
  return program;
}

bool ProgramTable::Lookup(uint64_t address, uint64_t time_ns, bool return_address,
                          Place* place) const {
  // Ranges that live at the same time do not overlap, but ended ones may lie anywhere, so every
  // range that begins close enough before the address is looked at, nearest first.
  constexpr uint64_t kMostTextBytes = 8 << 20;
  for (auto it = ranges_.upper_bound(address); it != ranges_.begin();) {
    --it;
    const auto& [start, range] = *it;
    if (address - start > kMostTextBytes) return false;
    // A return address may stand right behind the function's last instruction.
    const uint64_t end = start + range.length_bytes + (return_address ? 1 : 0);
    if (address >= end || time_ns < range.from_ns || time_ns > range.to_ns) continue;
    const bool doubtful = time_ns >= range.doubtful_from_ns;
    place->program = doubtful ? nullptr : range.program;
    place->symbol = range.symbol;
    place->kind = range.kind;
    place->offset = address - start;
    place->function.clear();
    place->file.clear();
    place->line = 0;
    if (place->program == nullptr) {
      if (range.kind == FrameKind::kBpf) place->function = FunctionOfSymbol(range.symbol);
      return true;
    }
    place->function = range.program->functions[range.function].name;
    const uint64_t instruction = return_address && address > start ? address - 1 : address;
    const std::vector<ProgramLine>& lines = range.program->lines;
    const auto after = std::upper_bound(
        lines.begin(), lines.end(), instruction,
        [](uint64_t wanted, const ProgramLine& line) { return wanted < line.address; });
    if (after != lines.begin() && std::prev(after)->address >= start) {
      place->file = std::prev(after)->file;
      place->line = std::prev(after)->line;
    }
    return true;
  }
  return false;
}

const ProgramInfo* ProgramTable::Find(uint32_t id, uint64_t time_ns) const {
  return const_cast<ProgramTable*>(this)->FindMutable(id, time_ns);
}

std::vector<const ProgramInfo*> ProgramTable::programs() const {
  std::vector<const ProgramInfo*> all;
  for (const auto& program : programs_) all.push_back(program.get());
  return all;
}

}  // namespace correlate
