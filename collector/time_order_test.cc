#include "collector/time_order.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TimeOrderTest : public ::testing::Test {
 protected:
  void Append(size_t stream, uint64_t time_ns, const std::string& text) {
    order_.Append(stream, time_ns, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }
  std::vector<std::string> Release(uint64_t horizon_ns) {
    std::vector<std::string> released;
    order_.Release(horizon_ns, [&](size_t, uint64_t, absl::Span<const uint8_t> record) {
      released.emplace_back(record.begin(), record.end());
    });
    return released;
  }

  TimeOrder order_;
};

TEST_F(TimeOrderTest, MergesStreamsByTime) {
  const size_t a = order_.AddStream();
  const size_t b = order_.AddStream();
  Append(a, 10, "a10");
  Append(a, 30, "a30");
  Append(b, 20, "b20");
  Append(b, 40, "b40");
  EXPECT_THAT(Release(UINT64_MAX), ElementsAre("a10", "b20", "a30", "b40"));
  EXPECT_EQ(order_.waiting(), 0u);
}

TEST_F(TimeOrderTest, KeepsWhatIsNotOlderThanTheHorizon) {
  const size_t a = order_.AddStream();
  Append(a, 10, "10");
  Append(a, 20, "20");
  EXPECT_THAT(Release(20), ElementsAre("10"));
  EXPECT_EQ(order_.waiting(), 1u);
  Append(order_.AddStream(), 15, "15");  // another ring's record, in time
  EXPECT_THAT(Release(21), ElementsAre("15", "20"));
  EXPECT_EQ(order_.out_of_order(), 0u);
}

TEST_F(TimeOrderTest, SortsRecordsHoweverFarOffAndHoweverLong) {
  const size_t a = order_.AddStream();
  std::vector<std::string> expected;
  std::mt19937 random(7);
  for (int round = 0; round < 3; ++round) {
    // As a file holds the rings of several CPUs: each round of one CPU after the other.
    for (int cpu = 0; cpu < 3; ++cpu) {
      for (int i = 0; i < 500; ++i) {
        const auto time_ns = static_cast<uint64_t>(round * 10'000 + i * 3 + cpu + 1);
        std::string text = std::to_string(time_ns);
        text.resize(text.size() + random() % 3000, '.');
        if (i == 250) text.resize(400'000, '.');
        Append(a, time_ns, text);
        expected.push_back(text);
      }
    }
    std::sort(expected.begin(), expected.end(), [](const std::string& x, const std::string& y) {
      return std::stoull(x) < std::stoull(y);
    });
    EXPECT_EQ(Release(static_cast<uint64_t>(round + 1) * 10'000), expected);
    expected.clear();
  }
  EXPECT_EQ(order_.out_of_order(), 0u);
}

TEST_F(TimeOrderTest, SortsARecordThatOvertookTheOneItInterrupted) {
  const size_t a = order_.AddStream();
  Append(a, 20, "20");
  Append(a, 10, "10");
  Append(a, 15, "15");
  EXPECT_THAT(Release(UINT64_MAX), ElementsAre("10", "15", "20"));
  EXPECT_EQ(order_.out_of_order(), 0u);
}

TEST_F(TimeOrderTest, EqualTimesKeepTheirOrder) {
  const size_t a = order_.AddStream();
  Append(a, 30, "later");
  Append(a, 10, "first");
  Append(a, 10, "second");
  EXPECT_THAT(Release(UINT64_MAX), ElementsAre("first", "second", "later"));
}

TEST_F(TimeOrderTest, HandsOutLateRecordsAndCountsThem) {
  const size_t a = order_.AddStream();
  Append(a, 100, "100");
  EXPECT_THAT(Release(200), ElementsAre("100"));
  Append(a, 50, "50");
  EXPECT_THAT(Release(200), ElementsAre("50"));
  EXPECT_EQ(order_.out_of_order(), 1u);
  EXPECT_THAT(Release(UINT64_MAX), IsEmpty());
}

TEST_F(TimeOrderTest, AnyInterleavingComesOutSortedAndWhole) {
  std::mt19937 random(7);
  std::vector<size_t> streams;
  streams.reserve(5);
  for (int i = 0; i < 5; ++i) streams.push_back(order_.AddStream());
  std::vector<uint64_t> released;
  uint64_t clock = 1000;
  size_t appended = 0;
  for (int pass = 0; pass < 200; ++pass) {
    const uint64_t horizon = clock;
    for (const size_t stream : streams) {
      for (unsigned i = 0; i < random() % 20; ++i) {
        Append(stream, clock + random() % 500, "record");
        ++appended;
      }
    }
    clock += 100;
    order_.Release(horizon, [&](size_t, uint64_t time_ns, absl::Span<const uint8_t> record) {
      EXPECT_EQ(std::string(record.begin(), record.end()), "record");
      released.push_back(time_ns);
    });
  }
  order_.Release(UINT64_MAX, [&](size_t, uint64_t time_ns, absl::Span<const uint8_t>) {
    released.push_back(time_ns);
  });
  EXPECT_EQ(released.size(), appended);
  EXPECT_TRUE(std::is_sorted(released.begin(), released.end()));
  EXPECT_EQ(order_.out_of_order(), 0u);
}

}  // namespace
}  // namespace correlate
