#include "collector/record_parser.h"

#include <linux/perf_event.h>

#include <cstring>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace correlate {
namespace {

using ::testing::ElementsAre;

constexpr uint64_t kIds =
    PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU;
constexpr RecordLayout kSamples = {.sample_type = kIds | PERF_SAMPLE_RAW | PERF_SAMPLE_CALLCHAIN};
constexpr RecordLayout kSideBand = {.sample_type = kIds};

// Builds a record as the kernel lays it out.
class RecordBuilder {
 public:
  explicit RecordBuilder(uint32_t type) { Add(perf_event_header{type, 0, 0}); }
  template <typename T>
  RecordBuilder& Add(const T& value) {
    const size_t end = bytes_.size();
    bytes_.resize(end + sizeof value);
    std::memcpy(bytes_.data() + end, &value, sizeof value);
    return *this;
  }
  RecordBuilder& AddText(const std::string& text, size_t size) {
    std::string padded = text;
    padded.resize(size, '\0');
    bytes_.insert(bytes_.end(), padded.begin(), padded.end());
    return *this;
  }
  RecordBuilder& AddSampleId(int32_t pid, int32_t tid, uint64_t time, uint32_t cpu, uint64_t id) {
    return Add(pid).Add(tid).Add(time).Add(cpu).Add(uint32_t{0}).Add(id);
  }
  std::vector<uint8_t> Done() {
    const auto size = static_cast<uint16_t>(bytes_.size());
    std::memcpy(bytes_.data() + offsetof(perf_event_header, size), &size, sizeof size);
    return bytes_;
  }

