#include "collector/tracefs.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/errno_status.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "collector/host_facts.h"

namespace correlate {
namespace {

// mountinfo writes space, tab, newline and backslash as three octal digits (proc(5)).
std::string UnescapeMountPath(absl::string_view escaped) {
  std::string path;
  for (size_t i = 0; i < escaped.size(); ++i) {
    const auto digit = [&](size_t at) { return escaped[i + at] >= '0' && escaped[i + at] <= '7'; };
    if (escaped[i] == '\\' && i + 3 < escaped.size() && digit(1) && digit(2) && digit(3)) {
      path.push_back(static_cast<char>((escaped[i + 1] - '0') * 64 + (escaped[i + 2] - '0') * 8 +
                                       (escaped[i + 3] - '0')));
      i += 3;
    } else {
      path.push_back(escaped[i]);
    }
  }
  return path;
}

absl::string_view DetachedMountAdvice(int error) {
  switch (error) {
    case EPERM:
    case EACCES:
      return "it is mounted nowhere, and a private mount needs CAP_SYS_ADMIN: run as root, or have "
             "root run `mount -t tracefs tracefs /sys/kernel/tracing`";
    case ENOSYS:
      return "it is mounted nowhere, and private mounts need Linux 5.2: as root run "
             "`mount -t tracefs tracefs /sys/kernel/tracing`";
    case ENODEV:
      return "this kernel was built without tracing (CONFIG_TRACING)";
    default:
      return "as root run `mount -t tracefs tracefs /sys/kernel/tracing`";
  }
}

absl::string_view ReadAdvice(int error) {
  return error == EPERM || error == EACCES
             ? "tracefs belongs to root: run as root, or give CAP_DAC_READ_SEARCH (a kernel locked "
               "down for confidentiality refuses everybody)"
             : "";
}

// A name as it stands in a path: no way out of the events directory.
bool IsPathComponent(absl::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == name.npos &&
         name.find('\0') == name.npos;
}

}  // namespace

std::vector<std::string> FindTracefsMounts(absl::string_view mountinfo) {
  std::vector<std::string> mounts;
  for (const absl::string_view line : absl::StrSplit(mountinfo, '\n')) {
    // id parent major:minor ROOT MOUNT_POINT options [optional fields] - TYPE source super-options
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ', absl::SkipEmpty());
    const auto separator = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 6 || fields.end() - separator < 2 || separator - fields.begin() < 6) {
      continue;
    }
    if (separator[1] != "tracefs" || fields[3] != "/") continue;
    mounts.push_back(UnescapeMountPath(fields[4]));
  }
  return mounts;
}

absl::StatusOr<Tracefs> Tracefs::Open() {
  ASSIGN_OR_RETURN(const std::string mountinfo, ReadFile("/proc/self/mountinfo"));
  absl::Status refused;
  for (const std::string& mount_point : FindTracefsMounts(mountinfo)) {
    ScopedFd directory(open(mount_point.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const std::string events = absl::StrCat(mount_point, "/events");
    // Reachable counts, not listed: another mount may lie on top of it, and its mode may keep us
    // out.
    if (!directory.valid() || faccessat(directory.get(), "events", X_OK, AT_EACCESS) != 0) {
      const int error = errno;
      if (refused.ok()) refused = ErrnoStatus(error, events, ReadAdvice(error));
      continue;
    }
    return Tracefs(std::move(directory), mount_point);
  }
  absl::StatusOr<Tracefs> detached = OpenDetached();
  if (!detached.ok() && !refused.ok()) return refused;
  return detached;
}

absl::StatusOr<Tracefs> Tracefs::OpenDetached() {
  const ScopedFd context(fsopen("tracefs", FSOPEN_CLOEXEC));
  if (!context.valid()) {
    const int error = errno;
    return ErrnoStatus(error, "tracefs (the kernel's tracepoints)", DetachedMountAdvice(error));
  }
  if (fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    const int error = errno;
    return ErrnoStatus(error, "tracefs (the kernel's tracepoints)", DetachedMountAdvice(error));
  }
  ScopedFd directory(fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
  if (!directory.valid()) {
    const int error = errno;
    return ErrnoStatus(error, "a private mount of tracefs", DetachedMountAdvice(error));
  }
  return Tracefs(std::move(directory), "");
}

absl::StatusOr<std::vector<std::string>> Tracefs::ListEvents() const {
  absl::StatusOr<std::string> text = ReadFileAt(directory_.get(), "available_events");
  if (!text.ok()) {
    const bool locked = absl::IsPermissionDenied(text.status()) && IsLockedDown();
    return absl::Status(
        text.status().code(),
        locked ? "tracefs is closed, to root too: the kernel is locked down (kernel_lockdown(7)); "
                 "boot without lockdown=confidentiality"
               : absl::StrCat("tracefs: ", text.status().message(),
                              "; the list of tracepoints belongs to root"));
  }
  std::vector<std::string> events = absl::StrSplit(*text, '\n', absl::SkipWhitespace());
  std::sort(events.begin(), events.end());
  events.erase(std::unique(events.begin(), events.end()), events.end());
  return events;
}

absl::StatusOr<std::string> Tracefs::ReadEventFile(absl::string_view group, absl::string_view name,
                                                   absl::string_view file) const {
  if (!IsPathComponent(group) || !IsPathComponent(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", group, ":", name, "' is no name of a tracepoint"));
  }
  absl::StatusOr<std::string> text =
      ReadFileAt(directory_.get(), absl::StrCat("events/", group, "/", name, "/", file));
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(
        absl::StrCat("tracepoint ", group, ":", name, ": this host has none of that name"));
  }
  if (!text.ok()) {
    return absl::Status(text.status().code(), absl::StrCat("tracepoint ", group, ":", name, ": ",
                                                           text.status().message()));
  }
  return text;
}

absl::StatusOr<std::string> Tracefs::ReadFormat(absl::string_view group,
                                                absl::string_view name) const {
  return ReadEventFile(group, name, "format");
}

absl::StatusOr<uint64_t> Tracefs::EventId(absl::string_view group, absl::string_view name) const {
  ASSIGN_OR_RETURN(const std::string text, ReadEventFile(group, name, "id"));
  uint64_t id = 0;
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &id)) {
    return absl::InternalError(
        absl::StrCat("tracepoint ", group, ":", name, ": its id file holds '", text, "'"));
  }
  return id;
}

}  // namespace correlate
