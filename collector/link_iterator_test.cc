#include "collector/link_iterator.h"

#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "collector/bpf_link_record.h"
#include "collector/test_child.h"
#include "collector/test_network.h"
#include "collector/test_programs.h"

namespace correlate {
namespace {

uint32_t LinkId(const ScopedFd& link) {
  bpf_link_info info = {};
  uint32_t bytes = sizeof info;
  return bpf_link_get_info_by_fd(link.get(), &info, &bytes) == 0 ? info.id : 0;
}

NetnsId OwnNetns() {
  struct stat own = {};
  EXPECT_EQ(stat("/proc/thread-self/ns/net", &own), 0);
  NetnsId id = {.inode = own.st_ino};
  const ScopedFd any(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  socklen_t bytes = sizeof id.cookie;
  EXPECT_EQ(getsockopt(any.get(), SOL_SOCKET, SO_NETNS_COOKIE, &id.cookie, &bytes), 0);
  return id;
}

const BpfLink* Find(const std::vector<BpfLink>& links, uint32_t id) {
  for (const BpfLink& link : links) {
    if (link.link_id == id) return &link;
  }
  return nullptr;
}

TEST(ParseLinkRecordsTest, LeavesOutWhatIsCutOff) {
  bpf_link_record records[2] = {};
  records[0].link_id = 7;
  std::memset(records[0].ifname, 'x', sizeof records[0].ifname);  // no NUL
  const auto* bytes = reinterpret_cast<const char*>(records);
  const std::vector<BpfLink> links = ParseLinkRecords({bytes, sizeof records - 1});
  ASSERT_EQ(links.size(), 1);
  EXPECT_EQ(links[0].link_id, 7);
  EXPECT_EQ(links[0].ifname, std::string(16, 'x'));
}

TEST(ParseLinkRecordsTest, OfTracingLinksOnlyExtensions) {
  bpf_link_record records[2] = {};
  records[0].type = records[1].type = BPF_LINK_TYPE_TRACING;
  records[1].link_id = 8;
  records[1].target_program_id = 5;
  const std::vector<BpfLink> links =
      ParseLinkRecords({reinterpret_cast<const char*>(records), sizeof records});
  ASSERT_EQ(links.size(), 1);
  EXPECT_EQ(links[0].link_id, 8);
}

void LookAtLinks() {
  auto iterator = LinkIterator::Load();
  if (absl::IsPermissionDenied(iterator.status())) SkipChild();
  ASSERT_TRUE(iterator.ok()) << iterator.status();
  EXPECT_NE((*iterator)->program_id(), 0);
  if (!EnterNewNetns() || !AddVethPair("one", "two")) SkipChild();
  const int one = static_cast<int>(if_nametoindex("one"));
  const int two = static_cast<int>(if_nametoindex("two"));
  const ScopedFd tc = LoadReturning(BPF_PROG_TYPE_SCHED_CLS, -1, "tc");
  const ScopedFd xdp = LoadReturning(BPF_PROG_TYPE_XDP, 2, "xdp");
  const ScopedFd egress(bpf_link_create(tc.get(), one, BPF_TCX_EGRESS, nullptr));
  const ScopedFd on_device(bpf_link_create(xdp.get(), two, BPF_XDP, nullptr));
  if (!egress.valid() || !on_device.valid()) SkipChild();
  const size_t open_files = std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  const auto links = (*iterator)->Read();
  ASSERT_TRUE(links.ok()) << links.status();
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}), open_files);
  const BpfLink* tcx = Find(*links, LinkId(egress));
  ASSERT_NE(tcx, nullptr);
  EXPECT_EQ(tcx->type, BPF_LINK_TYPE_TCX);
  EXPECT_EQ(tcx->attach_type, BPF_TCX_EGRESS);
  EXPECT_EQ(tcx->program_id, ProgramId(tc));
  EXPECT_EQ(tcx->program_type, BPF_PROG_TYPE_SCHED_CLS);
  EXPECT_EQ(tcx->ifindex, one);
  EXPECT_EQ(tcx->ifname, "one");
  EXPECT_EQ(tcx->netns, OwnNetns());
  const BpfLink* native = Find(*links, LinkId(on_device));
  ASSERT_NE(native, nullptr);
  EXPECT_EQ(native->type, BPF_LINK_TYPE_XDP);
  EXPECT_EQ(native->ifname, "two");
  EXPECT_EQ(native->netns, OwnNetns());

  // The other way to know says the same, but for namespace and names.
  const std::vector<BpfLink> by_id = ReadLinksById();
  const BpfLink* again = Find(by_id, LinkId(egress));
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->attach_type, BPF_TCX_EGRESS);
  EXPECT_EQ(again->program_id, ProgramId(tc));
  EXPECT_EQ(again->ifindex, one);
  ASSERT_NE(Find(by_id, LinkId(on_device)), nullptr);
}

TEST(LinkIteratorTest, TellsOfEachLinkWhereItIs) {
  if (geteuid() != 0) GTEST_SKIP() << "loading programs needs root";
  EXPECT_CHILD_PASSES(LookAtLinks, "no BPF iterator over links (Linux 5.19), veth or tcx here");
}

}  // namespace
}  // namespace correlate
