#include "collector/cgroup_scanner.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/stat.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/scoped_fd.h"
#include "collector/hook_query.h"
#include "collector/link_places.h"

namespace correlate {
namespace {

constexpr bpf_attach_type kTypes[] = {
    BPF_CGROUP_INET_INGRESS,      BPF_CGROUP_INET_EGRESS,     BPF_CGROUP_INET_SOCK_CREATE,
    BPF_CGROUP_INET_SOCK_RELEASE, BPF_CGROUP_SOCK_OPS,        BPF_CGROUP_INET4_BIND,
    BPF_CGROUP_INET6_BIND,        BPF_CGROUP_INET4_POST_BIND, BPF_CGROUP_INET6_POST_BIND,
    BPF_CGROUP_INET4_CONNECT,     BPF_CGROUP_INET6_CONNECT,   BPF_CGROUP_UDP4_SENDMSG,
    BPF_CGROUP_UDP6_SENDMSG,      BPF_CGROUP_UDP4_RECVMSG,    BPF_CGROUP_UDP6_RECVMSG,
};

class Walk {
 public:
  // `parent` and `name` as for openat(2); `path` is below the mount point.
  void Visit(int parent, const std::string& name, const std::string& path);
  CgroupScan scan;

 private:
  void Ask(int fd, uint64_t cgroup_id, const std::string& path);
};

void Walk::Ask(int fd, uint64_t cgroup_id, const std::string& path) {
  for (const bpf_attach_type type : kTypes) {
    const HookPrograms programs = QueryFdHook(fd, type);
    if (programs.error != 0 && scan.refused == 0) scan.refused = programs.error;
    for (size_t i = 0; i < programs.entries.size(); ++i) {
      Attachment attachment;
      attachment.hook = "cgroup";
      attachment.direction = DirectionOf(type);
      attachment.attach_type = CgroupTypeName(type);
      attachment.program_id = programs.entries[i].program_id;
      attachment.cgroup_id = cgroup_id;
      attachment.cgroup = path;
      attachment.position = static_cast<uint32_t>(i + 1);
      attachment.positions = static_cast<uint32_t>(programs.entries.size());
      scan.attachments.push_back(std::move(attachment));
    }
  }
}

void Walk::Visit(int parent, const std::string& name, const std::string& path) {
  int fd = openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return;  // gone
  // closedir(3) closes the descriptor.
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(fdopendir(fd), closedir);
  struct stat status = {};
  if (directory == nullptr || fstat(fd, &status) != 0) return;
  // On 64-bit machines the inode number is the cgroup's id (fs/kernfs, kernfs_ino).
  if (!scan.cgroup_ids.insert(status.st_ino).second) return;  // mounted twice
  Ask(fd, status.st_ino, path.empty() ? "/" : path);
  while (const dirent* entry = readdir(directory.get())) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    Visit(fd, entry->d_name, absl::StrCat(path, "/", entry->d_name));
  }
}

}  // namespace

std::vector<std::string> MountPoints(const std::string& mountinfo, const std::string& type) {
  std::vector<std::string> points;
  for (const auto line : absl::StrSplit(mountinfo, '\n')) {
    // "36 35 98:0 /root /mount/point options optional-fields - type source options"
    const std::vector<std::string> halves = absl::StrSplit(line, absl::MaxSplits(" - ", 1));
    if (halves.size() != 2) continue;
    const std::vector<std::string> fields = absl::StrSplit(halves[0], ' ');
    const std::vector<std::string> what = absl::StrSplit(halves[1], absl::MaxSplits(' ', 1));
    if (fields.size() > 4 && what[0] == type) points.push_back(fields[4]);
  }
  return points;
}

CgroupScan ScanCgroups() {
  Walk walk;
  const auto mountinfo = ReadFile("/proc/self/mountinfo");
  if (!mountinfo.ok()) return std::move(walk.scan);
  for (const std::string& point : MountPoints(*mountinfo, "cgroup2")) {
    walk.Visit(AT_FDCWD, point, "");
  }
  return std::move(walk.scan);
}

}  // namespace correlate
