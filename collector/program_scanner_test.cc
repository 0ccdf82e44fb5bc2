#include "collector/program_scanner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>

#include "absl/strings/str_format.h"
#include "collector/host_facts.h"
#include "collector/program_symbol.h"
#include "collector/test_child.h"
#include "collector/test_programs.h"

namespace correlate {
namespace {

using testing::HasSubstr;

ptrdiff_t OpenFiles() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

class ProgramScannerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "looking at BPF programs needs CAP_SYS_ADMIN";
    if (!LoadReturning(BPF_PROG_TYPE_XDP, 2, "probe").valid()) {
      GTEST_SKIP() << "no BPF program can be loaded here";
    }
  }
};

TEST_F(ProgramScannerTest, ProgramWithoutBtf) {
  const ClockReading before = ReadClocks();
  const ScopedFd fd = LoadReturning(BPF_PROG_TYPE_XDP, 2, "plain_xdp");
  const ClockReading after = ReadClocks();
  ASSERT_TRUE(fd.valid());
  const auto program = ReadProgram(ProgramId(fd));
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(program->id, ProgramId(fd));
  EXPECT_EQ(program->type_name, "xdp");
  EXPECT_EQ(program->name, "plain_xdp");
  EXPECT_EQ(program->uid, 0);
  EXPECT_EQ(program->btf_id, 0);
  EXPECT_TRUE(program->opened);
  EXPECT_EQ(program->functions.size(), 1);
  EXPECT_TRUE(program->lines.empty());
  EXPECT_GE(program->load_time_ns, before.monotonic_ns);
  EXPECT_LE(program->load_time_ns, after.monotonic_ns);
}

TEST_F(ProgramScannerTest, FunctionsAndLinesAgreeWithKallsyms) {
  const ScopedFd fd = LoadWithSubprogram(BPF_PROG_TYPE_SCHED_CLS, 0, "subprograms");
  ASSERT_TRUE(fd.valid());
  const auto program = ReadProgram(ProgramId(fd));
  ASSERT_TRUE(program.ok()) << program.status();
  EXPECT_EQ(program->type_name, "sched_cls");
  EXPECT_EQ(program->name, kSubprogramMain);
  EXPECT_NE(program->btf_id, 0);
  ASSERT_EQ(program->functions.size(), 2);
  EXPECT_EQ(program->functions[0].name, kSubprogramMain);
  EXPECT_EQ(program->functions[1].name, kSubprogramCallee);
  const auto kallsyms = ReadKallsyms();
  ASSERT_TRUE(kallsyms.ok()) << kallsyms.status();
  if (program->functions[0].address == 0 || KallsymsHidesAddresses(*kallsyms)) {
    GTEST_SKIP() << "this host hides addresses, or does not JIT: kernel.kptr_restrict, "
                    "net.core.bpf_jit_enable";
  }
  for (const ProgramFunction& function : program->functions) {
    EXPECT_GT(function.length_bytes, 0);
    EXPECT_THAT(*kallsyms,
                HasSubstr(absl::StrFormat("%016x t bpf_prog_%s_%s\t[bpf]\n", function.address,
                                          TagToHex(function.tag), function.name)));
  }
  // Each line lies in its function.
  ASSERT_EQ(program->lines.size(), 3);
  const auto in = [](const ProgramFunction& function, const ProgramLine& line) {
    return line.address >= function.address &&
           line.address < function.address + function.length_bytes;
  };
  for (const ProgramLine& line : program->lines) {
    EXPECT_EQ(line.file, kSubprogramFile);
    EXPECT_TRUE(in(program->functions[line.line == 3 ? 1 : 0], line)) << line.line;
  }
  EXPECT_TRUE(std::is_sorted(program->lines.begin(), program->lines.end(),
                             [](const auto& a, const auto& b) { return a.address < b.address; }));
}

TEST_F(ProgramScannerTest, ScanFindsAllAndKeepsNothing) {
  const ScopedFd plain = LoadReturning(BPF_PROG_TYPE_XDP, 2, "scan_plain");
  ScopedFd with_btf = LoadWithSubprogram(BPF_PROG_TYPE_XDP, 2, "scan_btf");
  const uint32_t plain_id = ProgramId(plain);
  const uint32_t btf_program_id = ProgramId(with_btf);
  const ptrdiff_t open_files = OpenFiles();
  const auto first = ScanPrograms();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(OpenFiles(), open_files);
  const auto find = [&](uint32_t id) {
    return std::find_if(first->begin(), first->end(),
                        [id](const ProgramInfo& program) { return program.id == id; });
  };
  ASSERT_NE(find(plain_id), first->end());
  ASSERT_NE(find(btf_program_id), first->end());
  EXPECT_EQ(find(btf_program_id)->name, kSubprogramMain);

  // Identity (id and load time) is the same at every look.
  const auto again = ReadProgram(plain_id);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->load_time_ns, find(plain_id)->load_time_ns);

  // Nothing of ours keeps it: with its last descriptor it is gone.
  with_btf.reset();
  EXPECT_EQ(ReadProgram(btf_program_id).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ProgramScannerTest, ProgramsThatVanishMeanwhileAreNoError) {
  std::atomic<bool> stop = false;
  std::atomic<int> loaded = 0;
  std::thread churn([&] {
    while (!stop) {
      const ScopedFd fd = LoadReturning(BPF_PROG_TYPE_XDP, 2, "churn");
      ++loaded;
    }
  });
  for (int i = 0; i < 300 || loaded < 100; ++i) {
    const auto programs = ScanPrograms();
    EXPECT_TRUE(programs.ok()) << programs.status();
    if (!programs.ok()) break;
  }
  stop = true;
  churn.join();
}

void LookAsAPlainUser() {
  if (setgid(65534) != 0 || setuid(65534) != 0) SkipChild();
  const absl::Status status = ScanPrograms().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("CAP_SYS_ADMIN"));
  EXPECT_THAT(std::string(ReadProgram(1).status().message()), HasSubstr("CAP_SYS_ADMIN"));
}

TEST_F(ProgramScannerTest, SaysWhichCapabilityIsMissing) {
  EXPECT_CHILD_PASSES(LookAsAPlainUser, "cannot become a plain user here");
}

}  // namespace
}  // namespace correlate
