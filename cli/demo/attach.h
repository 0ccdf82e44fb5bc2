// Attaches BPF programs to devices of the calling thread's network namespace, over netlink and
// without a bpf_link: what is attached goes with the device.
#ifndef CLI_DEMO_ATTACH_H_
#define CLI_DEMO_ATTACH_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace correlate {

enum class TcDirection { kIngress, kEgress };

// A direct-action cls_bpf filter. The device needs its clsact qdisc first.
absl::Status AddClsact(const std::string& link);
absl::Status AttachTc(const std::string& link, TcDirection direction, uint32_t pref,
                      int program_fd);

enum class XdpMode { kNative, kGeneric };
absl::Status AttachXdp(const std::string& link, XdpMode mode, int program_fd);

// libbpf would print its troubles to stderr; our own messages say them. For the process.
void SilenceLibbpf();

}  // namespace correlate

#endif  // CLI_DEMO_ATTACH_H_
