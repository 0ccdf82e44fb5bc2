// What the kernel's BTF tells of its structures. Pure, but for loading it.
#ifndef COLLECTOR_KERNEL_BTF_H_
#define COLLECTOR_KERNEL_BTF_H_

#include <bpf/btf.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/strings/string_view.h"

namespace correlate {

struct FreeBtf {
  void operator()(btf* handle) const { btf__free(handle); }
};
using ScopedBtf = std::unique_ptr<btf, FreeBtf>;

// Bytes; also of a member of an anonymous struct or union within. nullopt: there is no such
// structure or member.
std::optional<uint32_t> MemberOffset(const btf* types, const char* structure,
                                     absl::string_view member);

// Of a variable in the kernel's per-CPU data.
std::optional<uint32_t> PerCpuOffset(const btf* kernel, absl::string_view name);

}  // namespace correlate

#endif  // COLLECTOR_KERNEL_BTF_H_
