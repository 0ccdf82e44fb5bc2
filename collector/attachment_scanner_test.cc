#include "collector/attachment_scanner.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <net/if.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "collector/host_facts.h"
#include "collector/test_child.h"
#include "collector/test_network.h"
#include "collector/test_programs.h"

namespace correlate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// What the kernel says of the attachments in this process's own namespace, one line each.
std::vector<std::string> Describe(const AttachmentScan& scan) {
  struct stat own = {};
  EXPECT_EQ(stat("/proc/thread-self/ns/net", &own), 0);
  std::vector<std::string> lines;
  for (const Attachment& attachment : scan.attachments) {
    if (attachment.netns.inode != own.st_ino) continue;
    EXPECT_EQ(attachment.from_ns, attachment.to_ns);
    EXPECT_EQ(attachment.ifindex, if_nametoindex(attachment.ifname.c_str()));
    std::string line = absl::StrCat(attachment.ifname, " ", attachment.hook);
    if (attachment.IsObstacle()) absl::StrAppend(&line, " ", attachment.kind);
    if (!attachment.direction.empty()) absl::StrAppend(&line, " ", attachment.direction);
    if (!attachment.mode.empty()) absl::StrAppend(&line, " ", attachment.mode);
    absl::StrAppend(&line, " #", attachment.program_id);
    if (attachment.hook == "tc") {
      absl::StrAppend(&line, " chain ", attachment.chain, " pref ", attachment.pref, " handle ",
                      attachment.handle);
    }
    if (attachment.position != 0) {
      absl::StrAppend(&line, " ", attachment.position, " of ", attachment.positions);
    }
    if (attachment.link_id != 0) absl::StrAppend(&line, " link ", attachment.link_id);
    lines.push_back(line);
  }
  return lines;
}

AttachmentScan Scan() {
  auto scan = ScanAttachments();
  EXPECT_TRUE(scan.ok()) << scan.status();
  return scan.ok() ? *std::move(scan) : AttachmentScan{};
}

uint32_t LinkId(const ScopedFd& link) {
  bpf_link_info info = {};
  uint32_t bytes = sizeof info;
  return bpf_link_get_info_by_fd(link.get(), &info, &bytes) == 0 ? info.id : 0;
}

constexpr char kNoNamespace[] = "no network namespace with veth and clsact to be had here";

class AttachmentScannerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "attaching programs needs root";
  }
};

void LookAtTc() {
  if (!EnterNewNetns() || !AddVethPair("one", "two")) SkipChild();
  const uint32_t one = if_nametoindex("one");
  if (!AddClsact(one)) SkipChild();
  const ScopedFd first = LoadReturning(BPF_PROG_TYPE_SCHED_CLS, -1, "first");
  const ScopedFd second = LoadReturning(BPF_PROG_TYPE_SCHED_CLS, 2, "second");
  const uint32_t first_id = ProgramId(first);
  const uint32_t second_id = ProgramId(second);
  ASSERT_TRUE(AddBpfFilter(one, TcHook::kIngress, 5, 7, 1, second));
  ASSERT_TRUE(AddBpfFilter(one, TcHook::kIngress, 0, 20, 1, first));
  ASSERT_TRUE(AddBpfFilter(one, TcHook::kIngress, 0, 10, 3, first));
  ASSERT_TRUE(AddBpfFilter(one, TcHook::kIngress, 0, 10, 4, second));
  ASSERT_TRUE(AddBpfFilter(one, TcHook::kEgress, 0, 49152, 1, second));
  const bool has_u32 = AddU32Filter(one, TcHook::kIngress, 1);  // where the kernel has it
  const AttachmentScan scan = Scan();
  EXPECT_THAT(scan.notes, IsEmpty());
  std::vector<std::string> lines = Describe(scan);
  if (has_u32) {
    ASSERT_FALSE(lines.empty());
    EXPECT_EQ(lines[0], "one tc u32 ingress #0 chain 0 pref 1 handle 0");
    lines.erase(lines.begin());
  }
  EXPECT_THAT(
      lines,
      ElementsAre(absl::StrCat("one tc ingress #", second_id, " chain 0 pref 10 handle 4"),
                  absl::StrCat("one tc ingress #", first_id, " chain 0 pref 10 handle 3"),
                  absl::StrCat("one tc ingress #", first_id, " chain 0 pref 20 handle 1"),
                  absl::StrCat("one tc ingress #", second_id, " chain 5 pref 7 handle 1"),
                  absl::StrCat("one tc egress #", second_id, " chain 0 pref 49152 handle 1")));
}

TEST_F(AttachmentScannerTest, TcFiltersInTheOrderInWhichTheyRun) {
  EXPECT_CHILD_PASSES(LookAtTc, kNoNamespace);
}

