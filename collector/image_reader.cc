#include "collector/image_reader.h"

#include <bpf/btf.h>
#include <linux/bpf.h>

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "collector/kernel_btf.h"
#include "collector/program_symbol.h"
#include "collector/raw_program.h"

namespace correlate {
namespace {

// Types as `bpftool prog dump` spells them: "struct __sk_buff * ".
void AppendType(const btf* types, uint32_t id, int depth, std::string* text) {
  constexpr int kDeepest = 32;  // a hostile program's BTF is checked by the kernel, not by us
  const btf_type* type = id == 0 ? nullptr : btf__type_by_id(types, id);
  if (type == nullptr || depth > kDeepest) {
    *text += "void ";
    return;
  }
  const char* name = btf__name_by_offset(types, type->name_off);
  if (name == nullptr) name = "";
  switch (btf_kind(type)) {
    case BTF_KIND_STRUCT:
      absl::StrAppend(text, "struct ", name, " ");
      return;
    case BTF_KIND_UNION:
      absl::StrAppend(text, "union ", name, " ");
      return;
    case BTF_KIND_ENUM:
    case BTF_KIND_ENUM64:
      absl::StrAppend(text, "enum ", name, " ");
      return;
    case BTF_KIND_FWD:
      absl::StrAppend(text, btf_kflag(type) ? "union " : "struct ", name, " ");
      return;
    case BTF_KIND_PTR:
      AppendType(types, type->type, depth + 1, text);
      *text += "* ";
      return;
    case BTF_KIND_ARRAY:
      AppendType(types, btf_array(type)->type, depth + 1, text);
      absl::StrAppend(text, "[", btf_array(type)->nelems, "]");
      return;
    case BTF_KIND_VOLATILE:
      *text += "volatile ";
      return AppendType(types, type->type, depth + 1, text);
    case BTF_KIND_CONST:
      *text += "const ";
      return AppendType(types, type->type, depth + 1, text);
    case BTF_KIND_RESTRICT:
      *text += "restrict ";
      return AppendType(types, type->type, depth + 1, text);
    default:
      absl::StrAppend(text, name, " ");
  }
}

std::string Prototype(const btf* types, uint32_t function_id) {
  const btf_type* function = btf__type_by_id(types, function_id);
  if (function == nullptr || !btf_is_func(function)) return "";
  const btf_type* proto = btf__type_by_id(types, function->type);
  if (proto == nullptr || !btf_is_func_proto(proto)) return "";
  std::string text;
  AppendType(types, proto->type, 0, &text);
  absl::StrAppend(&text, btf__name_by_offset(types, function->name_off), "(");
  const btf_param* parameters = btf_params(proto);
  for (uint16_t i = 0; i < btf_vlen(proto); ++i) {
    if (i > 0) text += ", ";
    if (parameters[i].type == 0) {
      text += "...";
      continue;
    }
    AppendType(types, parameters[i].type, 0, &text);
    const char* name = btf__name_by_offset(types, parameters[i].name_off);
    if (name != nullptr && *name != '\0') {
      text += name;
    } else if (text.back() == ' ') {
      text.pop_back();
    }
  }
  return text + ")";
}

std::string Text(const btf* types, uint32_t offset) {
  const char* text = types == nullptr ? nullptr : btf__str_by_offset(types, offset);
  return text == nullptr ? "" : text;
}

void ReadFunctions(const RawProgramInfo& raw, const btf* types, const std::string& name,
                   ProgramImage* image) {
  const auto infos = RecordsOf<bpf_func_info>(raw.func_info, raw.info.func_info_rec_size);
  const size_t count = std::max({size_t{1}, infos.size(), raw.jited_ksyms.size()});
  for (size_t i = 0; i < count; ++i) {
    ProgramImage::Function& function = image->functions.emplace_back();
    std::string own = name;
    if (i < infos.size() && types != nullptr) {
      function.instruction = infos[i].insn_off;
      function.prototype = Prototype(types, infos[i].type_id);
      const btf_type* type = btf__type_by_id(types, infos[i].type_id);
      if (type != nullptr) own = btf__name_by_offset(types, type->name_off);
    }
    if (i < raw.jited_ksyms.size()) function.address = raw.jited_ksyms[i];
    if (i < raw.jited_func_lens.size()) function.length_bytes = raw.jited_func_lens[i];
    // kallsyms calls the main function by the tag of the whole program.
    BpfTag tag = {};
    std::memcpy(tag.data(), raw.info.tag, tag.size());
    if (i > 0 && i < raw.prog_tags.size()) tag = raw.prog_tags[i];
    function.symbol = ProgramSymbol(tag, own);
  }
}

void ReadLines(const RawProgramInfo& raw, const btf* types, ProgramImage* image) {
  const auto infos = RecordsOf<bpf_line_info>(raw.line_info, raw.info.line_info_rec_size);
  for (size_t i = 0; i < infos.size(); ++i) {
    ProgramImage::Line& line = image->lines.emplace_back();
    line.instruction = infos[i].insn_off;
    if (i < raw.jited_line_info.size()) line.address = raw.jited_line_info[i];
    line.file = Text(types, infos[i].file_name_off);
    line.text = Text(types, infos[i].line_off);
    line.line = BPF_LINE_INFO_LINE_NUM(infos[i].line_col);
    line.column = BPF_LINE_INFO_LINE_COL(infos[i].line_col);
  }
}

// The kernel has put the distance from __bpf_call_base where a helper's number was, and that of a
// function of its own likewise (kernel/bpf/verifier.c, fixup).
void ReadCalls(const KernelText& kernel, ProgramImage* image) {
  const auto count = static_cast<uint32_t>(image->xlated.size() / sizeof(bpf_insn));
  for (uint32_t i = 0; i < count; ++i) {
    bpf_insn instruction;
    std::memcpy(&instruction, image->xlated.data() + i * sizeof instruction, sizeof instruction);
    if (instruction.code != (BPF_JMP | BPF_CALL) || instruction.src_reg == BPF_PSEUDO_CALL)
      continue;
    if (kernel.call_base == 0 || instruction.imm == 0) continue;
    const uint64_t address = kernel.call_base + static_cast<uint64_t>(int64_t{instruction.imm});
    std::string target = kernel.symbol ? kernel.symbol(address) : "";
    if (target.empty()) target = absl::StrCat("0x", absl::Hex(address));
    image->calls.push_back({i, std::move(target), address});
  }
}

BtfImage Raw(uint32_t id, const btf* types) {
  uint32_t bytes = 0;
  const void* data = btf__raw_data(types, &bytes);
  return {id, std::string(static_cast<const char*>(data), bytes)};
}

}  // namespace

absl::StatusOr<BtfImage> ReadBtf(uint32_t id) {
  const ScopedBtf types(btf__load_from_kernel_by_id(id));
  if (types == nullptr) return absl::NotFoundError(absl::StrCat("BTF ", id, " cannot be read"));
  return Raw(id, types.get());
}

absl::StatusOr<ProgramCode> ReadProgramCode(uint32_t id, const KernelText& kernel) {
  ASSIGN_OR_RETURN(const RawProgramInfo raw, ReadRawProgram(id, /*with_code=*/true));
  ProgramCode code;
  ProgramImage& image = code.image;
  image.program_id = id;
  image.load_time_ns = LoadTimeToMonotonic(raw.info.load_time);
  image.xlated.assign(raw.xlated.begin(), raw.xlated.end());
  image.jited.assign(raw.jited.begin(), raw.jited.end());
  image.btf_id = raw.info.btf_id;
  const ScopedBtf types(raw.info.btf_id == 0 ? nullptr
                                             : btf__load_from_kernel_by_id(raw.info.btf_id));
  if (types != nullptr) code.btf = Raw(raw.info.btf_id, types.get());
  const std::string name(raw.info.name, strnlen(raw.info.name, sizeof raw.info.name));
  ReadFunctions(raw, types.get(), name, &image);
  ReadLines(raw, types.get(), &image);
  ReadCalls(kernel, &image);
  return code;
}

}  // namespace correlate
