#include "collector/perf_byte_order.h"

#include <endian.h>
#include <linux/perf_event.h>

#include <cstring>
#include <string>
#include <vector>

#include "collector/record_parser.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

constexpr uint64_t kSampleType =
    PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_IDENTIFIER;

// A record as a machine of the other byte order writes it.
class ForeignRecord {
 public:
  ForeignRecord& U16(uint16_t value) { return Add(htobe16(value)); }
  ForeignRecord& U32(uint32_t value) { return Add(htobe32(value)); }
  ForeignRecord& U64(uint64_t value) { return Add(htobe64(value)); }
  ForeignRecord& Text(std::string text) {
    text.resize((text.size() + 8) / 8 * 8);  // with its NUL
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    return *this;
  }
  ForeignRecord& SampleId(uint64_t time_ns) {
    return U32(7).U32(8).U64(time_ns).U32(1).U32(0).U64(99);
  }

  // In our order, with its header.
  std::vector<uint8_t> Swapped(uint32_t type) const {
    perf_event_header header = {.type = htobe32(type), .misc = 0, .size = 0};
    header.size = htobe16(static_cast<uint16_t>(sizeof header + bytes_.size()));
    std::vector<uint8_t> record(sizeof header);
    std::memcpy(record.data(), &header, sizeof header);
    record.insert(record.end(), bytes_.begin(), bytes_.end());
    SwapRecordHeader(absl::MakeSpan(record));
    SwapRecordBody(kSampleType, /*sample_id_all=*/true, absl::MakeSpan(record));
    return record;
  }

 private:
  template <typename Number>
  ForeignRecord& Add(Number number) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&number);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof number);
    return *this;
  }

  std::vector<uint8_t> bytes_;
};

RecordKind Parse(const std::vector<uint8_t>& record, ParsedRecord* parsed) {
  return ParseRecord(record, {.sample_type = kSampleType}, parsed);
}

TEST(PerfByteOrderTest, ALoadIsTheSameInEitherOrder) {
  ParsedRecord parsed;
  ForeignRecord symbol;
  symbol.U64(0xffffffffc0001000).U32(64).U16(PERF_RECORD_KSYMBOL_TYPE_BPF).U16(0);
  symbol.Text("bpf_prog_0102030405060708_decide").SampleId(1234);
  ASSERT_EQ(Parse(symbol.Swapped(PERF_RECORD_KSYMBOL), &parsed), RecordKind::kKsymbol);
  EXPECT_EQ(parsed.ksymbol.address, 0xffffffffc0001000);
  EXPECT_EQ(parsed.ksymbol.name, "bpf_prog_0102030405060708_decide");
  EXPECT_EQ(parsed.ksymbol.time_ns, 1234u);
  EXPECT_EQ(parsed.event_id, 99u);
}

// As the older of two recorders gets it.
TEST(PerfByteOrderTest, WhatFollowsTheSampleIdMeansNothing) {
  ParsedRecord parsed;
  ForeignRecord symbol;
  symbol.U64(0xffffffffc0001000).U32(64).U16(PERF_RECORD_KSYMBOL_TYPE_BPF).U16(0);
  symbol.Text("bpf_prog_0102030405060708_decide").SampleId(1234).SampleId(666);
  ASSERT_EQ(Parse(symbol.Swapped(PERF_RECORD_KSYMBOL), &parsed), RecordKind::kKsymbol);
  EXPECT_EQ(parsed.ksymbol.time_ns, 1234u);
  EXPECT_EQ(parsed.event_id, 99u);

  ForeignRecord load;
  load.U16(PERF_BPF_EVENT_PROG_LOAD).U16(0).U32(5).Text("tagtagt").SampleId(1235).SampleId(666);
  ASSERT_EQ(Parse(load.Swapped(PERF_RECORD_BPF_EVENT), &parsed), RecordKind::kBpfProgram);
  EXPECT_EQ(parsed.bpf_program.program_id, 5u);
  EXPECT_EQ(parsed.bpf_program.time_ns, 1235u);
}

TEST(PerfByteOrderTest, WhatIsCutShortIsMalformed) {
  ParsedRecord parsed;
  ForeignRecord symbol;
  symbol.U64(0xffffffffc0001000).U32(64).U16(PERF_RECORD_KSYMBOL_TYPE_BPF).U16(0).U64(1);
  EXPECT_EQ(Parse(symbol.Swapped(PERF_RECORD_KSYMBOL), &parsed), RecordKind::kMalformed);
}

}  // namespace
}  // namespace correlate
