#include "collector/hook_query.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

namespace correlate {
namespace {

constexpr uint32_t kUsualPrograms = 16;  // on one hook; more are asked for again

HookPrograms Query(int target, bpf_attach_type type, bool with_links) {
  HookPrograms programs;
  std::vector<uint32_t> program_ids(kUsualPrograms);
  std::vector<uint32_t> link_ids(kUsualPrograms);
  LIBBPF_OPTS(bpf_prog_query_opts, options);
  for (;;) {
    options.prog_ids = program_ids.data();
    if (with_links) options.link_ids = link_ids.data();
    options.prog_cnt = static_cast<uint32_t>(program_ids.size());
    const int result = bpf_prog_query_opts(target, type, &options);
    programs.error = -result;
    if (result != -ENOSPC || options.prog_cnt <= program_ids.size()) break;
    program_ids.assign(options.prog_cnt, 0);
    link_ids.assign(options.prog_cnt, 0);
  }
  if (programs.error != 0) return programs;
  const size_t count = std::min<size_t>(options.prog_cnt, program_ids.size());
  for (size_t i = 0; i < count; ++i) programs.entries.push_back({program_ids[i], link_ids[i]});
  return programs;
}

}  // namespace

HookPrograms QueryDeviceHook(uint32_t ifindex, bpf_attach_type type) {
  return Query(static_cast<int>(ifindex), type, /*with_links=*/true);
}

HookPrograms QueryFdHook(int fd, bpf_attach_type type) {
  return Query(fd, type, /*with_links=*/false);
}

}  // namespace correlate
