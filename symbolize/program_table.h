// BPF programs over time: which program and function an address belonged to at a given moment.
// Addresses are reused soon after an unload, one object loaded twice has one tag and two places,
// and unlike programs share tags: so identity is (address range, interval of time) and nothing
// else.
//
// Two sources fill it. A look (bpf_prog_info) knows everything of a program but can come too late.
// The side-band (KSYMBOL and BPF_EVENT records) misses nothing but knows only names, ids and tags.
// Looks may run ahead of the events being resolved: a range begins at the program's load time, not
// when it is added. Side-band records must come in order of time. One thread.
#ifndef SYMBOLIZE_PROGRAM_TABLE_H_
#define SYMBOLIZE_PROGRAM_TABLE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "collector/event.h"
#include "symbolize/correlated_event.h"

namespace correlate {

class ProgramTable {
 public:
  struct Place {
    const ProgramInfo* program = nullptr;  // null: known by symbol name alone
    std::string symbol;                    // "bpf_prog_TAG_name", "bpf_trampoline_..."
    std::string function;                  // empty: unknown
    std::string file;
    uint32_t line = 0;
    uint64_t offset = 0;
    FrameKind kind = FrameKind::kBpf;
  };

  // What a look saw. A program seen before gets what it lacked. Returns the entry, which lives (and
  // stays where it is) as long as the table, or until it is forgotten.
  const ProgramInfo* AddProgram(const ProgramInfo& info);
  void OnKsymbol(const KsymbolRecord& record);
  // Returns the program as now known; null for an unload of one never heard of.
  // `comm`: of the task that made the record; empty: unknown.
  const ProgramInfo* OnBpfProgram(const BpfProgramRecord& record, absl::string_view comm = "");

  // Side-band records were lost from then on: what stood anywhere may have gone and something else
  // come, until a look sees it again.
  void OnSideBandLoss(uint64_t from_ns);

  // Drops what ended before then: of no use where nothing as old is asked for any more.
  void Forget(uint64_t before_ns);

  // The place of `address` at `time_ns`; false: no BPF text known there then. `return_address`: the
  // address follows a call, so the source line is that of the instruction before it.
  bool Lookup(uint64_t address, uint64_t time_ns, bool return_address, Place* place) const;
  // The program that had this id at that time; null: unknown.
  const ProgramInfo* Find(uint32_t id, uint64_t time_ns) const;

  // Changes whenever a lookup might answer otherwise than before.
  uint64_t generation() const { return generation_; }
  std::vector<const ProgramInfo*> programs() const;
  size_t ever() const { return forgotten_ + programs_.size(); }  // those forgotten as well

 private:
  struct Range {
    uint64_t length_bytes = 0;
    uint64_t from_ns = 0;
    uint64_t to_ns = kForever;
    uint64_t doubtful_from_ns = kForever;  // from then on its end may have been missed
    std::string symbol;
    FrameKind kind = FrameKind::kBpf;
    ProgramInfo* program = nullptr;
    size_t function = 0;  // index into program->functions
  };
  using Ranges = std::multimap<uint64_t, Range>;  // by address

  Range* FindRange(uint64_t address, uint64_t time_ns);
  ProgramInfo* FindMutable(uint32_t id, uint64_t time_ns);
  ProgramInfo* FindFirst(uint32_t id);
  void AddRanges(ProgramInfo* program);
  void StoodBefore(ProgramInfo* program, const std::vector<uint64_t>& addresses);

  std::vector<std::unique_ptr<ProgramInfo>> programs_;
  absl::flat_hash_map<uint32_t, std::vector<ProgramInfo*>> by_id_;  // in order of load time
  Ranges ranges_;
  size_t forgotten_ = 0;
  // KSYMBOL records of a load whose BPF_EVENT has not come yet, by CPU: addresses.
  absl::flat_hash_map<uint32_t, std::vector<uint64_t>> pending_;
  uint64_t generation_ = 0;
};

}  // namespace correlate

#endif  // SYMBOLIZE_PROGRAM_TABLE_H_
