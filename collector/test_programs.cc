#include "collector/test_programs.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include <iterator>

namespace correlate {
namespace {

constexpr bpf_insn MovImmediate(uint8_t reg, int32_t value) {
  return {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = reg, .imm = value};
}
constexpr bpf_insn CallSubprogram(int32_t distance) {
  return {.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = distance};
}
constexpr bpf_insn Exit() { return {.code = BPF_JMP | BPF_EXIT}; }

}  // namespace

ScopedFd LoadReturning(bpf_prog_type type, int32_t value, const std::string& name) {
  const bpf_insn code[] = {MovImmediate(BPF_REG_0, value), Exit()};
  return ScopedFd(bpf_prog_load(type, name.c_str(), "GPL", code, std::size(code), nullptr));
}

ScopedFd LoadWithSubprogram(bpf_prog_type type, int32_t value, const std::string& name) {
  btf* types = btf__new_empty();
  const int int_id = btf__add_int(types, "int", 4, BTF_INT_SIGNED);
  const int context_id = btf__add_ptr(types, 0);
  const int main_proto = btf__add_func_proto(types, int_id);
  btf__add_func_param(types, "context", context_id);
  const int callee_proto = btf__add_func_proto(types, int_id);
  const int main_id = btf__add_func(types, kSubprogramMain, BTF_FUNC_GLOBAL, main_proto);
  const int callee_id = btf__add_func(types, kSubprogramCallee, BTF_FUNC_STATIC, callee_proto);
  const int file = btf__add_str(types, kSubprogramFile);
  const int text = btf__add_str(types, "return callee_of_test();");
  uint32_t bytes = 0;
  const void* data = btf__raw_data(types, &bytes);
  const ScopedFd btf_fd(bpf_btf_load(data, bytes, nullptr));
  btf__free(types);

  const bpf_insn code[] = {CallSubprogram(1), Exit(), MovImmediate(BPF_REG_0, value), Exit()};
  const bpf_func_info functions[] = {{.insn_off = 0, .type_id = static_cast<uint32_t>(main_id)},
                                     {.insn_off = 2, .type_id = static_cast<uint32_t>(callee_id)}};
  const auto line = [&](uint32_t instruction, uint32_t number, uint32_t column) {
    return bpf_line_info{.insn_off = instruction,
                         .file_name_off = static_cast<uint32_t>(file),
                         .line_off = static_cast<uint32_t>(text),
                         .line_col = number << 10 | column};
  };
  const bpf_line_info lines[] = {line(0, 10, 3), line(1, 11, 1), line(2, 3, 2), line(3, 3, 9)};
  LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_btf_fd = static_cast<uint32_t>(btf_fd.get()),
              .func_info = functions, .func_info_cnt = std::size(functions),
              .func_info_rec_size = sizeof(bpf_func_info), .line_info = lines,
              .line_info_cnt = std::size(lines), .line_info_rec_size = sizeof(bpf_line_info));
  return ScopedFd(bpf_prog_load(type, name.c_str(), "GPL", code, std::size(code), &options));
}

uint32_t ProgramId(const ScopedFd& program) {
  bpf_prog_info info = {};
  uint32_t bytes = sizeof info;
  return bpf_prog_get_info_by_fd(program.get(), &info, &bytes) == 0 ? info.id : 0;
}

}  // namespace correlate
