// Tells BPF programs (record_ring.bpf.h) in which pid namespace to count. No state.
#ifndef COLLECTOR_PID_NAMESPACE_H_
#define COLLECTOR_PID_NAMESPACE_H_

#include <sys/stat.h>

namespace correlate {

// The kernel counts processes as its first namespace does, perf as the reader's. `constants`: a
// skeleton's, with pid_namespace_device and pid_namespace_inode; left at 0 in the first one.
template <typename Constants>
void TellPidNamespace(Constants* constants) {
  constexpr ino_t kFirst = 0xeffffffc;  // PROC_PID_INIT_INO, include/linux/proc_ns.h
  struct stat own = {};
  if (stat("/proc/self/ns/pid", &own) != 0 || own.st_ino == kFirst) return;
  constants->pid_namespace_device = own.st_dev;
  constants->pid_namespace_inode = own.st_ino;
}

}  // namespace correlate

#endif  // COLLECTOR_PID_NAMESPACE_H_
