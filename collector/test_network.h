// Devices, qdiscs and filters in the network namespace that the caller is in, for tests that need
// real ones. Call it in a child process with a namespace of its own (test_child.h): all of it goes
// with the child. Every function returns whether the kernel agreed.
#ifndef COLLECTOR_TEST_NETWORK_H_
#define COLLECTOR_TEST_NETWORK_H_

#include <cstdint>
#include <string>

#include "base/scoped_fd.h"
#include "collector/rtnetlink.h"

namespace correlate {

// A fresh network namespace for this process, with its loopback device down.
bool EnterNewNetns();

// Two joined devices, both down.
bool AddVethPair(const std::string& name, const std::string& peer);

bool AddClsact(uint32_t ifindex);

// A cls_bpf filter in direct action.
bool AddBpfFilter(uint32_t ifindex, TcHook hook, uint32_t chain, uint32_t pref, uint32_t handle,
                  const ScopedFd& program);

// A filter of another classifier, which matches everything and does nothing.
bool AddU32Filter(uint32_t ifindex, TcHook hook, uint32_t pref);

}  // namespace correlate

#endif  // COLLECTOR_TEST_NETWORK_H_