void LookAtXdp() {
  if (!EnterNewNetns() || !AddVethPair("one", "two") || !AddVethPair("three", "four")) SkipChild();
  const ScopedFd program = LoadReturning(BPF_PROG_TYPE_XDP, 2, "pass");
  const uint32_t id = ProgramId(program);
  ASSERT_EQ(bpf_xdp_attach(static_cast<int>(if_nametoindex("one")), program.get(),
                           XDP_FLAGS_SKB_MODE, nullptr),
            0);
  ASSERT_EQ(bpf_xdp_attach(static_cast<int>(if_nametoindex("two")), program.get(),
                           XDP_FLAGS_DRV_MODE, nullptr),
            0);
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
  const ScopedFd link(
      bpf_link_create(program.get(), static_cast<int>(if_nametoindex("three")), BPF_XDP, &options));
  ASSERT_TRUE(link.valid());
  EXPECT_THAT(Describe(Scan()),
              UnorderedElementsAre(absl::StrCat("one xdp generic #", id),
                                   absl::StrCat("two xdp native #", id),
                                   absl::StrCat("three xdp native #", id, " link ", LinkId(link))));
}

TEST_F(AttachmentScannerTest, XdpWithItsModeAndLink) {
  EXPECT_CHILD_PASSES(LookAtXdp, kNoNamespace);
}

void LookAtTcx() {
  if (!EnterNewNetns() || !AddVethPair("one", "two")) SkipChild();
  const uint32_t one = if_nametoindex("one");
  if (!AddClsact(one)) SkipChild();
  const ScopedFd filter = LoadReturning(BPF_PROG_TYPE_SCHED_CLS, 0, "filter");
  ASSERT_TRUE(AddBpfFilter(one, TcHook::kIngress, 0, 1, 1, filter));
  const uint32_t filter_id = ProgramId(filter);
  std::vector<std::string> expected;
  std::vector<ScopedFd> held;
  for (int i = 0; i < 20; ++i) {  // more than are asked for at first
    LIBBPF_OPTS(bpf_prog_load_opts, load, .expected_attach_type = BPF_TCX_INGRESS);
    const bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = -1},
                             {.code = BPF_JMP | BPF_EXIT}};
    ScopedFd program(
        bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "tcx", "GPL", code, std::size(code), &load));
    ASSERT_TRUE(program.valid());
    ScopedFd link(bpf_link_create(program.get(), static_cast<int>(one), BPF_TCX_INGRESS, nullptr));
    if (!link.valid()) SkipChild();
    expected.push_back(absl::StrCat("one tcx ingress #", ProgramId(program), " ", i + 1,
                                    " of 20 link ", LinkId(link)));
    held.push_back(std::move(link));
  }
  // tcx runs before the filters of clsact.
  expected.push_back(absl::StrCat("one tc ingress #", filter_id, " chain 0 pref 1 handle 1"));
  EXPECT_EQ(Describe(Scan()), expected);
}

TEST_F(AttachmentScannerTest, TcxBeforeTc) {
  EXPECT_CHILD_PASSES(LookAtTcx, "no tcx (Linux 6.6) to be had here");
}

int CountLooksAtLinks(AttachmentScanner& scanner) {
  int looks = 0;
  EXPECT_TRUE(scanner
                  .LookAtAll([&](const AttachmentNews& news) {
                    const auto* look = std::get_if<AttachmentLook>(&news);
                    looks += look != nullptr && look->part == AttachmentLook::Part::kLinks;
                  })
                  .ok());
  return looks;
}

// Programs that stand in a namespace and on no device: two kinds of its own, and netfilter's.
void LookAtNetnsHooks() {
  if (!EnterNewNetns()) SkipChild();
  const ScopedFd netns(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  const ScopedFd dissector = LoadReturning(BPF_PROG_TYPE_FLOW_DISSECTOR, 0, "dissector");
  LIBBPF_OPTS(bpf_prog_load_opts, lookup_load, .expected_attach_type = BPF_SK_LOOKUP);
  LIBBPF_OPTS(bpf_prog_load_opts, filter_load, .expected_attach_type = BPF_NETFILTER);
  const bpf_insn pass[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1},
                           {.code = BPF_JMP | BPF_EXIT}};
  const ScopedFd lookup(
      bpf_prog_load(BPF_PROG_TYPE_SK_LOOKUP, "lookup", "GPL", pass, std::size(pass), &lookup_load));
  const ScopedFd filter(
      bpf_prog_load(BPF_PROG_TYPE_NETFILTER, "filter", "GPL", pass, std::size(pass), &filter_load));
  LIBBPF_OPTS(bpf_link_create_opts, hook);
  hook.netfilter.pf = NFPROTO_IPV4;
  hook.netfilter.hooknum = NF_INET_LOCAL_IN;
  hook.netfilter.priority = -128;
  const ScopedFd filter_link(bpf_link_create(filter.get(), 0, BPF_NETFILTER, &hook));
  const ScopedFd lookup_link(bpf_link_create(lookup.get(), netns.get(), BPF_SK_LOOKUP, nullptr));
  if (bpf_prog_attach(dissector.get(), 0, BPF_FLOW_DISSECTOR, 0) != 0 || !lookup_link.valid() ||
      !filter_link.valid()) {
    SkipChild();
  }
  struct stat own = {};
  ASSERT_EQ(fstat(netns.get(), &own), 0);
  std::vector<std::string> lines;
  for (const Attachment& attachment : Scan().attachments) {
    if (attachment.netns.inode != own.st_ino) continue;
    lines.push_back(absl::StrCat(attachment.hook, " #", attachment.program_id, " ",
                                 attachment.family, " ", attachment.point, " ",
                                 attachment.priority));
  }
  EXPECT_THAT(lines,
              ElementsAre(absl::StrCat("flow_dissector #", ProgramId(dissector), "   0"),
                          absl::StrCat("sk_lookup #", ProgramId(lookup), "   0"),
                          absl::StrCat("netfilter #", ProgramId(filter), " ipv4 input -128")));

  AttachmentScanner scanner;
  EXPECT_EQ(CountLooksAtLinks(scanner), 1) << "nothing else tells of netfilter's";
}

