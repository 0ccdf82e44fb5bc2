#include "collector/bpf_call_decoder.h"

#include <cstddef>
#include <cstring>
#include <vector>

#include "collector/bpf_call_record.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::ElementsAre;

constexpr size_t kHeadBytes = offsetof(bpf_call_record, data);

std::vector<uint8_t> Bytes(const bpf_call_record& record, size_t data_bytes) {
  const auto* begin = reinterpret_cast<const uint8_t*>(&record);
  return {begin, begin + kHeadBytes + data_bytes};
}

bpf_call_record Update() {
  bpf_call_record record = {};
  record.result = -2;
  record.command = 2;
  record.object = CALL_OBJECT_MAP;
  record.room = 8;
  record.key_bytes = 3;
  record.value_bytes = 2;
  std::memcpy(record.name, "0123456789abcdef", sizeof record.name);  // no NUL
  for (uint8_t i = 0; i < 16; ++i) record.data[i] = i;
  return record;
}

TEST(BpfCallDecoderTest, KeyAndValueStandWhereTheRecordSays) {
  const std::vector<uint8_t> bytes = Bytes(Update(), 10);
  TracepointSample sample;
  sample.raw = bytes;
  sample.time_ns = 5;
  sample.tid = 7;
  BpfCallRecord call;
  ASSERT_TRUE(DecodeBpfCall(sample, &call));
  EXPECT_EQ(call.time_ns, 5u);
  EXPECT_EQ(call.tid, 7);
  EXPECT_EQ(call.result, -2);
  EXPECT_EQ(call.name, "0123456789abcdef");
  EXPECT_THAT(call.key, ElementsAre(0, 1, 2));
  EXPECT_THAT(call.value, ElementsAre(8, 9));
}

TEST(BpfCallDecoderTest, WhatDoesNotFitIsRefused) {
  BpfCallRecord call;
  TracepointSample sample;
  const auto decodes = [&](const bpf_call_record& record, size_t data_bytes) {
    const std::vector<uint8_t> bytes = Bytes(record, data_bytes);
    sample.raw = bytes;
    return DecodeBpfCall(sample, &call);
  };
  EXPECT_TRUE(decodes(Update(), 10));
  EXPECT_FALSE(decodes(Update(), 9));
  EXPECT_FALSE(decodes(Update(), 2));
  bpf_call_record record = Update();
  record.room = 0xffffffff;
  EXPECT_FALSE(decodes(record, 10));
  record = Update();
  record.value_bytes = 0xfffffff8;
  EXPECT_FALSE(decodes(record, 10));
  const std::vector<uint8_t> whole = Bytes(Update(), 10);
  for (size_t size = 0; size < kHeadBytes; ++size) {
    sample.raw = absl::MakeConstSpan(whole).subspan(0, size);
    EXPECT_FALSE(DecodeBpfCall(sample, &call)) << size;
  }
}

}  // namespace
}  // namespace correlate
