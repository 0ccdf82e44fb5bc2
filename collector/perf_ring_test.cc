// Both implementations of PerfRing, each in a test of its own: what they give is the kernel's, so
// what holds here holds of both.
#include "collector/perf_ring.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "base/scoped_fd.h"

namespace correlate {
namespace {

using testing::HasSubstr;

perf_event_attr SoftwareEvent(uint64_t config) {
  perf_event_attr attr = {};
  attr.size = sizeof attr;
  attr.type = PERF_TYPE_SOFTWARE;
  attr.config = config;
  attr.disabled = 1;
  attr.sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME;
  attr.read_format = PERF_FORMAT_ID | PERF_FORMAT_TOTAL_TIME_ENABLED;
  return attr;
}

// Records that this thread can raise as often as it likes: one each time that it takes a name.
perf_event_attr TaskNames() {
  perf_event_attr attr = SoftwareEvent(PERF_COUNT_SW_DUMMY);
  attr.comm = 1;
  attr.sample_id_all = 1;
  attr.watermark = 1;
  attr.wakeup_watermark = 1;
  return attr;
}

class PerfRingTest : public testing::Test {
 protected:
  void SetUp() override {
    cpu_ = static_cast<uint32_t>(sched_getcpu());
    cpu_set_t before;
    ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
    before_ = before;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu_, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    prctl(PR_GET_NAME, name_);
  }
  void TearDown() override {
    prctl(PR_SET_NAME, name_);
    sched_setaffinity(0, sizeof before_, &before_);
  }

  std::unique_ptr<PerfRing> Open(absl::Span<const PerfRing::EventSpec> events, size_t bytes) {
    bool refused = false;
    auto ring = PerfRing::Open(cpu_, events, bytes, &refused);
    if (!ring.ok() && ring.status().code() == absl::StatusCode::kPermissionDenied) {
      skipped_ = ring.status().ToString();
      return nullptr;
    }
    EXPECT_TRUE(ring.ok()) << ring.status();
    return ring.ok() ? *std::move(ring) : nullptr;
  }