 private:
  std::vector<uint8_t> bytes_;
};

std::vector<uint8_t> Sample() {
  return RecordBuilder(PERF_RECORD_SAMPLE)
      .Add(uint64_t{77})  // identifier
      .Add(int32_t{10})
      .Add(int32_t{11})
      .Add(uint64_t{123456})  // time
      .Add(uint32_t{3})
      .Add(uint32_t{0})  // cpu
      .Add(uint64_t{5})  // callchain
      .Add(static_cast<uint64_t>(PERF_CONTEXT_KERNEL))
      .Add(uint64_t{0xffffffff81000001})
      .Add(uint64_t{0xffffffff81000002})
      .Add(static_cast<uint64_t>(PERF_CONTEXT_USER))
      .Add(uint64_t{0x400000})
      .Add(uint32_t{4})
      .Add(uint32_t{0xabcdef01})  // raw
      .Done();
}

TEST(RecordParser, ReadsEveryFieldOfASample) {
  const std::vector<uint8_t> record = Sample();
  ParsedRecord parsed;
  ASSERT_EQ(ParseRecord(record, kSamples, &parsed), RecordKind::kSample);
  EXPECT_EQ(parsed.event_id, 77u);
  EXPECT_EQ(parsed.sample.pid, 10);
  EXPECT_EQ(parsed.sample.tid, 11);
  EXPECT_EQ(parsed.sample.time_ns, 123456u);
  EXPECT_EQ(parsed.sample.cpu, 3u);
  // Context markers and user frames are no part of a kernel callchain.
  EXPECT_THAT(parsed.sample.callchain, ElementsAre(0xffffffff81000001, 0xffffffff81000002));
  EXPECT_THAT(parsed.sample.raw, ElementsAre(0x01, 0xef, 0xcd, 0xab));
  EXPECT_EQ(RecordTime(record, kSamples), 123456u);
}

TEST(RecordParser, EveryShorterSampleIsMalformed) {
  const std::vector<uint8_t> whole = Sample();
  for (size_t size = 0; size < whole.size(); ++size) {
    std::vector<uint8_t> cut(whole.begin(), whole.begin() + size);
    if (size >= sizeof(perf_event_header)) {
      const auto claimed = static_cast<uint16_t>(size);
      std::memcpy(cut.data() + offsetof(perf_event_header, size), &claimed, sizeof claimed);
    }
    ParsedRecord parsed;
    EXPECT_EQ(ParseRecord(cut, kSamples, &parsed), RecordKind::kMalformed) << size;
  }
}

TEST(RecordParser, ACallchainLongerThanTheRecordIsMalformed) {
  std::vector<uint8_t> record = Sample();
  const uint64_t absurd = UINT64_MAX;
  std::memcpy(record.data() + 40, &absurd, sizeof absurd);
  ParsedRecord parsed;
  EXPECT_EQ(ParseRecord(record, kSamples, &parsed), RecordKind::kMalformed);
}

TEST(RecordParser, ASizeOtherThanTheRecordsIsMalformed) {
  std::vector<uint8_t> record = Sample();
  record.push_back(0);
  ParsedRecord parsed;
  EXPECT_EQ(ParseRecord(record, kSamples, &parsed), RecordKind::kMalformed);
}

TEST(RecordParser, ReadsKsymbols) {
  const std::vector<uint8_t> record = RecordBuilder(PERF_RECORD_KSYMBOL)
                                          .Add(uint64_t{0xffffffffc0001000})
                                          .Add(uint32_t{96})
                                          .Add(uint16_t{PERF_RECORD_KSYMBOL_TYPE_BPF})
                                          .Add(uint16_t{PERF_RECORD_KSYMBOL_FLAGS_UNREGISTER})
                                          .AddText("bpf_prog_6deef7357e7b4530_f", 32)
                                          .AddSampleId(1, 2, 99, 1, 5)
                                          .Done();
  ParsedRecord parsed;
  ASSERT_EQ(ParseRecord(record, kSideBand, &parsed), RecordKind::kKsymbol);
  EXPECT_EQ(parsed.ksymbol.address, 0xffffffffc0001000);
  EXPECT_EQ(parsed.ksymbol.length_bytes, 96u);
  EXPECT_TRUE(parsed.ksymbol.bpf);
  EXPECT_TRUE(parsed.ksymbol.unregister);
  EXPECT_EQ(parsed.ksymbol.name, "bpf_prog_6deef7357e7b4530_f");
  EXPECT_EQ(parsed.ksymbol.time_ns, 99u);
  EXPECT_EQ(parsed.ksymbol.cpu, 1u);
  EXPECT_EQ(RecordTime(record, kSideBand), 99u);
}

TEST(RecordParser, ReadsProgramLoads) {
  const std::vector<uint8_t> record = RecordBuilder(PERF_RECORD_BPF_EVENT)
                                          .Add(uint16_t{PERF_BPF_EVENT_PROG_LOAD})
                                          .Add(uint16_t{0})
                                          .Add(uint32_t{42})
                                          .AddText("\x01\x02\x03\x04\x05\x06\x07\x08", 8)
                                          .AddSampleId(1, 2, 99, 1, 5)
                                          .Done();
  ParsedRecord parsed;
  ASSERT_EQ(ParseRecord(record, kSideBand, &parsed), RecordKind::kBpfProgram);
  EXPECT_TRUE(parsed.bpf_program.load);
  EXPECT_EQ(parsed.bpf_program.program_id, 42u);
  EXPECT_THAT(parsed.bpf_program.tag, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_EQ(parsed.bpf_program.tid, 2);
}

// What the kernel leaves behind the sample_id of these two, once for each other recorder on the
// host.
TEST(RecordParser, BytesBehindTheSampleIdMeanNothing) {
  for (const std::string name : {"bpf_prog_0102030405060708_x", "seven77", "eight888"}) {
    for (const size_t more : {0, 32, 64, 320}) {
      const std::vector<uint8_t> ksymbol = RecordBuilder(PERF_RECORD_KSYMBOL)
                                               .Add(uint64_t{0xffffffffc0001000})
                                               .Add(uint32_t{0x40})
                                               .Add(uint16_t{PERF_RECORD_KSYMBOL_TYPE_BPF})
                                               .Add(uint16_t{0})
                                               .AddText(name, (name.size() + 8) / 8 * 8)
                                               .AddSampleId(10, 11, 123456, 3, 77)
                                               .AddText(std::string(more, '\xee'), more)
                                               .Done();
      ParsedRecord parsed;
      ASSERT_EQ(ParseRecord(ksymbol, kSideBand, &parsed), RecordKind::kKsymbol);
      EXPECT_EQ(parsed.ksymbol.name, name);
      EXPECT_EQ(parsed.ksymbol.time_ns, 123456u);
      EXPECT_EQ(parsed.ksymbol.cpu, 3u);
      EXPECT_EQ(parsed.event_id, 77u);
      EXPECT_EQ(RecordTime(ksymbol, kSideBand), 123456u);

      const std::vector<uint8_t> load = RecordBuilder(PERF_RECORD_BPF_EVENT)
                                            .Add(uint16_t{PERF_BPF_EVENT_PROG_LOAD})
                                            .Add(uint16_t{0})
                                            .Add(uint32_t{100})
                                            .AddText("12345678", 8)
                                            .AddSampleId(10, 11, 123457, 3, 77)
                                            .AddText(std::string(more, '\xee'), more)
                                            .Done();
      ASSERT_EQ(ParseRecord(load, kSideBand, &parsed), RecordKind::kBpfProgram);
      EXPECT_EQ(parsed.bpf_program.time_ns, 123457u);
      EXPECT_EQ(parsed.bpf_program.tid, 11);
      EXPECT_EQ(RecordTime(load, kSideBand), 123457u);
    }
  }
}

TEST(RecordParser, ReadsTaskRecords) {
  ParsedRecord parsed;
  ASSERT_EQ(ParseRecord(RecordBuilder(PERF_RECORD_COMM)
                            .Add(int32_t{10})
                            .Add(int32_t{11})
                            .AddText("\xff\xfe", 8)
                            .AddSampleId(10, 11, 5, 0, 1)
                            .Done(),
                        kSideBand, &parsed),
            RecordKind::kTask);
  EXPECT_EQ(parsed.task.kind, TaskRecord::Kind::kComm);
  EXPECT_EQ(parsed.task.comm, "\xff\xfe");
  EXPECT_EQ(parsed.task.tid, 11);
  ASSERT_EQ(ParseRecord(RecordBuilder(PERF_RECORD_FORK)
                            .Add(int32_t{20})
                            .Add(int32_t{10})
                            .Add(int32_t{21})
                            .Add(int32_t{11})
                            .Add(uint64_t{5})
                            .AddSampleId(10, 11, 5, 0, 1)
                            .Done(),
                        kSideBand, &parsed),
            RecordKind::kTask);
  EXPECT_EQ(parsed.task.kind, TaskRecord::Kind::kFork);
  EXPECT_EQ(parsed.task.pid, 20);
  EXPECT_EQ(parsed.task.tid, 21);
  EXPECT_EQ(parsed.task.parent_tid, 11);
  EXPECT_TRUE(parsed.task.comm.empty());
}

TEST(RecordParser, CountsLostRecords) {
  ParsedRecord parsed;
  ASSERT_EQ(ParseRecord(RecordBuilder(PERF_RECORD_LOST)
                            .Add(uint64_t{77})
                            .Add(uint64_t{1000})
                            .AddSampleId(0, 0, 5, 0, 77)
                            .Done(),
                        kSamples, &parsed),
            RecordKind::kLost);
  EXPECT_EQ(parsed.lost, 1000u);
  EXPECT_EQ(parsed.event_id, 77u);
}

TEST(RecordParser, PassesOverWhatItDoesNotKnow) {
  ParsedRecord parsed;
  EXPECT_EQ(ParseRecord(RecordBuilder(9999).AddSampleId(0, 0, 5, 0, 77).Done(), kSideBand, &parsed),
            RecordKind::kOther);
  EXPECT_EQ(ParseRecord(RecordBuilder(9999).Done(), kSideBand, &parsed), RecordKind::kMalformed);
}

}  // namespace
}  // namespace correlate
