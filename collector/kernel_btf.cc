#include "collector/kernel_btf.h"

namespace correlate {
namespace {

// Bits. Structures are nested a few deep; the kernel's BTF has no loops among anonymous ones.
std::optional<uint32_t> FindMember(const btf* types, const btf_type* type, absl::string_view name) {
  for (uint32_t i = 0; i < btf_vlen(type); ++i) {
    const btf_member* member = btf_members(type) + i;
    const absl::string_view found = btf__name_by_offset(types, member->name_off);
    const uint32_t offset = btf_member_bit_offset(type, i);
    if (found == name) return offset;
    const btf_type* inner = btf__type_by_id(types, member->type);
    if (!found.empty() || !btf_is_composite(inner)) continue;
    if (const auto within = FindMember(types, inner, name)) return offset + *within;
  }
  return std::nullopt;
}

}  // namespace

std::optional<uint32_t> PerCpuOffset(const btf* kernel, absl::string_view name) {
  const int section = btf__find_by_name_kind(kernel, ".data..percpu", BTF_KIND_DATASEC);
  if (section < 0) return std::nullopt;
  const btf_type* type = btf__type_by_id(kernel, section);
  const btf_var_secinfo* variable = btf_var_secinfos(type);
  for (uint32_t i = 0; i < btf_vlen(type); ++i, ++variable) {
    const btf_type* var = btf__type_by_id(kernel, variable->type);
    if (name == btf__name_by_offset(kernel, var->name_off)) return variable->offset;
  }
  return std::nullopt;
}

std::optional<uint32_t> MemberOffset(const btf* types, const char* structure,
                                     absl::string_view member) {
  const int id = btf__find_by_name_kind(types, structure, BTF_KIND_STRUCT);
  if (id < 0) return std::nullopt;
  const auto bits = FindMember(types, btf__type_by_id(types, static_cast<uint32_t>(id)), member);
  if (!bits.has_value()) return std::nullopt;
  return *bits / 8;
}

}  // namespace correlate
