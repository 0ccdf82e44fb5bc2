#include "collector/host_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <latch>
#include <thread>

namespace correlate {
namespace {

TEST(HostFactsTest, SaysWhatUnameSays) {
  utsname name = {};
  ASSERT_EQ(uname(&name), 0);
  const HostFacts facts = ReadHostFacts();
  EXPECT_EQ(facts.hostname, name.nodename);
  EXPECT_EQ(facts.kernel_release, name.release);
  EXPECT_EQ(facts.kernel_version, name.version);
  EXPECT_EQ(facts.machine, name.machine);
  EXPECT_EQ(facts.boot_id.size(), 36);  // a UUID
  EXPECT_GE(facts.online_cpus, 1);
  EXPECT_GT(facts.memory_bytes, 16u << 20);
}

TEST(HostFactsTest, ClocksAreOfOneInstant) {
  timespec before = {};
  ASSERT_EQ(clock_gettime(CLOCK_MONOTONIC, &before), 0);
  const ClockReading first = ReadClocks();
  const ClockReading second = ReadClocks();
  EXPECT_GE(first.monotonic_ns,
            static_cast<uint64_t>(before.tv_sec) * 1'000'000'000 + before.tv_nsec);
  EXPECT_LT(first.monotonic_ns, second.monotonic_ns);
  // Boot time counts suspends too, so it is never behind by more than the reading itself takes.
  EXPECT_GE(first.boottime_ns + 1'000'000, first.monotonic_ns);
  // The offset of the clocks to each other is the same in both readings but for microseconds.
  const int64_t first_offset = static_cast<int64_t>(first.realtime_ns - first.monotonic_ns);
  const int64_t second_offset = static_cast<int64_t>(second.realtime_ns - second.monotonic_ns);
  EXPECT_NEAR(static_cast<double>(first_offset - second_offset), 0, 1'000'000);
}

TEST(HostFactsTest, NamesEveryThread) {
  std::latch named(1);
  std::latch done(1);
  int32_t tid = 0;
  std::thread thread([&] {
    tid = static_cast<int32_t>(syscall(SYS_gettid));
    pthread_setname_np(pthread_self(), "odd \xff) name");
    named.count_down();
    done.wait();
  });
  named.wait();
  const auto names = ReadTaskNames();
  done.count_down();
  thread.join();
  EXPECT_THAT(names, testing::Contains(testing::Pair(tid, std::string("odd \xff) name"))));
  EXPECT_THAT(names, testing::Contains(testing::Key(static_cast<int32_t>(getpid()))));
}

TEST(HostFactsTest, ReadsKallsyms) {
  const absl::StatusOr<std::string> kallsyms = ReadKallsyms();
  ASSERT_TRUE(kallsyms.ok()) << kallsyms.status();
  EXPECT_THAT(*kallsyms, testing::HasSubstr(" kfree_skb"));
}

TEST(HostFactsTest, TellsHiddenAddresses) {
  EXPECT_TRUE(KallsymsHidesAddresses(""));
  EXPECT_TRUE(KallsymsHidesAddresses("0000000000000000 T _stext\n0000000000000000 T start\n"));
  EXPECT_FALSE(
      KallsymsHidesAddresses("0000000000000000 A fixed_percpu_data\nffffffff81000000 T _stext\n"));
  EXPECT_FALSE(KallsymsHidesAddresses("ffffffff81000000 T _stext"));
}

}  // namespace
}  // namespace correlate