  // Names the task by numbers, and gathers those that come out.
  static void Rename(int number) { prctl(PR_SET_NAME, std::to_string(100'000 + number).c_str()); }
  static std::vector<int> Numbers(PerfRing& ring, size_t most, bool* all = nullptr) {
    std::vector<int> numbers;
    const bool ended = ring.Drain(most, [&](absl::Span<const uint8_t> record) {
      perf_event_header header;
      std::memcpy(&header, record.data(), sizeof header);
      EXPECT_EQ(header.size, record.size());
      if (header.type != PERF_RECORD_COMM) return;
      uint32_t pid_tid[2];
      std::memcpy(pid_tid, record.data() + sizeof header, sizeof pid_tid);
      if (pid_tid[1] != static_cast<uint32_t>(gettid())) return;
      const char* name = reinterpret_cast<const char*>(record.data()) + sizeof header + 8;
      numbers.push_back(std::stoi(name) - 100'000);
    });
    if (all != nullptr) *all = ended;
    return numbers;
  }

  uint32_t cpu_ = 0;
  cpu_set_t before_;
  char name_[16] = {};
  std::string skipped_;
};

TEST_F(PerfRingTest, EachRecordOnceInOrderRoundTheEnd) {
  const auto ring = Open({{.attr = TaskNames()}}, 4096);
  if (ring == nullptr) GTEST_SKIP() << skipped_;
  Rename(-1);
  EXPECT_TRUE(Numbers(*ring, SIZE_MAX).empty()) << "it is not on yet";
  ring->Enable();
  // Several times round a ring of one page, records of 64 bytes or so at all places.
  int next = 0;
  for (int round = 0; round < 50; ++round) {
    const int until = next + 1 + round % 20;
    std::vector<int> sent;
    for (; next < until; ++next) {
      Rename(next);
      sent.push_back(next);
    }
    pollfd waiting = {.fd = ring->poll_fd(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&waiting, 1, 5000), 1);
    bool all = false;
    EXPECT_EQ(Numbers(*ring, SIZE_MAX, &all), sent);
    EXPECT_TRUE(all);
  }
  ring->Disable();
  Rename(-2);
  EXPECT_TRUE(Numbers(*ring, SIZE_MAX).empty());
}

TEST_F(PerfRingTest, StopsWhereItIsTold) {
  const auto ring = Open({{.attr = TaskNames()}}, 4096);
  if (ring == nullptr) GTEST_SKIP() << skipped_;
  ring->Enable();
  for (int i = 0; i < 10; ++i) Rename(i);
  bool all = true;
  EXPECT_TRUE(Numbers(*ring, 0, &all).empty());
  EXPECT_FALSE(all);
  const std::vector<int> some = Numbers(*ring, 100, &all);
  EXPECT_FALSE(all);
  EXPECT_GE(some.size(), 1u);
  EXPECT_LE(some.size(), 3u);
  EXPECT_EQ(Numbers(*ring, SIZE_MAX, &all).size(), 10 - some.size());
  EXPECT_TRUE(all);
}

TEST_F(PerfRingTest, AFullRingKeepsWhatIsInIt) {
  perf_event_attr attr = TaskNames();
  attr.read_format |= PERF_FORMAT_LOST;
  bool refused = false;
  auto opened = PerfRing::Open(cpu_, {{.attr = attr}}, 4096, &refused);
  if (!opened.ok()) GTEST_SKIP() << opened.status();  // PERF_FORMAT_LOST: Linux 6.0
  PerfRing& ring = **opened;
  ring.Enable();
  for (int i = 0; i < 500; ++i) Rename(i);
  const std::vector<int> kept = Numbers(ring, SIZE_MAX);
  ASSERT_FALSE(kept.empty());
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i], static_cast<int>(i));
  ASSERT_TRUE(ring.Read(0).ok());
  // Others on this CPU may take a name meanwhile.
  EXPECT_GE(ring.Read(0)->lost + kept.size(), 500u);
  EXPECT_LT(ring.Read(0)->lost + kept.size(), 600u);
}

TEST_F(PerfRingTest, SeveralEventsWriteToOneRingAndAreReadApart) {
  perf_event_attr switches = SoftwareEvent(PERF_COUNT_SW_CONTEXT_SWITCHES);
  switches.sample_period = 1;
  perf_event_attr joined = switches;
  joined.disabled = 0;
  const auto ring = Open(
      {{.attr = TaskNames()}, {.attr = switches}, {.attr = joined, .joins_previous = true}}, 65536);
  if (ring == nullptr) GTEST_SKIP() << skipped_;
  EXPECT_NE(ring->fd(0), ring->fd(1));
  usleep(1000);
  EXPECT_EQ(ring->Read(1)->counted, 0u);
  EXPECT_EQ(ring->Read(2)->counted, 0u);
  ring->Enable();
  EXPECT_TRUE(ring->Attached());
  for (int i = 0; i < 20; ++i) usleep(100);
  ring->Disable();
  const auto first = ring->Read(1);
  const auto second = ring->Read(2);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_GE(first->counted, 20u);
  EXPECT_EQ(first->counted, second->counted) << "of one group: on and off together";
  EXPECT_NE(first->id, second->id);
  std::map<uint64_t, uint64_t> records;
  ring->Drain(SIZE_MAX, [&](absl::Span<const uint8_t> record) {
    perf_event_header header;
    std::memcpy(&header, record.data(), sizeof header);
    uint64_t id = 0;
    std::memcpy(&id, record.data() + sizeof header, sizeof id);
    if (header.type == PERF_RECORD_SAMPLE) ++records[id];
  });
  EXPECT_GE(records[second->id], 20u);
  records.erase(first->id);
  records.erase(second->id);
  EXPECT_TRUE(records.empty()) << "records of an event that is not ours";
}

TEST_F(PerfRingTest, SaysWhatIsWrong) {
  bool refused = true;
  perf_event_attr unknown = TaskNames();
  unknown.type = PERF_TYPE_TRACEPOINT;
  unknown.config = UINT64_MAX >> 1;
  const auto bad = PerfRing::Open(cpu_, {{.attr = unknown}}, 4096, &refused);
  EXPECT_FALSE(bad.ok());
  EXPECT_FALSE(refused);
  EXPECT_THAT(bad.status().message(), HasSubstr("perf_event_open on CPU"));
  const auto filtered =
      PerfRing::Open(cpu_, {{.attr = TaskNames(), .filter = "nothing == 1"}}, 4096, &refused);
  EXPECT_FALSE(filtered.ok());
  EXPECT_FALSE(PerfRing::Open(1'000'000, {{.attr = TaskNames()}}, 4096, &refused).ok());
}

TEST_F(PerfRingTest, LeavesNoDescriptor) {
  const auto next_fd = [] { return ScopedFd(open("/dev/null", O_RDONLY | O_CLOEXEC)).get(); };
  const int before = next_fd();
  if (Open({{.attr = TaskNames()}, {.attr = TaskNames()}}, 4096) == nullptr) {
    GTEST_SKIP() << skipped_;
  }
  EXPECT_EQ(next_fd(), before);
}

}  // namespace
}  // namespace correlate
