// The host's table of tracepoints: tracefs wherever it is mounted, and where it is mounted nowhere,
// a detached mount of our own (fsopen, fsmount) that no other process can see and that goes when
// this object does: looking must not change the host. For the same reason /sys/kernel/debug/tracing
// is never touched unless tracefs is already there: the first access makes the kernel mount it
// (fs/debugfs, debugfs_create_automount).
//
// A Tracefs owns one directory descriptor. Reading is thread-safe.
#ifndef COLLECTOR_TRACEFS_H_
#define COLLECTOR_TRACEFS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/scoped_fd.h"

namespace correlate {

class Tracefs {
 public:
  static absl::StatusOr<Tracefs> Open();

  // The detached mount even where tracefs is mounted: what doctor and tests ask for.
  static absl::StatusOr<Tracefs> OpenDetached();

  // "group:name" of every tracepoint that can be attached to, sorted.
  absl::StatusOr<std::vector<std::string>> ListEvents() const;

  // The text of the tracepoint's `format` file.
  absl::StatusOr<std::string> ReadFormat(absl::string_view group, absl::string_view name) const;

  // What perf_event_attr.config wants for PERF_TYPE_TRACEPOINT.
  absl::StatusOr<uint64_t> EventId(absl::string_view group, absl::string_view name) const;

  // Where it was found; empty when it is a detached mount.
  const std::string& mount_point() const { return mount_point_; }

 private:
  Tracefs(ScopedFd directory, std::string mount_point)
      : directory_(std::move(directory)), mount_point_(std::move(mount_point)) {}

  absl::StatusOr<std::string> ReadEventFile(absl::string_view group, absl::string_view name,
                                            absl::string_view file) const;

  ScopedFd directory_;
  std::string mount_point_;
};

// The mount points of whole tracefs file systems in the text of a mountinfo file, in its order.
std::vector<std::string> FindTracefsMounts(absl::string_view mountinfo);

}  // namespace correlate

#endif  // COLLECTOR_TRACEFS_H_
