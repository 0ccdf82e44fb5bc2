// Writes the kernel's real answers to rtnetlink's dumps into testdata/, from which the parser's
// test reads them: bazel run //collector:record_rtnetlink -- DIRECTORY (as root). The scene lives
// in a network namespace of this process's own.
#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "collector/rtnetlink.h"
#include "collector/test_network.h"
#include "collector/test_programs.h"

namespace correlate {
namespace {

// Every datagram of the answer, one after the other.
bool Record(const std::string& path, const std::vector<uint8_t>& request) {
  mnl_socket* socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
  FILE* file = fopen(path.c_str(), "wb");
  if (socket == nullptr || file == nullptr ||
      mnl_socket_sendto(socket, request.data(), request.size()) < 0) {
    return false;
  }
  bool done = false;
  while (!done) {
    alignas(8) char datagram[65536];
    const ssize_t bytes = mnl_socket_recvfrom(socket, datagram, sizeof datagram);
    if (bytes <= 0 || fwrite(datagram, 1, static_cast<size_t>(bytes), file) != bytes) return false;
    int left = static_cast<int>(bytes);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(datagram);
         mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      done |= message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR;
    }
  }
  mnl_socket_close(socket);
  return fclose(file) == 0;
}

int Main(const std::string& directory) {
  if (!EnterNewNetns() || !AddVethPair("generic", "native")) return 1;
  const uint32_t generic = if_nametoindex("generic");
  const uint32_t native = if_nametoindex("native");
  const ScopedFd xdp = LoadReturning(BPF_PROG_TYPE_XDP, 2, "xdp");
  const ScopedFd tc = LoadReturning(BPF_PROG_TYPE_SCHED_CLS, 0, "tc");
  if (bpf_xdp_attach(static_cast<int>(generic), xdp.get(), XDP_FLAGS_SKB_MODE, nullptr) != 0 ||
      bpf_xdp_attach(static_cast<int>(native), xdp.get(), XDP_FLAGS_DRV_MODE, nullptr) != 0 ||
      !AddClsact(generic) || !AddBpfFilter(generic, TcHook::kIngress, 0, 10, 1, tc) ||
      !AddBpfFilter(generic, TcHook::kIngress, 0, 10, 0xabc, tc) ||
      !AddBpfFilter(generic, TcHook::kIngress, 5, 49152, 1, tc) ||
      !AddU32Filter(generic, TcHook::kIngress, 3)) {
    perror("the scene");
    return 1;
  }
  if (!Record(directory + "/links.bin", LinkDumpRequest()) ||
      !Record(directory + "/qdiscs.bin", QdiscDumpRequest()) ||
      !Record(directory + "/filters.bin", FilterDumpRequest(generic, TcHook::kIngress)) ||
      !Record(directory + "/no_filters.bin", FilterDumpRequest(generic, TcHook::kEgress))) {
    perror("an answer");
    return 1;
  }
  printf("generic %u, native %u, XDP program %u, tc program %u\n", generic, native, ProgramId(xdp),
         ProgramId(tc));
  return 0;
}

}  // namespace
}  // namespace correlate

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: record_rtnetlink DIRECTORY\n");
    return 2;
  }
  return correlate::Main(argv[1]);
}
