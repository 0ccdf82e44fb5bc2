// Bytes as JSON by the types of a BTF, as `bpftool -j map dump` formats them. Bytes and types may
// come from a foreign trace: what does not fit is null, and nothing is read beyond the bytes.
// Values are bounded, by the bytes and by 2^18: types that hold themselves end in nulls and missing
// members.
#ifndef CLI_BTF_VALUES_H_
#define CLI_BTF_VALUES_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "render/event_fields.h"

struct btf;

namespace correlate {

class BtfValues {
 public:
  // InvalidArgument for what is no BTF.
  static absl::StatusOr<std::unique_ptr<BtfValues>> Parse(const std::string& data);
  ~BtfValues();

  // `type_id`: of a map's key or value. Little-endian hosts.
  Json Format(uint32_t type_id, absl::string_view bytes) const;

 private:
  explicit BtfValues(btf* types) : types_(types) {}

  btf* const types_;
};

}  // namespace correlate

#endif  // CLI_BTF_VALUES_H_
