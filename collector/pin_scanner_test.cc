#include "collector/pin_scanner.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>

#include "base/scoped_fd.h"
#include "collector/test_child.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::ElementsAre;

void PinAndLook() {
  std::string folder = testing::TempDir() + "pins.XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  if (unshare(CLONE_NEWNS) != 0 ||
      mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("bpf", folder.c_str(), "bpf", 0, nullptr) != 0) {
    rmdir(folder.c_str());
    SkipChild();
  }
  const bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
                           {.code = BPF_JMP | BPF_EXIT}};
  const ScopedFd program(
      bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "pinned", "GPL", code, std::size(code), nullptr));
  ASSERT_TRUE(program.valid());
  bpf_prog_info info;
  std::memset(&info, 0, sizeof info);
  uint32_t bytes = sizeof info;
  ASSERT_EQ(bpf_prog_get_info_by_fd(program.get(), &info, &bytes), 0);
  const ScopedFd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "beside", 4, 4, 1, nullptr));
  ASSERT_TRUE(map.valid());
  const std::string second = folder + "/deeper";
  ASSERT_EQ(mkdir(second.c_str(), 0700), 0);
  ASSERT_EQ(bpf_obj_pin(program.get(), (folder + "/one").c_str()), 0);
  ASSERT_EQ(bpf_obj_pin(program.get(), (second + "/two words").c_str()), 0);
  ASSERT_EQ(bpf_obj_pin(map.get(), (folder + "/map").c_str()), 0);

  const auto pins = ScanPins();
  ASSERT_TRUE(pins.contains(info.id));
  EXPECT_THAT(pins.at(info.id), ElementsAre(second + "/two words", folder + "/one"));
  umount(folder.c_str());
  EXPECT_FALSE(ScanPins().contains(info.id));
  rmdir(folder.c_str());
}

TEST(PinScannerTest, FindsEveryPathOfAProgram) {
  if (geteuid() != 0) GTEST_SKIP() << "pinning needs root";
  EXPECT_CHILD_PASSES(PinAndLook, "no BPF file system of our own to be had here");
}

}  // namespace
}  // namespace correlate
