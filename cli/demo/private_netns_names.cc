#include "cli/demo/private_netns_names.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"

namespace correlate {
namespace {

constexpr char kRun[] = "/run";
constexpr char kNames[] = "/run/netns";

absl::Status Cover(const char* path) {
  if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755") != 0) {
    return ErrnoStatus(errno, absl::StrCat("mount over ", path, ", for this process alone"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CoverNetnsNames() {
  if (unshare(CLONE_NEWNS) != 0) {
    return ErrnoStatus(errno, "mount namespace",
                       errno == EPERM ? "run as root: making namespaces needs CAP_SYS_ADMIN" : "");
  }
  // Slave, not private: what the host unmounts goes here too. The copies of its mounts would
  // otherwise keep namespaces and file systems alive until this process ends.
  if (mount(nullptr, "/", nullptr, MS_SLAVE | MS_REC, nullptr) != 0) {
    return ErrnoStatus(errno, "mount propagation");
  }
  struct stat info;
  if (stat(kNames, &info) == 0) return Cover(kNames);
  if (absl::Status covered = Cover(kRun); !covered.ok()) return covered;
  if (mkdir(kNames, 0755) != 0) return ErrnoStatus(errno, kNames);
  return absl::OkStatus();
}

std::string NetnsNamePath(absl::string_view name) { return absl::StrCat(kNames, "/", name); }

}  // namespace correlate
