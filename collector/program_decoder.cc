#include "collector/program_decoder.h"

#include <bpf/libbpf.h>
#include <string.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace correlate {
namespace {

std::vector<ProgramFunction> Functions(const RawProgramInfo& raw, const BtfNames* names,
                                       const ProgramInfo& program) {
  const std::vector<bpf_func_info> func_info =
      RecordsOf<bpf_func_info>(raw.func_info, raw.info.func_info_rec_size);
  const size_t count = std::max({size_t{1}, raw.jited_ksyms.size(), raw.jited_func_lens.size(),
                                 raw.prog_tags.size(), func_info.size()});
  std::vector<ProgramFunction> functions(count);
  for (size_t i = 0; i < count; ++i) {
    ProgramFunction& function = functions[i];
    if (i < raw.jited_ksyms.size()) function.address = raw.jited_ksyms[i];
    if (i < raw.jited_func_lens.size()) function.length_bytes = raw.jited_func_lens[i];
    if (i < raw.prog_tags.size()) function.tag = raw.prog_tags[i];
    if (names != nullptr && i < func_info.size()) {
      function.name = names->TypeName(func_info[i].type_id);
    }
  }
  // kallsyms and the side-band call the main function by the tag of the whole program; prog_tags[0]
  // is that of the main function alone (kernel/bpf/verifier.c, jit_subprogs).
  functions[0].tag = program.tag;
  if (functions[0].name.empty()) functions[0].name = program.name;
  return functions;
}

std::vector<ProgramLine> Lines(const RawProgramInfo& raw, const BtfNames& names,
                               const std::vector<ProgramFunction>& functions) {
  const std::vector<bpf_line_info> line_info =
      RecordsOf<bpf_line_info>(raw.line_info, raw.info.line_info_rec_size);
  std::vector<std::pair<uint64_t, bpf_line_info>> by_address;
  for (size_t i = 0; i < std::min(line_info.size(), raw.jited_line_info.size()); ++i) {
    // 0: not JITed, or hidden from us.
    if (raw.jited_line_info[i] != 0) by_address.emplace_back(raw.jited_line_info[i], line_info[i]);
  }
  std::stable_sort(by_address.begin(), by_address.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });

  std::vector<ProgramLine> lines;
  for (const auto& [address, info] : by_address) {
    ProgramLine line = {address, names.String(info.file_name_off),
                        static_cast<uint32_t>(BPF_LINE_INFO_LINE_NUM(info.line_col))};
    // Two lines at one address: the first one emitted no instruction.
    if (!lines.empty() && lines.back().address == address) lines.pop_back();
    const bool starts_function = std::any_of(
        functions.begin(), functions.end(),
        [&](const ProgramFunction& function) { return function.address == line.address; });
    // Only the column changed.
    if (!lines.empty() && !starts_function && lines.back().line == line.line &&
        lines.back().file == line.file) {
      continue;
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

ProgramInfo DecodeProgram(const RawProgramInfo& raw, const BtfNames* names, uint64_t load_time_ns) {
  ProgramInfo program;
  program.id = raw.info.id;
  program.type = raw.info.type;
  const char* type_name = libbpf_bpf_prog_type_str(static_cast<bpf_prog_type>(raw.info.type));
  program.type_name = type_name != nullptr ? type_name : absl::StrCat("type_", raw.info.type);
  program.name.assign(raw.info.name, strnlen(raw.info.name, sizeof raw.info.name));
  std::copy(std::begin(raw.info.tag), std::end(raw.info.tag), program.tag.begin());
  program.load_time_ns = load_time_ns;
  program.uid = raw.info.created_by_uid;
  program.btf_id = raw.info.btf_id;
  program.map_ids = raw.map_ids;
  program.gpl_compatible = raw.info.gpl_compatible;
  program.xlated_bytes = raw.info.xlated_prog_len;
  program.jited_bytes = raw.info.jited_prog_len;
  program.memlock_bytes = raw.memlock_bytes;
  program.verified_instructions = raw.info.verified_insns;
  program.run_time_ns = raw.info.run_time_ns;
  program.run_count = raw.info.run_cnt;
  program.recursion_misses = raw.info.recursion_misses;
  program.functions = Functions(raw, names, program);
  if (names != nullptr) program.lines = Lines(raw, *names, program.functions);
  program.name = program.functions[0].name;
  program.opened = true;
  return program;
}

}  // namespace correlate
