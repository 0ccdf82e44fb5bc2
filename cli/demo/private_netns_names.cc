#include "cli/demo/private_netns_names.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/scoped_fd.h"
#include "base/status_macros.h"

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

// Slave, not private: what the host unmounts goes here too. The copies of its mounts would
// otherwise keep namespaces and file systems alive until this process ends.
absl::Status KeepMountsFromHost() {
  constexpr unsigned long kSlave = MS_SLAVE | MS_REC;
  if (mount(nullptr, "/", nullptr, kSlave, nullptr) == 0) return absl::OkStatus();
  if (errno != EINVAL) return ErrnoStatus(errno, "mount propagation");
  // "/" is no mount point, so this is a chroot, and only a mount point's propagation can be changed
  // (fs/namespace.c, do_change_type). Entering the namespace where we are leads to its true root
  // (mntns_install); from there back to where we were.
  const ScopedFd root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const ScopedFd folder(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const ScopedFd mounts(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!root.valid() || !folder.valid() || !mounts.valid() ||
      setns(mounts.get(), CLONE_NEWNS) != 0) {
    return ErrnoStatus(errno, "mount propagation in a chroot");
  }
  const int error = mount(nullptr, "/", nullptr, kSlave, nullptr) == 0 ? 0 : errno;
  if (fchdir(root.get()) != 0 || chroot(".") != 0 || fchdir(folder.get()) != 0) {
    return ErrnoStatus(errno, "going back into the chroot");
  }
  return error == 0 ? absl::OkStatus() : ErrnoStatus(error, "mount propagation in a chroot");
}

}  // namespace

absl::Status CoverNetnsNames() {
  if (unshare(CLONE_NEWNS) != 0) {
    return ErrnoStatus(errno, "mount namespace",
                       errno == EPERM ? "run as root: making namespaces needs CAP_SYS_ADMIN" : "");
  }
  RETURN_IF_ERROR(KeepMountsFromHost());
  struct stat info;
  if (stat(kNames, &info) == 0) return Cover(kNames);
  if (absl::Status covered = Cover(kRun); !covered.ok()) return covered;
  if (mkdir(kNames, 0755) != 0) return ErrnoStatus(errno, kNames);
  return absl::OkStatus();
}

std::string NetnsNamePath(absl::string_view name) { return absl::StrCat(kNames, "/", name); }

}  // namespace correlate
