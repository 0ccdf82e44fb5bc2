#include "collector/kind_tables.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace correlate {
namespace {

class KindTablesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    auto tables = KindTables::Create();
    ASSERT_TRUE(tables.ok()) << tables.status();
    tables_ = std::move(tables).value();
  }
  static constexpr uint64_t kNow = 1'000'000'000'000;
  static drop_kind Kind(uint32_t number) { return {.location = 0x1000, .ifindex = number}; }
  // As programs on two CPUs count it: into the table that is in use now.
  void Hit(uint32_t number, uint64_t times) {
    const uint32_t zero = 0;
    uint32_t table_id = 0;
    ASSERT_EQ(bpf_map_lookup_elem(tables_->tables_fd(), &zero, &table_id), 0);
    const ScopedFd table(bpf_map_get_fd_by_id(table_id));
    ASSERT_TRUE(table.valid());
    std::vector<uint64_t> by_cpu(static_cast<size_t>(libbpf_num_possible_cpus()));
    const drop_kind kind = Kind(number);
    bpf_map_lookup_elem(table.get(), &kind, by_cpu.data());
    by_cpu.front() += times;
    by_cpu.back() += 1;
    ASSERT_EQ(bpf_map_update_elem(table.get(), &kind, by_cpu.data(), BPF_ANY), 0);
  }
  uint64_t CountOf(uint32_t number) const { return tables_->count(Kind(number)); }
  std::unique_ptr<KindTables> tables_;
};

TEST_F(KindTablesTest, SumsUpCpusAndGoesOn) {
  Hit(1, 10);
  Hit(2, 20);
  ASSERT_TRUE(tables_->Update(kNow).ok());
  EXPECT_EQ(tables_->kinds(), 2u);
  EXPECT_EQ(CountOf(1), 11u);
  EXPECT_EQ(tables_->changed().size(), 2u);
  Hit(1, 5);
  EXPECT_EQ(CountOf(1), 11u) << "as of the last update";
  ASSERT_TRUE(tables_->Update(kNow).ok());
  ASSERT_EQ(tables_->changed().size(), 1u);
  EXPECT_EQ(tables_->changed().front().count, 17u);
  EXPECT_EQ(CountOf(1), 17u);
  EXPECT_EQ(CountOf(2), 21u);
  EXPECT_EQ(tables_->exchanges(), 0u);
}

TEST_F(KindTablesTest, MoreKindsThanATableHoldsAreAllCounted) {
  constexpr uint32_t kKinds = 3 * MOST_KINDS;
  for (uint32_t round = 0; round < 2; ++round) {
    for (uint32_t number = 0; number < kKinds; ++number) {
      Hit(number, 2);
      if (number % (MOST_KINDS / 4) == 0) {
        ASSERT_TRUE(tables_->Update(kNow).ok());
      }
    }
  }
  ASSERT_TRUE(tables_->Update(kNow).ok());
  EXPECT_GE(tables_->exchanges(), 6u);
  ASSERT_EQ(tables_->kinds(), kKinds);
  for (uint32_t number = 0; number < kKinds; ++number) {
    ASSERT_EQ(CountOf(number), 6u) << number;
  }
}

TEST_F(KindTablesTest, ForgetsWhatStandsStillAndSaysSo) {
  constexpr uint64_t kMinute = 60'000'000'000;
  const auto fill = [this](uint64_t now_ns, uint32_t first) {
    for (uint32_t number = 0; number <= MOST_KINDS / 2; ++number) Hit(first + number, 1);
    ASSERT_TRUE(tables_->Update(now_ns).ok());
  };
  Hit(1, 10);
  Hit(2, 10);
  ASSERT_TRUE(tables_->Update(kNow).ok());
  fill(kNow + kMinute / 2, 1'000'000);
  EXPECT_EQ(tables_->exchanges(), 1u);
  EXPECT_EQ(CountOf(1), 11u) << "half a minute ago";
  Hit(2, 5);
  ASSERT_TRUE(tables_->Update(kNow + kMinute / 2).ok());
  fill(kNow + kMinute, 2'000'000);
  EXPECT_EQ(tables_->exchanges(), 2u);
  uint64_t told = 0;
  for (const KindTables::Change& change : tables_->changed()) {
    if (!change.last) continue;
    EXPECT_EQ(change.kind.ifindex, 1u);
    told += change.count;
  }
  EXPECT_EQ(told, 11u) << "told once, with all that there was of it";
  EXPECT_EQ(CountOf(1), 0u);
  EXPECT_EQ(CountOf(2), 17u);
  Hit(1, 3);
  ASSERT_TRUE(tables_->Update(kNow + kMinute).ok());
  EXPECT_EQ(CountOf(1), 4u);
  // Ever new ones: what is kept is of the last minute and of one table.
  for (uint32_t round = 3; round < 9; ++round) {
    fill(kNow + round * kMinute, round * 1'000'000);
    EXPECT_LE(tables_->kinds(), MOST_KINDS) << round;
  }
}

TEST_F(KindTablesTest, WhatFoundNoRoomIsCountedByEvent) {
  const uint32_t event = COMPANION_EXCEPTION;
  std::vector<uint64_t> by_cpu(static_cast<size_t>(libbpf_num_possible_cpus()), 3);
  ASSERT_EQ(bpf_map_update_elem(tables_->without_room_fd(), &event, by_cpu.data(), BPF_ANY), 0);
  ASSERT_TRUE(tables_->Update(kNow).ok());
  EXPECT_EQ(tables_->without_room(COMPANION_EXCEPTION), 3 * by_cpu.size());
  EXPECT_EQ(tables_->without_room(COMPANION_DROP), 0u);
}

}  // namespace
}  // namespace correlate
