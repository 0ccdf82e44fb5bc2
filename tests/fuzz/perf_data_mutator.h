// Changes the records of a file of perf one by one, and keeps whole what stands around them: sizes,
// offsets and the text of formats. To be included once in a target.
#ifndef TESTS_FUZZ_PERF_DATA_MUTATOR_H_
#define TESTS_FUZZ_PERF_DATA_MUTATOR_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "collector/perf_data_file.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace correlate {

// tools/perf/Documentation/perf.data-file-format.txt
class PerfDataMutation {
 public:
  PerfDataMutation(absl::string_view bytes, unsigned int seed) : bytes_(bytes), random_(seed) {
    foreign_ = bytes.substr(0, 8) == "2ELIFREP";
    if (bytes.size() < kHeaderBytes) return;
    const bool piped = Get<uint64_t>(8) == kPipeHeaderBytes;
    begin_ = piped ? kPipeHeaderBytes : Get<uint64_t>(kDataOffset);
    end_ = piped ? bytes.size() : begin_ + Get<uint64_t>(kDataOffset + 8);
    if (begin_ > bytes.size() || end_ < begin_ || end_ > bytes.size()) return;
    FindRecords();
    if (!piped) FindFeatures();
  }

  // False: it is too damaged to have any.
  bool HasRecords() const { return !records_.empty(); }

  std::string Change() && {
    const auto [offset, size] = records_[Below(records_.size())];
    const auto [other, other_size] = records_[Below(records_.size())];
    const size_t body = offset + kRecordHeaderBytes;
    const size_t words = (size - kRecordHeaderBytes) / 8;
    const size_t word = body + 8 * Below(std::max<size_t>(words, 1));
    switch (words == 0 ? 4 + Below(4) : Below(9)) {
      case 0:
      case 1:
        SetNumber(word);
        break;
      case 2:  // the same word of another record
        if (word - offset + 8 <= other_size) {
          const std::string copied = bytes_.substr(other + (word - offset), 8);
          bytes_.replace(word, 8, copied);
        }
        break;
      case 3:
        LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(bytes_.data()) + body, 8 * words, 8 * words);
        break;
      case 4:
        Put<uint32_t>(offset, static_cast<uint32_t>(Below(2) == 0 ? Below(24) : 64 + Below(24)));
        break;
      case 5:
        Insert(other, bytes_.substr(offset, size));
        break;
      case 6:
        Replace(offset, size, "");
        break;
      case 7:  // one word more
        Put<uint16_t>(offset + 6, static_cast<uint16_t>(size + 8));
        Insert(offset + size, std::string(8, '\0'));
        break;
      default:  // one word less
        Put<uint16_t>(offset + 6, static_cast<uint16_t>(size - 8));
        Replace(word, 8, "");
    }
    return std::move(bytes_);
  }

 private:
  static constexpr size_t kHeaderBytes = 104;
  static constexpr size_t kPipeHeaderBytes = 16;
  static constexpr size_t kRecordHeaderBytes = 8;
  static constexpr size_t kDataOffset = 40;
  static constexpr size_t kFeatureBits = 72;
  static constexpr size_t kMostRecords = 1024;

  size_t Below(size_t end) { return random_() % end; }

  template <typename Integer>
  Integer Get(size_t offset) const {
    Integer value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return foreign_ ? PerfDataReader::Swapped(value) : value;
  }
  template <typename Integer>
  void Put(size_t offset, Integer value) {
    if (foreign_) value = PerfDataReader::Swapped(value);
    std::memcpy(bytes_.data() + offset, &value, sizeof value);
  }

  void FindRecords() {
    size_t at = begin_;
    while (at + kRecordHeaderBytes <= end_ && records_.size() < kMostRecords) {
      size_t size = Get<uint16_t>(at + 6);
      if (size < kRecordHeaderBytes || size > end_ - at) return;
      records_.emplace_back(at, size);
      if (Get<uint32_t>(at) == kPerfTracingDataRecord && size >= 12) {
        size += (size_t{Get<uint32_t>(at + kRecordHeaderBytes)} + 7) / 8 * 8;
        if (size > end_ - at) return;
      }
      at += size;
    }
  }

  // Their table stands behind the records, and what it leads to behind it.
  void FindFeatures() {
    size_t count = 0;
    for (size_t i = 0; i < 4; ++i) {
      count += static_cast<size_t>(std::popcount(Get<uint64_t>(kFeatureBits + 8 * i)));
    }
    features_ = std::min(count, (bytes_.size() - end_) / 16);
    moves_ = true;
  }

  void Insert(size_t at, const std::string& inserted) { Replace(at, 0, inserted); }

  void Replace(size_t at, size_t size, const std::string& with) {
    bytes_.replace(at, size, with);
    if (!moves_) return;
    const uint64_t more = with.size() - size;
    end_ += more;
    Put<uint64_t>(kDataOffset + 8, end_ - begin_);
    for (size_t i = 0; i < features_; ++i) {
      Put<uint64_t>(end_ + 16 * i, Get<uint64_t>(end_ + 16 * i) + more);
    }
  }

  void SetNumber(size_t offset) {
    const auto old = Get<uint64_t>(offset);
    const uint64_t numbers[] = {old + Below(9) - 4, old ^ uint64_t{1} << Below(64),
                                (uint64_t{1} << Below(64)) - Below(2), Below(64)};
    if (Below(2) == 0) return Put<uint64_t>(offset, numbers[Below(4)]);
    Put<uint32_t>(offset + 4 * Below(2), static_cast<uint32_t>(numbers[Below(4)]));
  }

  std::string bytes_;
  std::minstd_rand random_;
  bool foreign_ = false;
  bool moves_ = false;  // what stands behind the records moves with them
  size_t begin_ = 0;    // of the records
  size_t end_ = 0;
  size_t features_ = 0;
  std::vector<std::pair<size_t, size_t>> records_;  // offset and size
};

}  // namespace correlate

// A text of formats that is new costs a process, so the rest is changed for the most part: records,
// or whatever stands before or behind the formats, where it is.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  if (seed % 4 != 0) {
    correlate::PerfDataMutation mutation(text, seed / 4);
    if (mutation.HasRecords()) {
      const std::string changed = std::move(mutation).Change();
      if (changed.size() > max_size) return size;
      std::memcpy(data, changed.data(), changed.size());
      return changed.size();
    }
  }
  const size_t formats = text.find("name: ");
  const size_t behind = text.find('\n', text.rfind("print fmt: "));
  if (seed % 64 == 0 || formats == text.npos || behind == text.npos) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
  const bool front = seed / 4 % 2 == 0;
  const size_t begin = front ? 0 : behind;
  const size_t bytes = front ? formats : size - behind;
  std::vector<uint8_t> part(data + begin, data + begin + bytes);
  const size_t changed = LLVMFuzzerMutate(part.data(), bytes, bytes);
  std::memcpy(data + begin, part.data(), changed);
  return size;
}

#endif  // TESTS_FUZZ_PERF_DATA_MUTATOR_H_
