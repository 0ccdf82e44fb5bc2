// A perf.data file that was cut or spoiled gives an error or fewer events, never a crash; the
// sanitizers' run of this test says more than the plain one.
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <variant>

#include "collector/perf_data_source.h"
#include "gtest/gtest.h"
#include "tests/captures/capture.h"

namespace correlate {
namespace {

class CountingSink : public EventSink {
 public:
  void OnRawEvent(const RawEvent& event) override {
    samples += std::holds_alternative<TracepointSample>(event);
  }
  uint64_t samples = 0;
};

struct Outcome {
  bool parsed = false;
  bool whole = false;
  uint64_t samples = 0;
};

Outcome Read(const std::string& bytes) {
  const auto source = PerfDataSource::Parse(bytes);
  if (!source.ok()) {
    EXPECT_NE(source.status().message(), "");
    return {};
  }
  CountingSink sink;
  const bool whole = (*source)->Finish(sink).ok();
  return {true, whole, sink.samples};
}

class PerfData : public testing::Test {
 protected:
  void SetUp() override {
    auto bytes = ReadCaptureFile("demo.perf.data.zst");
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    bytes_ = *std::move(bytes);
  }
  std::string bytes_;
};

TEST_F(PerfData, Whole) {
  const Outcome outcome = Read(bytes_);
  EXPECT_TRUE(outcome.whole);
  EXPECT_EQ(outcome.samples, 1001u);
}

// The events stand before the formats, and other sections, which are of no interest, behind.
TEST_F(PerfData, CutAnywhereIsAnErrorOrCostsNoEvent) {
  int refused = 0;
  int read = 0;
  for (size_t size = 0; size < bytes_.size(); size += 1 + size / 50) {
    const Outcome outcome = Read(bytes_.substr(0, size));
    if (outcome.parsed) {
      EXPECT_EQ(outcome.samples, 1001u) << size;
    }
    ++(outcome.parsed ? read : refused);
  }
  EXPECT_GT(refused, 100);
  EXPECT_LT(read, 10);
}

TEST_F(PerfData, SpoiledHeadersNeverCrash) {
  int refused = 0;
  for (size_t at = 0; at < 1024; ++at) {
    std::string spoiled = bytes_;
    spoiled[at] = static_cast<char>(spoiled[at] ^ 0xff);
    const Outcome outcome = Read(spoiled);
    refused += !outcome.whole;
    EXPECT_LE(outcome.samples, 1001u);
  }
  EXPECT_GT(refused, 0);
}

TEST_F(PerfData, ARecordThatClaimsTooMuchEndsTheReading) {
  uint64_t data_offset = 0;
  // perf_file_header.data.offset
  std::memcpy(&data_offset, bytes_.data() + 40, sizeof data_offset);
  const uint16_t size = 0;  // less than its own header
  std::memcpy(bytes_.data() + data_offset + 6, &size, sizeof size);
  const Outcome outcome = Read(bytes_);
  EXPECT_TRUE(outcome.parsed);
  EXPECT_FALSE(outcome.whole);
  EXPECT_EQ(outcome.samples, 0u);
}

TEST_F(PerfData, SomethingElseIsRefusedInWords) {
  const auto source = PerfDataSource::Parse("#!/bin/sh\n" + std::string(200, 'x'));
  ASSERT_FALSE(source.ok());
  EXPECT_NE(std::string(source.status().message()).find("PERFILE2"), std::string::npos);
}

}  // namespace
}  // namespace correlate
