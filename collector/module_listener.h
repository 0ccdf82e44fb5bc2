// Hears that modules of the kernel came or went, through the kernel's uevents
// (lib/kobject_uevent.c; drivers/base and kernel/module send them). They reach only network
// namespaces that the initial user namespace owns. One thread.
#ifndef COLLECTOR_MODULE_LISTENER_H_
#define COLLECTOR_MODULE_LISTENER_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/scoped_fd.h"

namespace correlate {

// True for a uevent of a module: "add@/module/NAME", then variables, each ended by a NUL.
bool IsModuleUevent(absl::string_view message);

class ModuleListener {
 public:
  static absl::StatusOr<ModuleListener> Open();

  int fd() const { return socket_.get(); }
  // Takes what has come, without blocking. True if a module came or went, or may have: something
  // was lost.
  bool Read();

 private:
  ModuleListener() = default;

  ScopedFd socket_;
};

}  // namespace correlate

#endif  // COLLECTOR_MODULE_LISTENER_H_
