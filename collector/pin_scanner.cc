#include "collector/pin_scanner.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <mntent.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>
#include <system_error>

#include "base/scoped_fd.h"
#include "collector/bpf_loading.h"

namespace correlate {
namespace {

constexpr size_t kMostFiles = 10'000;

// getmntent(3) also undoes what the kernel does to spaces in paths.
std::set<std::string> BpfFileSystems() {
  std::set<std::string> paths;
  const std::unique_ptr<FILE, int (*)(FILE*)> mounts(setmntent("/proc/self/mounts", "re"),
                                                     endmntent);
  if (mounts == nullptr) return paths;
  mntent entry;
  char text[4096];
  while (getmntent_r(mounts.get(), &entry, text, sizeof text) != nullptr) {
    // Something else may have been mounted over it since.
    struct statfs found;
    if (std::strcmp(entry.mnt_type, "bpf") == 0 && statfs(entry.mnt_dir, &found) == 0 &&
        static_cast<uint64_t>(found.f_type) == BPF_FS_MAGIC) {
      paths.insert(entry.mnt_dir);
    }
  }
  return paths;
}

// 0: no program is pinned there, or it may not be opened.
uint32_t ProgramAt(const std::string& path) {
  const ScopedFd pinned(bpf_obj_get(path.c_str()));
  if (!pinned.valid()) return 0;
  // Maps and links are pinned too, and their info has other sizes: what it is, the link says.
  std::error_code error;
  const auto target =
      std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(pinned.get()), error);
  if (error || target != "anon_inode:bpf-prog") return 0;
  return ProgramIdOf(pinned.get());
}

}  // namespace

std::map<uint32_t, std::vector<std::string>> ScanPins() {
  std::map<uint32_t, std::vector<std::string>> pins;
  size_t files = 0;
  for (const std::string& root : BpfFileSystems()) {
    std::error_code error;
    std::filesystem::recursive_directory_iterator at(
        root, std::filesystem::directory_options::skip_permission_denied, error);
    for (; !error && at != std::filesystem::recursive_directory_iterator(); at.increment(error)) {
      std::error_code vanished;
      if (!at->is_regular_file(vanished)) continue;
      if (++files > kMostFiles) break;
      const std::string path = at->path().string();
      if (const uint32_t id = ProgramAt(path); id != 0) pins[id].push_back(path);
    }
  }
  for (auto& [id, paths] : pins) std::sort(paths.begin(), paths.end());
  return pins;
}

}  // namespace correlate