TEST_F(AttachmentScannerTest, NothingIsToldOfLinksWhoseNamespaceIsUnknown) {
  AttachmentScanner scanner;
  EXPECT_EQ(CountLooksAtLinks(scanner), 0);
  scanner.LoadIterator();
  EXPECT_EQ(CountLooksAtLinks(scanner), 1);
}

TEST_F(AttachmentScannerTest, HooksOfANamespaceAndOfNetfilter) {
  EXPECT_CHILD_PASSES(LookAtNetnsHooks, "no BPF netfilter links (Linux 6.4) to be had here");
}

void LookAtDevices() {
  if (!EnterNewNetns() || !AddVethPair("one", "two")) SkipChild();
  struct stat own = {};
  ASSERT_EQ(stat("/proc/thread-self/ns/net", &own), 0);
  const uint64_t before_ns = ReadClocks().monotonic_ns;
  const ptrdiff_t open_files =
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  const AttachmentScan scan = Scan();
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}), open_files);
  std::vector<std::string> devices;
  for (const Device& device : scan.devices) {
    if (device.netns.inode != own.st_ino) continue;
    EXPECT_EQ(device.ifindex, if_nametoindex(device.ifname.c_str()));
    EXPECT_GE(device.from_ns, before_ns);
    EXPECT_EQ(device.from_ns, device.to_ns);
    devices.push_back(absl::StrCat(device.ifname, "/", device.kind));
  }
  EXPECT_THAT(devices, testing::IsSupersetOf({"lo/", "one/veth", "two/veth"}));
  // Others were looked into as well: at least the one that we left.
  EXPECT_GE(scan.namespaces.size(), 2);
}

TEST_F(AttachmentScannerTest, DevicesOfAllNamespaces) {
  EXPECT_CHILD_PASSES(LookAtDevices, kNoNamespace);
}

// Devices come and go all the time in a namespace that is looked at: every dump must end, and what
// was there all along must be in it.
void LookWhileDevicesChange() {
  if (!EnterNewNetns() || !AddVethPair("steady", "peer") || !AddClsact(if_nametoindex("steady"))) {
    SkipChild();
  }
  const uint32_t steady = if_nametoindex("steady");
  const ScopedFd program = LoadReturning(BPF_PROG_TYPE_SCHED_CLS, 0, "steady");
  const std::string expected =
      absl::StrCat("steady tc ingress #", ProgramId(program), " chain 0 pref 1 handle 1");
  ASSERT_TRUE(AddBpfFilter(steady, TcHook::kIngress, 0, 1, 1, program));
  const pid_t churn = fork();
  ASSERT_GE(churn, 0);
  if (churn == 0) {
    // Namespaces of its own end with their devices, over and over, until the time is up.
    alarm(20);
    for (;;) {
      AddVethPair("a", "b");
      AddClsact(if_nametoindex("a"));
      const pid_t other = fork();
      if (other == 0) _exit(EnterNewNetns() && AddVethPair("x", "y") ? 0 : 1);
      waitpid(other, nullptr, 0);
    }
  }
  for (int i = 0; i < 50; ++i) EXPECT_THAT(Describe(Scan()), testing::Contains(expected));
  kill(churn, SIGKILL);
  waitpid(churn, nullptr, 0);
}

TEST_F(AttachmentScannerTest, WhileDevicesAndNamespacesChange) {
  EXPECT_CHILD_PASSES(LookWhileDevicesChange, kNoNamespace);
}

}  // namespace
}  // namespace correlate
