// Different values, numbered from 0 in the order in which they first came. One thread.
#ifndef BASE_NUMBERED_H_
#define BASE_NUMBERED_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace correlate {

template <typename Value>
class Numbered {
 public:
  uint32_t Of(const Value& value) {
    const auto [number, is_new] =
        numbers_.try_emplace(value, static_cast<uint32_t>(values_.size()));
    if (is_new) values_.push_back(value);
    return number->second;
  }
  bool Has(const Value& value) const { return numbers_.contains(value); }
  const std::vector<Value>& values() const { return values_; }  // by number

 private:
  absl::flat_hash_map<Value, uint32_t> numbers_;
  std::vector<Value> values_;
};

}  // namespace correlate

#endif  // BASE_NUMBERED_H_
