#include "cli/demo/scoped_netns.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/errno_status.h"
#include "base/status_macros.h"
#include "cli/demo/rtnl.h"

namespace correlate {
namespace {

constexpr char kOwnNetns[] = "/proc/thread-self/ns/net";
constexpr char kNeedsSysAdmin[] = "run as root: making network namespaces needs CAP_SYS_ADMIN";

absl::StatusOr<ScopedFd> OpenOwn() {
  ScopedFd fd(open(kOwnNetns, O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, kOwnNetns);
  return fd;
}

}  // namespace

NetnsEntry::~NetnsEntry() {
  if (back_.valid() && setns(back_.get(), CLONE_NEWNET) != 0) std::abort();
}

absl::StatusOr<ScopedNetns> ScopedNetns::Create() {
  ASSIGN_OR_RETURN(ScopedFd own, OpenOwn());
  if (unshare(CLONE_NEWNET) != 0) {
    return ErrnoStatus(errno, "network namespace", errno == EPERM ? kNeedsSysAdmin : "");
  }
  const NetnsEntry back(std::move(own));
  ASSIGN_OR_RETURN(ScopedFd made, OpenOwn());
  RETURN_IF_ERROR(SetLinkUp("lo"));
  return ScopedNetns(std::move(made));
}

absl::StatusOr<NetnsEntry> ScopedNetns::Enter() const {
  ASSIGN_OR_RETURN(ScopedFd own, OpenOwn());
  if (setns(fd_.get(), CLONE_NEWNET) != 0) {
    return ErrnoStatus(errno, "network namespace", errno == EPERM ? kNeedsSysAdmin : "");
  }
  return NetnsEntry(std::move(own));
}

absl::Status ScopedNetns::MountAt(const std::string& path) const {
  const ScopedFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  if (!file.valid()) return ErrnoStatus(errno, path);
  ASSIGN_OR_RETURN(const NetnsEntry inside, Enter());
  if (mount(kOwnNetns, path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    return ErrnoStatus(errno, absl::StrCat("mount of a network namespace at ", path));
  }
  return absl::OkStatus();
}

}  // namespace correlate
