#include "collector/cgroup_paths.h"

#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/files.h"

namespace correlate {
namespace {

// The first cgroup2 tree of this mount namespace. /proc/self/mounts: proc(5).
std::string FindMount() {
  const auto mounts = ReadFile("/proc/self/mounts");
  if (!mounts.ok()) return "";
  for (const absl::string_view line : absl::StrSplit(*mounts, '\n')) {
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
    if (words.size() > 2 && words[2] == "cgroup2") return std::string(words[1]);
  }
  return "";
}

// include/linux/exportfs.h, FILEID_KERNFS: eight bytes, the id.
constexpr int kKernfsHandle = 0xfe;

}  // namespace

CgroupPaths::CgroupPaths() : mount_(FindMount()) {
  if (mount_.empty()) return;
  mount_fd_ = ScopedFd(open(mount_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

std::string CgroupPaths::Ask(uint64_t id) const {
  if (!mount_fd_.valid() || id == 0) return "";
  alignas(file_handle) char bytes[sizeof(file_handle) + sizeof id] = {};
  auto* handle = reinterpret_cast<file_handle*>(bytes);
  handle->handle_bytes = sizeof id;
  handle->handle_type = kKernfsHandle;
  std::memcpy(handle->f_handle, &id, sizeof id);
  const ScopedFd fd(open_by_handle_at(mount_fd_.get(), handle, O_RDONLY | O_PATH | O_CLOEXEC));
  if (!fd.valid()) return "";
  char path[PATH_MAX];
  const ssize_t size =
      readlink(absl::StrCat("/proc/self/fd/", fd.get()).c_str(), path, sizeof path);
  if (size <= 0) return "";
  absl::string_view found(path, static_cast<size_t>(size));
  if (found.substr(0, mount_.size()) != mount_) return "";
  found.remove_prefix(mount_.size());
  return found.empty() ? "/" : std::string(found);
}

const std::string& CgroupPaths::Find(uint64_t id) {
  const auto [entry, is_new] = paths_.try_emplace(id);
  if (is_new) entry->second = Ask(id);
  return entry->second;
}

}  // namespace correlate
