// What one drop costs our process, from the ring's bytes to a chunk of the trace: records of the
// companion program are put in order, decoded, correlated and written to a file that keeps nothing.
// Of one kind, or of many.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <linux/perf_event.h>

#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "collector/enriched_record.h"
#include "collector/record_translator.h"
#include "proto/trace_writer.h"
#include "symbolize/correlator.h"

namespace correlate {
namespace {

constexpr uint64_t kSampleType =
    PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_RAW;
constexpr uint64_t kEventId = 17;
constexpr uint64_t kApartNs = 1'000;
constexpr size_t kBatch = 256;

EventFormat DropFormat() {
  EventFormat format;
  format.system = "skb";
  format.name = "kfree_skb";
  const auto add = [&](const char* name, uint32_t offset, uint32_t size) {
    format.fields.push_back({.name = name, .offset = offset, .size = size});
  };
  add("common_pid", 4, 4);
  add("skbaddr", 8, 8);
  add("location", 16, 8);
  format.fields.back().is_code = true;
  add("rx_sk", 24, 8);
  add("protocol", 32, 2);
  add("reason", 36, 4);
  return format;
}

// A UDP packet that a filter of tc dropped.
enriched_event Drop(uint32_t number, uint32_t kinds) {
  const uint32_t kind = number % kinds;
  const uint32_t device = kind % 64;
  enriched_event event = {};
  event.skb = 0xffff888100000000 + number % 7 * 256;
  event.length = 100;
  event.context = ENRICHED_SOFTIRQ;
  event.location = 0xffffffff81000000 + kind / 64 * 16;
  event.reason = 2 + kind / 64;
  event.netns_inode = 4026532000 + device;
  event.netns_cookie = 100 + device;
  event.ifindex = 2;
  event.protocol = 0x0800;
  event.flags = ENRICHED_DEVICE | ENRICHED_NETNS;
  const std::string ifname = absl::StrCat("far", device);
  ifname.copy(event.ifname, sizeof event.ifname);
  const uint8_t header[] = {0x45, 0, 0,  86, 0, 0, 0,    0, 64,   17,   0, 0,  10, 1,
                            0,    1, 10, 1,  0, 2, 0x10, 0, 0x1b, 0x59, 0, 66, 0,  0};
  std::memcpy(event.header, header, sizeof header);
  if (kinds > 1) {  // from many addresses and ports
    const uint32_t spread = number * 2654435761u;
    std::memcpy(event.header + 13, &spread, 3);
    std::memcpy(event.header + 20, &spread, 2);
  }
  event.header_bytes = sizeof header;
  event.walk_hook = WALK_TC_INGRESS;
  event.walk_revision = 99 + device;
  event.walk_entries = 1;
  event.walk[0] = {.kind = ENTRY_CLS_BPF, .pref = 10, .program_id = 40 + device, .handle = 1};
  return event;
}

// PERF_RECORD_SAMPLE, as the ring holds it.
std::vector<uint8_t> Record(const enriched_event& event, uint32_t cpu) {
  const uint32_t raw_bytes =
      offsetof(enriched_event, walk) + event.walk_entries * sizeof(walk_entry) + 4;
  std::vector<uint8_t> record;
  const auto put = [&record](const auto& value) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
    record.insert(record.end(), bytes, bytes + sizeof value);
  };
  perf_event_header header = {.type = PERF_RECORD_SAMPLE, .misc = 0, .size = 0};
  put(header);
  put(kEventId);
  put(uint64_t{4579} << 32 | 4579);
  put(uint64_t{0});  // the time
  put(uint64_t{cpu});
  put(raw_bytes);
  const auto* bytes = reinterpret_cast<const uint8_t*>(&event);
  record.insert(record.end(), bytes, bytes + raw_bytes);
  header.size = static_cast<uint16_t>(record.size());
  std::memcpy(record.data(), &header, sizeof header);
  return record;
}

void BM_Drop(benchmark::State& state) {
  const auto kinds = static_cast<uint32_t>(state.range(0));
  std::vector<std::vector<uint8_t>> records;
  for (uint32_t i = 0; i < 8192; ++i) records.push_back(Record(Drop(i, kinds), 0));
  const auto writer =
      TraceWriter::FromFd(ScopedFd(open("/dev/null", O_WRONLY | O_CLOEXEC)), "/dev/null");
  Correlator correlator(writer.get());
  correlator.AddFormat(DropFormat());
  correlator.AddTask(4579, "flood");
  RecordTranslator translator;
  const RecordLayout layout = {.sample_type = kSampleType};
  const size_t stream = translator.AddStream(0, layout);
  translator.AddEnrichedEvent(kEventId, kSampleType, 0, DropFormat(), /*stack_omitted=*/true);
  uint64_t time_ns = 1'000'000'000;
  size_t next = 0;
  constexpr size_t kTimeOffset = sizeof(perf_event_header) + 16;
  for (auto _ : state) {
    for (size_t i = 0; i < kBatch; ++i) {
      std::vector<uint8_t>& record = records[next++ % records.size()];
      time_ns += kApartNs;
      std::memcpy(record.data() + kTimeOffset, &time_ns, sizeof time_ns);
      translator.Append(stream, record);
    }
    translator.Release(time_ns + 1, correlator);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kBatch));
  state.counters["bytes/event"] =
      static_cast<double>(writer->bytes_written()) / static_cast<double>(correlator.events());
}
BENCHMARK(BM_Drop)->ArgName("kinds")->Arg(1)->Arg(1000);

}  // namespace
}  // namespace correlate
